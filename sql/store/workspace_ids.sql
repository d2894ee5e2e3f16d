-- Every workspace.
-- no parameters
-- returns: id
-- source: docs/architecture.md, store
select id from workspaces order by id
