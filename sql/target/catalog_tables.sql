-- For:     every table, view and foreign table the role may see, with its
--          primary key.
-- Params:  $1 boolean: with the platform's internals and partitions too.
-- Returns: oid, schema, name, relkind, row estimate, owner, key columns as a
--          JSON array, table it is a partition of, row security, triggers
--          that are not ours as a JSON array, rights of the role: select,
--          insert, trigger; in the order of oid.
-- Source:  docs/spec.md, introspection.
select c.oid::text, n.nspname, c.relname, c.relkind::text,
       (case when c.reltuples < 0 then -1 else c.reltuples end)::bigint::text,
       pg_catalog.pg_get_userbyid(c.relowner),
       coalesce((
           select json_agg(a.attname order by k.i)::text
           from pg_catalog.pg_index x,
                unnest(x.indkey::int2[]) with ordinality k(attnum, i)
           join pg_catalog.pg_attribute a on a.attnum = k.attnum
           where x.indrelid = c.oid and x.indisprimary
             and a.attrelid = c.oid and k.i <= x.indnkeyatts), '[]'),
       (select pn.nspname || '.' || p.relname
        from pg_catalog.pg_inherits i
        join pg_catalog.pg_class p on p.oid = i.inhparent
        join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
        where c.relispartition and i.inhrelid = c.oid),
       c.relrowsecurity::int::text,
       case when c.relhastriggers then coalesce((
           select json_agg(g.tgname order by g.tgname)::text
           from pg_catalog.pg_trigger g
           join pg_catalog.pg_proc f on f.oid = g.tgfoid
           join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
           where g.tgrelid = c.oid and not g.tgisinternal
             and fn.nspname <> 'skene_growth'), '[]') else '[]' end,
       pg_catalog.has_table_privilege(c.oid, 'select')::int::text,
       pg_catalog.has_table_privilege(c.oid, 'insert')::int::text,
       pg_catalog.has_table_privilege(c.oid, 'trigger')::int::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'skene_growth')
  and pg_catalog.has_schema_privilege(n.oid, 'usage')
  and ($1::boolean or (
      not c.relispartition
      and n.nspname not in (
          'storage', 'realtime', '_realtime', '_analytics', 'vault',
          'extensions', 'graphql', 'graphql_public', 'pgbouncer', 'net',
          'cron', 'pgsodium', 'pgsodium_masks', 'pgtle', 'pgmq', 'supautils',
          'supabase_functions', 'supabase_migrations')
      and (n.nspname <> 'auth' or c.relname = 'users')
      and not exists (
          select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::regclass
            and d.objid = c.oid and d.deptype = 'e')))
order by c.oid
