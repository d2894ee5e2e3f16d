-- Active runs of a feature, in the order of their ids.
-- $1 feature, $2 above this id, $3 limit
-- returns: the columns
-- source: docs/spec.md M10
select id, workspace_id, integration_id, feature_id, shard, version,
       subject_table, subject_id, subject_key, row_table, row_key, record,
       event_id, event_type, state, status, entered_us, state_entered_us,
       state_entry, checked_us, due_us, rev, goal
  from runs
 where feature_id = $1 and status = 'active' and goal is null and id > $2
 order by id limit $3
