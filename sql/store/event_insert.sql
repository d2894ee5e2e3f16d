-- Keeps an event unless it was seen before.
-- $1 shard, $2 … $12 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into events (shard, id, workspace_id, integration_id, source_id, type, key, record, old,
       occurred_us, received_us, transport)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict do nothing
