-- Message templates of a workspace.
-- $1 workspace
-- returns: workspace_id, key, subject, body, updated_us
-- source: docs/architecture.md, store
select workspace_id, key, subject, body, updated_us
  from messages where workspace_id = $1 order by key
