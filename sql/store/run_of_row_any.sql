-- Did a run of a feature ever begin with a row?
-- $1 feature, $2 row key
-- returns: how many did
-- source: docs/spec.md, backfill
select count(*) from runs where feature_id = $1 and row_key = $2 and goal is null
