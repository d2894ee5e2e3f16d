-- For:     takes out of an event what the rules of enrichment_map strip, also
--          from the old values of an update. Reads the map itself, so that a
--          rule strips before it is deployed; looks at no other table.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 9.
create or replace function skene_growth.strip(event_type text, row_data jsonb)
returns jsonb language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $fn$
declare
    names text[];
begin
    select array_agg(s.name) into names
    from skene_growth.enrichment_map m,
         lateral (
             select jsonb_array_elements_text(
                 case jsonb_typeof(m.rule -> 'strip')
                 when 'array' then m.rule -> 'strip' else '[]' end) as name
             union all
             select e.value
             from jsonb_each_text(
                 case when m.strip_after and jsonb_typeof(m.rule -> 'on')
                     = 'object' then m.rule -> 'on' else '{}' end) e) s
    where m.trigger_event = strip.event_type;
    if names is null then
        return row_data;
    end if;
    return case when jsonb_typeof(row_data -> '_old') = 'object'
           then row_data - names || jsonb_build_object(
                '_old', (row_data -> '_old') - names)
           else row_data - names end;
end $fn$;
revoke all on function skene_growth.strip(text, jsonb) from public;
