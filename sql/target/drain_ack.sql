-- For:     forgets events that are durable with us.
-- Params:  $1 array of ids.
-- Returns: nothing.
-- Source:  docs/spec.md, the drain.
delete from skene_growth.event_log where id = any($1::bigint[])
