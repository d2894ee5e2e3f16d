-- Keeps what was applied.
-- $1 id, $2 workspace, $3 integration, $4 plan, $5 changes, $6 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into deployments (id, workspace_id, integration_id, plan, changes,
                         applied_us)
values ($1, $2, $3, $4, $5, $6)
