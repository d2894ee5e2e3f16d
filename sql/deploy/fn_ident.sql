-- For:     names this very database, for the clone guard: a restored dump or
--          a branch has another system identifier or another name.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 8.
create or replace function skene_growth.ident() returns text
language sql stable set search_path = pg_catalog, pg_temp as $fn$
    select (pg_control_system()).system_identifier::text
        || '/' || current_database()::text
$fn$;
revoke all on function skene_growth.ident() from public;
