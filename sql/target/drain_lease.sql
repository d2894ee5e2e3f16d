-- For:     one drain per database where sessions cannot hold locks (behind a
--          transaction pooler): a lease in the config row. It is refused
--          while a session drains, which holds the advisory lock.
-- Params:  $1 who asks.
-- Returns: one row when the lease is theirs for the next 30 s.
-- Source:  docs/spec.md, the drain.
update skene_growth.config c
set drained_by = $1::text, drained_until = clock_timestamp() + interval '30 s'
where c.one and pg_try_advisory_xact_lock(1936418414, 2)
  and (c.drained_by is null or c.drained_by = $1::text
       or c.drained_until < clock_timestamp())
returning c.epoch
