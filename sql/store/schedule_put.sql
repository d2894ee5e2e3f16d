-- Keeps where the scan of a schedule stands.
-- $1 feature, $2 next, $3 after, $4 started
-- returns: nothing
-- source: docs/architecture.md, store
insert into schedules (feature_id, next_us, scan_after, scan_started_us)
values ($1, $2, $3, $4)
    on conflict (feature_id) do update
   set next_us = excluded.next_us, scan_after = excluded.scan_after,
       scan_started_us = excluded.scan_started_us
