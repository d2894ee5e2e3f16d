-- Integrations of a workspace, or of all.
-- $1 workspace or null
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, name, kind, access_mode, transport, status,
       dsn_sealed, secret_hash, epoch, catalog, created_us
  from integrations
 where coalesce($1, workspace_id) = workspace_id
 order by created_us, id
