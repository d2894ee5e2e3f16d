-- The lease of a shard.
-- $1 shard
-- returns: node, until_us, fence
-- source: docs/architecture.md, store
select node, until_us, fence from shard_leases where shard = $1
