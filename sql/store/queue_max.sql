-- The last place given out in the queue.
-- no parameters
-- returns: seq
-- source: docs/architecture.md, store
select coalesce(max(seq), 0) from event_queue
