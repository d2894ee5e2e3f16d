-- A workspace by id.
-- $1 id
-- returns: id, slug, name, settings
-- source: docs/architecture.md, store
select id, slug, name, settings from workspaces where id = $1
