-- Messages to a person since an instant.
-- $1 shard, $2 workspace, $3 subject, $4 feature or null, $5 since
-- returns: n, oldest
-- source: docs/architecture.md, store
select count(*), min(at_us) from sends
 where shard = $1 and workspace_id = $2 and subject_key = $3
   and at_us >= $5 and (cast($4 as text) is null or feature_id = $4)
