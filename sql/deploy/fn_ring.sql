-- For:     the doorbell on event_log where events are pushed: it sends the
--          statement's records, and rings for a drain too. At most one ring per
--          bell_ms for the whole database. A failing doorbell never fails the
--          insert. A clone does not ring. Runs as whoever inserts.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture: the doorbell; 7 and 8.
create or replace function skene_growth.ring() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp as $fn$
declare
    now_ms bigint := pg_catalog.floor(
        extract(epoch from pg_catalog.clock_timestamp()) * 1000);
    c record;
    n bigint;
    headers jsonb;
begin
    -- Nearly every call ends here: this session knows until when it is quiet.
    if now_ms::text < pg_catalog.current_setting('skene_growth.quiet', true)
    then
        return null;
    end if;
    begin
        if pg_catalog.pg_sequence_last_value(
               pg_catalog.to_regclass('skene_growth.bell'))
           between now_ms + 1 and now_ms + 60000 then
            perform pg_catalog.set_config('skene_growth.quiet',
                pg_catalog.pg_sequence_last_value(
                    pg_catalog.to_regclass('skene_growth.bell'))::text, false);
            return null;
        end if;
        select k.* into c from skene_growth.config k;
        if not (c.notify_on or c.push_on) then
            return null;
        end if;
        select count(*) into n from (select from new_rows limit 501) r;
        if n = 0 or c.home is distinct from skene_growth.ident() then
            return null;
        end if;
        if c.bell_ms > 0 then
            perform setval('skene_growth.bell', now_ms + c.bell_ms);
            perform set_config('skene_growth.quiet',
                               (now_ms + c.bell_ms)::text, false);
        end if;
        -- A transaction that has notified cannot be prepared: where that may
        -- happen, the drain's own polling finds the event.
        if c.notify_on
           and current_setting('max_prepared_transactions') = '0' then
            perform pg_notify('skene_growth', '');
        end if;
        if not c.push_on or c.ingest_url is null then
            return null;
        end if;
        headers := jsonb_build_object(
            'Content-Type', 'application/json',
            'x-skene-secret', skene_growth.ingest_secret());
        -- Whoever is swept is only told of what is too much for one request,
        -- or has rules: joins are not done in the customer's transaction.
        if c.bell_ms > 0 and (n > 500 or exists (
                select from new_rows r
                join skene_growth.enrichment_map m
                on m.trigger_event = r.event_type)) then
            perform net.http_post(
                url := c.ingest_url,
                body := jsonb_build_object('type', 'WAKE', 'epoch', c.epoch),
                headers := headers, timeout_milliseconds := 5000);
            return null;
        end if;
        perform net.http_post(
            url := c.ingest_url,
            body := jsonb_build_object(
                'type', 'BATCH', 'schema', 'skene_growth',
                'table', 'event_log', 'epoch', c.epoch,
                'records', part.records),
            headers := headers, timeout_milliseconds := 5000)
        from (select jsonb_agg(jsonb_build_object(
                         'id', r.id, 'event_type', r.event_type,
                         'entity_id', r.entity_id,
                         'metadata', skene_growth.strip(r.event_type,
                                                        r.metadata),
                         'occurred_at', r.occurred_at) order by r.id)
                         as records
              from (select w.*, (row_number() over (order by w.id) - 1) / 500
                        as i from new_rows w) r
              group by r.i order by r.i) part;
    exception when others then
        null; -- the row is in event_log: the drain or the sweep finds it
    end;
    return null;
end $fn$;
revoke all on function skene_growth.ring() from public;
