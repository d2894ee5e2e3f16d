-- Newest migration applied.
-- no parameters
-- returns: version
-- source: docs/architecture.md, store
select coalesce(max(version), 0) from schema_version
