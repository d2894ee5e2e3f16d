-- For:     the context that enrichment_map adds to a captured row. Without
--          rules there is nothing to add, and captures do not call it.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 9.
create or replace function skene_growth.enrich(event_type text, row_data jsonb)
returns jsonb language sql immutable
set search_path = pg_catalog, pg_temp as $fn$
    select row_data
$fn$;
revoke all on function skene_growth.enrich(text, jsonb) from public;
