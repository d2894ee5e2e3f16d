-- Decisions on an event.
-- $1 shard, $2 event, $3 workspace
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, event_id, feature_id, feature_key, version,
       verdict, subject_key, run_id, at_us, detail
  from decisions
 where shard = $1 and event_id = $2 and workspace_id = $3
 order by at_us, id
