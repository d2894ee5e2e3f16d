-- One integration of a workspace.
-- $1 workspace, $2 id
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, name, kind, access_mode, transport, status,
       dsn_sealed, secret_hash, epoch, catalog, created_us
  from integrations where workspace_id = $1 and id = $2
