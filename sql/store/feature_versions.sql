-- Versions of a feature, the newest first.
-- $1 feature
-- returns: version, document, created
-- source: docs/spec.md M10
select version, document, created_us from feature_versions
 where feature_id = $1 order by version desc limit 500
