-- Drops an event.
-- $1 shard, $2 event, $3 workspace
-- returns: nothing
-- source: docs/architecture.md, store
delete from events where shard = $1 and id = $2 and workspace_id = $3
