-- Sets a named value of a workspace.
-- $1 workspace, $2 key, $3 value
-- returns: nothing
-- source: docs/architecture.md, store
insert into settings (workspace_id, key, value) values ($1, $2, $3)
    on conflict (workspace_id, key) do update set value = excluded.value
