-- The stage of a subject.
-- $1 shard, $2 workspace, $3 subject
-- returns: stage
-- source: docs/architecture.md, store
select stage from stages
 where shard = $1 and workspace_id = $2 and subject_key = $3
 order by at_us desc limit 1
