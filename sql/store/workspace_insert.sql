-- Makes a workspace unless its slug is taken.
-- $1 id, $2 slug, $3 name, $4 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into workspaces (id, slug, name, settings, created_us)
values ($1, $2, $3, '{}', $4)
    on conflict (slug) do nothing
