-- Takes or renews the lease of a shard.
-- $1 shard, $2 node, $3 until, $4 fence
-- returns: nothing
-- source: docs/architecture.md, store
insert into shard_leases (shard, node, until_us, fence)
values ($1, $2, $3, $4)
    on conflict (shard) do update
   set node = excluded.node, until_us = excluded.until_us,
       fence = excluded.fence
