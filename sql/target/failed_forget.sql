-- For:     failed events older than anybody looks at.
-- Params:  $1 days.
-- Returns: nothing.
-- Source:  docs/spec.md, capture: retention.
delete from skene_growth.failed_events
where moved_at < now() - make_interval(days => $1::integer)
