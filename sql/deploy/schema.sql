-- For:     the one schema that owns every object we make; dropping it is a
--          complete uninstall.
-- Params:  none; run as a script.
-- Returns: nothing. The platform's API roles lose what defaults gave them.
-- Source:  docs/spec.md, capture 1 and 5.
create schema if not exists skene_growth;
revoke all on schema skene_growth from public;
do $do$
declare
    r text;
begin
    for r in select rolname from pg_catalog.pg_roles
             where rolname in ('anon', 'authenticated')
    loop
        execute pg_catalog.format(
            'revoke all on schema skene_growth from %I', r);
    end loop;
end $do$;
