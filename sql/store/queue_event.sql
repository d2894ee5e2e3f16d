-- The event of a queue entry.
-- $1 shard of the event, $2 id, $3 workspace
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, integration_id, source_id, type, key, record, old,
       occurred_us, received_us, transport
  from events where shard = $1 and id = $2 and workspace_id = $3
