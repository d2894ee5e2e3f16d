-- Active runs that began with a row.
-- $1 feature, $2 row key
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, feature_id, shard, version,
       subject_table, subject_id, subject_key, row_table, row_key, record,
       event_id, event_type, state, status, entered_us, state_entered_us,
       state_entry, checked_us, due_us, rev, goal
  from runs
 where feature_id = $1 and row_key = $2 and status = 'active'
 order by id limit 1000
