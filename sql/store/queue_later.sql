-- An event waits: what it needs cannot be had now.
-- $1 shard, $2 seq, $3 not before
-- returns: nothing
-- source: docs/architecture.md, store
update event_queue set not_before_us = $3, attempts = attempts + 1
 where shard = $1 and seq = $2
