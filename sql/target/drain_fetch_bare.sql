-- For:     as drain_fetch.sql, where enrich() cannot answer: it is gone, or a
--          join takes longer than a statement may. Strips, does not join.
-- Params:  $1 floor: only ids above it; $2 at most so many.
-- Returns: id, event_type, entity_id, metadata, occurred in microseconds.
-- Source:  docs/spec.md, the drain.
select l.id::text, l.event_type, l.entity_id,
       (l.metadata - coalesce((
            select array_agg(s.name)
            from skene_growth.enrichment_map m,
                 lateral jsonb_array_elements_text(
                     case jsonb_typeof(m.rule -> 'strip')
                     when 'array' then m.rule -> 'strip' else '[]' end) s(name)
            where m.trigger_event = l.event_type), '{}'))::text,
       (extract(epoch from l.occurred_at) * 1000000)::bigint::text
from skene_growth.event_log l
where l.id > $1::bigint
order by l.id
limit $2::integer
