-- Runs whose time has come.
-- $1 first shard, $2 last shard, $3 now, $4 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, feature_id, shard, version,
       subject_table, subject_id, subject_key, row_table, row_key, record,
       event_id, event_type, state, status, entered_us, state_entered_us,
       state_entry, checked_us, due_us, rev, goal
  from runs
 where due_us > 0 and due_us <= $3 and shard between $1 and $2
 order by due_us limit $4
