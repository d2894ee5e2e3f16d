-- Decisions, oldest first, above an id.
-- $1 workspace, $2 feature, $3 verdict, $4 subject, $5 since, $6 until, $7 above this id, $8 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, event_id, feature_id, feature_key, version,
       verdict, subject_key, run_id, at_us, detail
  from decisions
 where workspace_id = $1
   and ($2 is null or feature_key = $2)
   and ($3 is null or verdict = $3)
   and ($4 is null or subject_key = $4)
   and at_us >= $5 and at_us < $6
   and ($7 is null or id > $7)
 order by id limit $8
