-- For:     the extensions installed.
-- Params:  none.
-- Returns: name; in the order of name.
-- Source:  docs/spec.md, introspection.
select e.extname from pg_catalog.pg_extension e
order by e.extname
