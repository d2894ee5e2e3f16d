-- For:     what a capture calls when its insert failed: keeps the keys as
--          events when it can, always tells of the failure, never raises.
-- Params:  run as a script. rows: [[entity_id, {key columns}], …]
-- Returns: nothing.
-- Source:  docs/spec.md, capture 4.
create or replace function skene_growth.rescue(
    event text, rows jsonb, reason text)
returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $fn$
declare
    kept bigint := 0;
begin
    begin
        insert into skene_growth.event_log
            (event_type, entity_id, metadata, last_error)
        select event, r ->> 0, r -> 1, reason
        from jsonb_array_elements(rows) r;
        get diagnostics kept = row_count;
    exception when others then
        kept := 0;
    end;
    begin
        insert into skene_growth.failed_events
            (event_type, payload, failure_reason)
        values (event, case when kept > 0
                then jsonb_build_object('kept_keys_of', kept)
                else jsonb_build_object('rows', rows) end, reason);
    exception when others then
        raise warning 'skene_growth: capture of % failed: %', event, reason;
    end;
end $fn$;
revoke all on function skene_growth.rescue(text, jsonb, text) from public;
