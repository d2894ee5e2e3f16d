-- For:     the doorbell of a drain: a capture function calls it when its
--          session is not quiet. At most one ring per bell_ms for the whole
--          database, because each NOTIFY serialises commits. A clone does not
--          ring.
-- Params:  run as a script. now_ms: milliseconds since 1970.
-- Returns: nothing.
-- Source:  docs/spec.md, capture: the doorbell; 8.
create or replace function skene_growth.bell(now_ms bigint)
returns void language plpgsql
set search_path = pg_catalog, pg_temp as $fn$
declare
    c record;
begin
    if pg_sequence_last_value(to_regclass('skene_growth.bell'))
       between now_ms + 1 and now_ms + 60000 then
        perform set_config('skene_growth.quiet', pg_sequence_last_value(
            to_regclass('skene_growth.bell'))::text, false);
        return;
    end if;
    select k.* into c from skene_growth.config k;
    if not c.notify_on or c.home is distinct from skene_growth.ident() then
        return;
    end if;
    if c.bell_ms > 0 then
        perform setval('skene_growth.bell', now_ms + c.bell_ms);
        perform set_config('skene_growth.quiet',
                           (now_ms + c.bell_ms)::text, false);
    end if;
    -- A transaction that has notified cannot be prepared: where that may
    -- happen, the drain's own polling finds the event.
    if current_setting('max_prepared_transactions') = '0' then
        perform pg_notify('skene_growth', '');
    end if;
end $fn$;
revoke all on function skene_growth.bell(bigint) from public;
