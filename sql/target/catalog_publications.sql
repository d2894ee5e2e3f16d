-- For:     the publications that replicate each of the tables found.
-- Params:  $1 oid array of the tables.
-- Returns: table oid, publication; in the order of table oid, publication.
-- Source:  docs/spec.md, introspection. pg_get_publication_tables() alone
--          leaves out a partitioned table whose partitions it lists; it alone
--          knows the schemas of PostgreSQL 15.
select r.prrelid::text, p.pubname
from pg_catalog.pg_publication_rel r
join pg_catalog.pg_publication p on p.oid = r.prpubid
where r.prrelid = any($1::oid[])
union
select c.oid::text, p.pubname
from pg_catalog.pg_publication p, pg_catalog.pg_class c
where p.puballtables and c.oid = any($1::oid[]) and c.relkind in ('r', 'p')
union
select g.relid::text, p.pubname
from pg_catalog.pg_publication p,
     lateral pg_catalog.pg_get_publication_tables(p.pubname::text) g
where g.relid = any($1::oid[])
order by 1, 2
