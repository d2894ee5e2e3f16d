-- For:     how far back a late committer may still turn up: an event's id is
--          taken by a transaction that has its xid already, so ids seen before
--          a snapshot are all there is of them once every xid below that
--          snapshot's xmax is over. And whether the outbox is still the same.
-- Params:  none.
-- Returns: xmin, xmax, epoch.
-- Source:  docs/spec.md, the drain.
select pg_snapshot_xmin(s.now)::text, pg_snapshot_xmax(s.now)::text, c.epoch
from (select pg_current_snapshot() as now) s, skene_growth.config c
