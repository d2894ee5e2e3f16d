-- For:     the labels of every enum type.
-- Params:  none.
-- Returns: type oid, label; in the order of type, label.
-- Source:  docs/spec.md, introspection.
select e.enumtypid::text, e.enumlabel
from pg_catalog.pg_enum e
order by e.enumtypid, e.enumsortorder
