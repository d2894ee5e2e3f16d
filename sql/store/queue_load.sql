-- The oldest queued events of some shards; behind one that waits, those of the
-- same shard and integration wait too, so that their order is kept (M1).
-- $1 first shard, $2 last shard, $3 now, $4 limit
-- returns: shard, seq, attempts, event_id, workspace_id
-- source: docs/spec.md, M1
select q.shard, q.seq, q.attempts, q.event_id, q.workspace_id
  from event_queue q
 where q.shard between $1 and $2 and q.not_before_us <= $3
   and not exists (select 1 from event_queue h
                    where h.shard = q.shard
                      and h.integration_id = q.integration_id
                      and h.seq < q.seq
                      and h.not_before_us > 0 and h.not_before_us > $3)
 order by q.seq limit $4
