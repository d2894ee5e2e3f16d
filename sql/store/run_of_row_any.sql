-- Did a run of a feature ever begin with a row?
-- $1 feature, $2 row key
-- returns: 0 or 1
-- source: docs/spec.md, backfill
select count(*) from (select 1 from runs
 where feature_id = $1 and row_key = $2 limit 1) r
