-- Deployments, newest first.
-- $1 workspace, $2 limit
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, plan, changes, applied_us
  from deployments where workspace_id = $1
 order by id desc limit $2
