-- Makes or changes an integration.
-- $1 … $12 the columns in order
-- returns: nothing
-- source: docs/architecture.md, store
insert into integrations (id, workspace_id, name, kind, access_mode, transport, status,
       dsn_sealed, secret_hash, epoch, catalog, created_us)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (id) do update
   set name = excluded.name, access_mode = excluded.access_mode,
       transport = excluded.transport, status = excluded.status,
       dsn_sealed = excluded.dsn_sealed, secret_hash = excluded.secret_hash,
       epoch = excluded.epoch, catalog = excluded.catalog
