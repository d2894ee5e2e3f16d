-- For:     puts failed events back into the outbox, under new ids. Those of
--          which the keys became events already stay: they are in the log.
-- Params:  $1 id, 0 = all.
-- Returns: how many events were put back.
-- Source:  docs/spec.md, capture 4.
with gone as (
    delete from skene_growth.failed_events f
    where ($1::bigint = 0 or f.id = $1::bigint)
      and (f.event_log_id is not null
           or jsonb_typeof(f.payload -> 'rows') = 'array')
    returning f.*
), back as (
    insert into skene_growth.event_log
        (event_type, entity_id, metadata, occurred_at, last_error)
    select g.event_type, g.entity_id, g.payload,
           coalesce(g.occurred_at, g.moved_at), g.failure_reason
    from gone g where g.event_log_id is not null
    union all
    select g.event_type, r ->> 0, r -> 1, g.moved_at, g.failure_reason
    from gone g, jsonb_array_elements(g.payload -> 'rows') r
    where g.event_log_id is null
    returning 1
)
select count(*)::text from back
