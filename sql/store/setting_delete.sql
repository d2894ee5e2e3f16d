-- Takes a named value away.
-- $1 workspace, $2 key
-- returns: nothing
-- source: docs/architecture.md, store
delete from settings where workspace_id = $1 and key = $2
