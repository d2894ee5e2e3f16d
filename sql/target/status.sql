-- For:     what doctor and the status page show, without touching our tables,
--          which may be missing.
-- Params:  none.
-- Returns: version, role, superuser, may create schemas, our objects one by
--          one (schema, event_log, failed_events, config, enrich), pg_net,
--          our triggers, their clock in microseconds.
-- Source:  docs/spec.md, capture.
select current_setting('server_version'), current_user,
       (select r.rolsuper from pg_catalog.pg_roles r
        where r.rolname = current_user)::int::text,
       has_database_privilege(current_database(), 'create')::int::text,
       (to_regnamespace('skene_growth') is not null)::int::text,
       (to_regclass('skene_growth.event_log') is not null)::int::text,
       (to_regclass('skene_growth.failed_events') is not null)::int::text,
       (to_regclass('skene_growth.config') is not null)::int::text,
       (to_regprocedure('skene_growth.enrich(text, jsonb)')
            is not null)::int::text,
       (to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)')
            is not null)::int::text,
       (select count(*) from pg_catalog.pg_trigger t
        join pg_catalog.pg_proc p on p.oid = t.tgfoid
        where p.pronamespace = to_regnamespace('skene_growth')
          and not t.tgisinternal and t.tgparentid = 0
          and t.tgrelid is distinct from
              to_regclass('skene_growth.event_log'))::text,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint::text
