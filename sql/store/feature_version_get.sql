-- The document of a version.
-- $1 feature, $2 version
-- returns: document
-- source: docs/architecture.md, store
select document from feature_versions where feature_id = $1 and version = $2
