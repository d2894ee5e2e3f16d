-- For:     notes in an object's comment which definition made it (digest) and
--          what the catalogue said then (print). Drift is when either differs.
--          A trigger's note is kept on its function: only the owner of the
--          table may comment on a trigger.
-- Params:  run as a script; the prints are the same as in found.sql.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 10.
create or replace function skene_growth.sign(
    kind text, name text, digest text, relation text default '')
returns void language plpgsql
set search_path = pg_catalog, pg_temp as $fn$
declare
    print text;
    note text;
    fn oid;
begin
    if kind = 'trigger' then
        select t.tgfoid, concat_ws(' ', t.tgtype, t.tgenabled, t.tgoldtable,
                                   t.tgnewtable, t.tgqual is null, t.tgattr)
        into fn, print
        from pg_trigger t
        where t.tgname = sign.name and t.tgrelid = relation::regclass;
    elsif kind = 'function' then
        fn := name::regprocedure;
        select concat_ws(' ', p.prosrc, p.prosecdef, p.proconfig, p.provolatile)
        into print from pg_proc p where p.oid = fn;
    elsif kind = 'schema' then
        execute format('comment on schema %I is %L', name,
                       'Made by skene. schema=' || digest || '.');
        return;
    else
        select concat_ws(' ', c.relkind, c.relrowsecurity, string_agg(
            concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                      a.attnotnull), ',' order by a.attname))
        into print
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.oid = name::regclass and a.attnum > 0 and not a.attisdropped
        group by c.relkind, c.relrowsecurity;
    end if;
    print := encode(sha256(convert_to(print, 'UTF8')), 'hex');
    note := kind || '=' || digest || '.' || print;
    if kind in ('trigger', 'function') then
        note := 'Made by skene. ' || trim(note || ' ' || coalesce(substring(
            obj_description(fn, 'pg_proc') from
            case kind when 'trigger' then 'function=[0-9a-f]{64}[.][0-9a-f]{64}'
            else 'trigger=[0-9a-f]{64}[.][0-9a-f]{64}' end), ''));
        execute format('comment on function %s is %L', fn::regprocedure, note);
    else
        execute format('comment on %s %s is %L', kind, name::regclass,
                       'Made by skene. ' || note);
    end if;
end $fn$;
revoke all on function skene_growth.sign(text, text, text, text) from public;
