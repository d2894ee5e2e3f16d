-- The oldest queued events of some shards.
-- $1 first shard, $2 last shard, $3 now, $4 limit, $5 lowest seq
-- returns: shard, seq, attempts, event columns
-- source: docs/architecture.md, store
select q.shard, q.seq, q.attempts, q.event_id, q.not_before_us
  from event_queue q
 where q.shard between $1 and $2 and q.not_before_us <= $3
 order by q.seq limit $4
