-- For:     the columns of the tables found.
-- Params:  $1 oid array of the tables.
-- Returns: table oid, name, type as format_type() prints it, kind letter (b
--          bool, i int, n numeric, t text, u uuid, s timestamp, d date,
--          j JSON, e enum, o other), not null, generated, default, type oid;
--          in the order of table oid, position.
-- Source:  docs/spec.md, introspection.
select a.attrelid::text, a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       case when b.typtype = 'e' then 'e'
       else case b.typname
           when 'bool' then 'b'
           when 'int2' then 'i' when 'int4' then 'i' when 'int8' then 'i'
           when 'numeric' then 'n' when 'float4' then 'n'
           when 'float8' then 'n'
           when 'text' then 't' when 'varchar' then 't'
           when 'bpchar' then 't' when 'name' then 't' when 'citext' then 't'
           when 'uuid' then 'u'
           when 'timestamp' then 's' when 'timestamptz' then 's'
           when 'date' then 'd'
           when 'json' then 'j' when 'jsonb' then 'j'
           else 'o' end end,
       a.attnotnull::int::text, (a.attgenerated <> '')::int::text,
       pg_catalog.pg_get_expr(d.adbin, d.adrelid), b.oid::text
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_type b
    on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
left join pg_catalog.pg_attrdef d
    on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any($1::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
