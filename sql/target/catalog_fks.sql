-- For:     declared foreign keys of one column.
-- Params:  $1 oid array of the tables.
-- Returns: table oid, column, schema and table it points at, its column; in
--          the order of table oid, column.
-- Source:  docs/spec.md, introspection.
select c.conrelid::text, a.attname, fn.nspname || '.' || f.relname, fa.attname
from pg_catalog.pg_constraint c
join pg_catalog.pg_attribute a
    on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
join pg_catalog.pg_class f on f.oid = c.confrelid
join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
join pg_catalog.pg_attribute fa
    on fa.attrelid = c.confrelid and fa.attnum = c.confkey[1]
where c.contype = 'f' and array_length(c.conkey, 1) = 1
  and c.conparentid = 0
  and c.conrelid = any($1::oid[])
order by c.conrelid, a.attname, c.conname
