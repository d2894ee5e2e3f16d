-- An analytics event, once per action.
-- $1 … $6 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into tracks (workspace_id, id, event, subject_key, properties, at_us)
values ($1, $2, $3, $4, $5, $6)
    on conflict (workspace_id, id) do nothing
