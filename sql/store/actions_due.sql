-- Pending actions whose time has come.
-- $1 first shard, $2 last shard, $3 now, $4 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, key, run_id, feature_id, feature_key, version,
       event_id, subject_key, kind, address, payload, status, verdict,
       attempts, due_us, created_us, done_us, last_error, provider_id, gates
  from actions
 where status = 'pending' and due_us <= $3 and shard between $1 and $2
 order by due_us limit $4
