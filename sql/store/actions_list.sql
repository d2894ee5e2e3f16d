-- Actions, newest first.
-- $1 workspace, $2 status, $3 event, $4 run, $5 below this id, $6 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, key, run_id, feature_id, feature_key, version,
       event_id, subject_key, kind, address, payload, status, verdict,
       attempts, due_us, created_us, done_us, last_error, provider_id, gates
  from actions
 where workspace_id = $1
   and (cast($2 as text) is null or status = $2)
   and (cast($4 as text) is null or run_id = $4)
   and (cast($3 as text) is null or event_id = $3)
   and id < $5
 order by id desc limit $6
