-- For:     our objects and the digest each was signed with; '' when what the
--          catalogue says now is not what was signed (see deploy/fn_sign.sql).
-- Params:  none.
-- Returns: kind, name, on, digest, drop statement, row estimate.
-- Source:  docs/spec.md, capture 10.
with ours as (
    select n.oid, n.nspname from pg_catalog.pg_namespace n
    where n.nspname = 'skene_growth'
), fns as (
    select p.oid, p.proname, p.oid::regprocedure::text as name,
           coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '') as note,
           concat_ws(' ', p.prosrc, p.prosecdef, p.proconfig, p.provolatile)
               as print
    from pg_catalog.pg_proc p join ours o on p.pronamespace = o.oid
    where p.prokind = 'f'
), rels as (
    select c.oid, c.relkind, c.oid::regclass::text as name,
           coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') as note,
           (select concat_ws(' ', c.relkind, c.relrowsecurity, string_agg(
                concat_ws(' ', a.attname,
                          format_type(a.atttypid, a.atttypmod),
                          a.attnotnull), ',' order by a.attname))
            from pg_catalog.pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0
              and not a.attisdropped) as print,
           c.reltuples::bigint as rows
    from pg_catalog.pg_class c join ours o on c.relnamespace = o.oid
    where c.relkind in ('r', 'S')
      and not exists (select from pg_catalog.pg_depend d
                      where d.objid = c.oid and d.deptype = 'i'
                        and d.classid = 'pg_catalog.pg_class'::regclass)
), trgs as (
    select t.tgname::text as name,
           tn.nspname || '.' || tc.relname as relation,
           tc.reltuples::bigint as rows, f.name as fn, f.note,
           concat_ws(' ', t.tgtype, t.tgenabled, t.tgoldtable, t.tgnewtable,
                     t.tgqual is null, t.tgattr) as print,
           t.tgname = regexp_replace(f.proname, '_fn_', '_trg_') as its_own,
           t.tgrelid::regclass::text as rel
    from pg_catalog.pg_trigger t
    join fns f on f.oid = t.tgfoid
    join pg_catalog.pg_class tc on tc.oid = t.tgrelid
    join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
    where not t.tgisinternal and t.tgparentid = 0
), all_of as (
    select 1 as rank, 'schema' as kind, o.nspname::text as name, '' as relation,
           substring(coalesce(pg_catalog.obj_description(o.oid,
               'pg_namespace'), '') from 'schema=([0-9a-f]{64})') as digest,
           null::text as signed, null::text as print,
           'drop schema skene_growth cascade' as drop, -1::bigint as rows
    from ours o
    union all
    select 2, case r.relkind when 'S' then 'sequence' else 'table' end, r.name,
           '', substring(r.note from '=([0-9a-f]{64})[.]'),
           substring(r.note from '[.]([0-9a-f]{64})'), r.print,
           case r.relkind when 'S' then 'drop sequence if exists '
           else 'drop table if exists ' end || r.name || ' cascade', r.rows
    from rels r
    union all
    select 3, 'function', f.name, '',
           substring(f.note from 'function=([0-9a-f]{64})'),
           substring(f.note from 'function=[0-9a-f]{64}[.]([0-9a-f]{64})'),
           f.print, 'drop function if exists ' || f.name || ' cascade', -1
    from fns f
    union all
    select 4, 'trigger', t.name, t.relation,
           substring(t.note from 'trigger=([0-9a-f]{64})'),
           substring(t.note from 'trigger=[0-9a-f]{64}[.]([0-9a-f]{64})'),
           t.print,
           case when t.its_own
           then 'drop function if exists ' || t.fn || ' cascade'
           else 'drop trigger if exists ' || quote_ident(t.name) || ' on '
                || t.rel end,
           t.rows
    from trgs t
)
select a.kind, a.name, a.relation,
       case when a.digest is not null
             and (a.kind = 'schema' or a.signed = encode(sha256(
                  convert_to(a.print, 'UTF8')), 'hex'))
       then a.digest else '' end as digest,
       a.drop, a.rows::text
from all_of a
order by a.rank, a.name, a.relation
