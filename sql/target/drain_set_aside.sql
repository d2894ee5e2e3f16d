-- For:     an event that cannot be taken over, so that it holds up no others.
-- Params:  $1 bigint event_log.id, $2 text the reason.
-- Returns: nothing.
-- Source:  docs/spec.md, the drain.
with gone as (
    delete from skene_growth.event_log where id = $1
    returning id, event_type, metadata
)
insert into skene_growth.failed_events (event_log_id, event_type, payload,
                                        failure_reason)
select id, event_type, metadata, $2 from gone;
