-- For:     the rules people wrote into enrichment_map.
-- Params:  none.
-- Returns: trigger_event, metadata_key, rule, strip_after as 0 or 1.
-- Source:  docs/spec.md, capture 9.
select m.trigger_event, m.metadata_key, m.rule::text, m.strip_after::int::text
from skene_growth.enrichment_map m
order by m.trigger_event, m.metadata_key
