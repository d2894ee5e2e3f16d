-- A message reached a person.
-- $1 shard, $2 workspace, $3 subject, $4 time, $5 action, $6 feature
-- returns: nothing
-- source: docs/architecture.md, store
insert into sends (shard, workspace_id, subject_key, at_us, action_id,
                   feature_id)
values ($1, $2, $3, $4, $5, $6)
    on conflict (shard, workspace_id, subject_key, at_us, action_id)
    do nothing
