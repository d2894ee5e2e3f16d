-- Keeps the document of a version, for ever.
-- $1 feature, $2 version, $3 document, $4 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into feature_versions (feature_id, version, document, created_us)
values ($1, $2, $3, $4)
