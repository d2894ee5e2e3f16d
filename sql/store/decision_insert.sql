-- Keeps a decision.
-- $1 shard, $2 … $12 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into decisions (shard, id, workspace_id, event_id, feature_id, feature_key, version,
       verdict, subject_key, run_id, at_us, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
