-- Active runs of a subject in a feature.
-- $1 shard, $2 subject, $3 feature
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, feature_id, shard, version,
       subject_table, subject_id, subject_key, row_table, row_key, record,
       event_id, event_type, state, status, entered_us, state_entered_us,
       state_entry, checked_us, due_us, rev, goal
  from runs
 where shard = $1 and subject_key = $2 and feature_id = $3
   and status = 'active'
 order by id limit 1000
