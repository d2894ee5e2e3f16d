-- All runs of a subject, newest first.
-- $1 shard, $2 workspace, $3 subject
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, feature_id, shard, version,
       subject_table, subject_id, subject_key, row_table, row_key, record,
       event_id, event_type, state, status, entered_us, state_entered_us,
       state_entry, checked_us, due_us, rev, goal
  from runs
 where shard = $1 and workspace_id = $2 and subject_key = $3 and goal is null
 order by id desc limit 1000
