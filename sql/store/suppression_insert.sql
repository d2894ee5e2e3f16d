-- An address asked for no mail.
-- $1 workspace, $2 address, $3 reason, $4 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into suppressions (workspace_id, address, reason, at_us)
values ($1, $2, $3, $4)
    on conflict (workspace_id, address) do nothing
