-- For:     what may hold up or weaken a trigger that is about to be made.
-- Params:  $1 text[] of tables, quoted.
-- Returns: in the order of $1: sessions whose lock would make us wait (who and
--          for how long), how many wait for the table already, whether logical
--          replication writes it, publications of all tables.
-- Source:  docs/spec.md, capture 10.
select (select string_agg(format('pid %s%s%s', h.pid,
               coalesce(' (' || nullif(s.application_name, '') || ')', ''),
               coalesce(', ' || greatest(0, extract(epoch from
                   clock_timestamp() - s.xact_start))::bigint || ' s', '')),
               '; ' order by s.xact_start, h.pid)
        from (select distinct l.pid from pg_catalog.pg_locks l
              where l.relation = t.oid and l.granted
                and l.database = (select d.oid from pg_catalog.pg_database d
                                  where d.datname = current_database())
                and l.mode not in ('AccessShareLock', 'RowShareLock')
                and l.pid is distinct from pg_catalog.pg_backend_pid()
              limit 5) h
        left join pg_catalog.pg_stat_activity s on s.pid = h.pid),
       (select count(*)::text from pg_catalog.pg_locks l
        where l.relation = t.oid and not l.granted),
       (exists (select from pg_catalog.pg_subscription_rel r
                where r.srrelid = t.oid))::int::text,
       (select string_agg(p.pubname, ', ' order by p.pubname)
        from pg_catalog.pg_publication p where p.puballtables)
from unnest($1::text[]) with ordinality x(name, i)
left join lateral (select pg_catalog.to_regclass(x.name) as oid) t on true
order by x.i
