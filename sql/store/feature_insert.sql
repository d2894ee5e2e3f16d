-- Makes a feature as a draft of version 1.
-- $1 id, $2 workspace, $3 integration, $4 key, $5 name, $6 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into features (id, workspace_id, integration_id, key, name, status,
                      version, created_us, updated_us)
values ($1, $2, $3, $4, $5, 'draft', 1, $6, $6)
