-- Is a subject measured already?
-- $1 shard, $2 subject, $3 feature
-- returns: how many runs measure it
-- source: docs/spec.md, goals
select count(*) from runs
 where shard = $1 and subject_key = $2 and feature_id = $3
   and goal is not null
