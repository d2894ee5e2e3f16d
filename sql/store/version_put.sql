-- Notes a migration as applied.
-- $1 version, $2 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into schema_version (version, applied_us) values ($1, $2)
