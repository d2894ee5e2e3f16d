-- A message template.
-- $1 workspace, $2 key
-- returns: workspace_id, key, subject, body, updated_us
-- source: docs/architecture.md, store
select workspace_id, key, subject, body, updated_us
  from messages where workspace_id = $1 and key = $2
