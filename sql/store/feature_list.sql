-- Features of a workspace, or of all.
-- $1 workspace or null
-- returns: the features
-- source: docs/architecture.md, store
select f.id, f.workspace_id, f.integration_id, f.key, f.name, f.status,
       f.version, v.document, f.created_us, f.updated_us
  from features f
  join feature_versions v on v.feature_id = f.id and v.version = f.version
 where coalesce($1, f.workspace_id) = f.workspace_id
 order by f.created_us, f.id
