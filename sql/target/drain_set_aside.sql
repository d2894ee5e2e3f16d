-- For:     an event that cannot be taken over, so that it holds up no others.
-- Params:  $1 bigint event_log.id, $2 text the reason.
-- Returns: nothing.
-- Source:  docs/spec.md, the drain.
with gone as (
    delete from skene_growth.event_log where id = $1
    returning id, event_type, entity_id, metadata, occurred_at
)
insert into skene_growth.failed_events (event_log_id, event_type, entity_id,
                                        payload, occurred_at, failure_reason)
select id, event_type, entity_id, metadata, occurred_at, $2 from gone;
