-- Queues an event for decision.
-- $1 shard, $2 seq, $3 event, $4 workspace, $5 integration
-- returns: nothing
-- source: docs/architecture.md, store
insert into event_queue (shard, seq, event_id, workspace_id, integration_id,
                         not_before_us, attempts)
values ($1, $2, $3, $4, $5, 0, 0)
