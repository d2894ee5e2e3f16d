-- For:     the oldest events of the outbox, with the context that rules add.
--          Where there are no rules nothing is called for them.
-- Params:  $1 floor: only ids above it; $2 at most so many.
-- Returns: id, event_type, entity_id, metadata, occurred in microseconds.
-- Source:  docs/spec.md, the drain.
select l.id::text, l.event_type, l.entity_id,
       (case when (select exists (select from skene_growth.enrichment_map))
        then skene_growth.enrich(l.event_type, l.metadata)
        else l.metadata end)::text,
       (extract(epoch from l.occurred_at) * 1000000)::bigint::text
from skene_growth.event_log l
where l.id > $1::bigint
order by l.id
limit $2::integer
