-- Where the scan of a schedule stands.
-- $1 feature
-- returns: next_us, scan_after, scan_started_us
-- source: docs/architecture.md, store
select next_us, scan_after, scan_started_us from schedules
 where feature_id = $1
