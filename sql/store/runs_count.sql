-- Runs by feature, state and status.
-- $1 workspace
-- returns: feature_id, state, status, n
-- source: docs/architecture.md, store
select feature_id, state, status, count(*)
  from runs where workspace_id = $1 and goal is null
 group by feature_id, state, status
 order by feature_id, state, status
