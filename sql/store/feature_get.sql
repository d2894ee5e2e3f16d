-- A feature with its newest document.
-- $1 workspace, $2 key
-- returns: the feature
-- source: docs/architecture.md, store
select f.id, f.workspace_id, f.integration_id, f.key, f.name, f.status,
       f.version, v.document, f.created_us, f.updated_us
  from features f
  join feature_versions v on v.feature_id = f.id and v.version = f.version
 where f.workspace_id = $1 and f.key = $2
