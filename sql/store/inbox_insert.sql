-- A mail for the dev inbox, once per action.
-- $1 … $9 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into inbox (workspace_id, id, sender, recipient, subject, html, text,
                   headers, at_us)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (workspace_id, id) do nothing
