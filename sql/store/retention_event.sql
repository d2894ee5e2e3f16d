-- Drops an event.
-- $1 shard, $2 event
-- returns: nothing
-- source: docs/architecture.md, store
delete from events where shard = $1 and id = $2
