-- Events waiting for their decision.
-- no parameters
-- returns: n
-- source: docs/architecture.md, store
select count(*) from event_queue
