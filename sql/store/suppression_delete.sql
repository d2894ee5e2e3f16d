-- An address may get mail again.
-- $1 workspace, $2 address
-- returns: nothing
-- source: docs/architecture.md, store
delete from suppressions where workspace_id = $1 and address = $2
