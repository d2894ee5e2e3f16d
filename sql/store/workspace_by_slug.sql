-- A workspace by slug.
-- $1 slug
-- returns: id, slug, name, settings
-- source: docs/architecture.md, store
select id, slug, name, settings from workspaces where slug = $1
