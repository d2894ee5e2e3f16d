-- A named value of a workspace.
-- $1 workspace, $2 key
-- returns: value
-- source: docs/architecture.md, store
select value from settings where workspace_id = $1 and key = $2
