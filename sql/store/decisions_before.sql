-- Decisions, newest first.
-- $1 workspace, $2 feature, $3 verdict, $4 subject, $5 since, $6 until, $7 below this id, $8 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, event_id, feature_id, feature_key, version,
       verdict, subject_key, run_id, at_us, detail
  from decisions
 where workspace_id = $1
   and (cast($2 as text) is null or feature_key = $2)
   and (cast($3 as text) is null or verdict = $3)
   and (cast($4 as text) is null or subject_key = $4)
   and at_us >= $5 and at_us < $6
   and id < $7
 order by id desc limit $8
