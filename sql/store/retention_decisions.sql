-- Drops the decisions on an event.
-- $1 shard, $2 event
-- returns: nothing
-- source: docs/architecture.md, store
delete from decisions where shard = $1 and event_id = $2
