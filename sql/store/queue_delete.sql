-- An event is decided.
-- $1 shard, $2 seq
-- returns: nothing
-- source: docs/architecture.md, store
delete from event_queue where shard = $1 and seq = $2
