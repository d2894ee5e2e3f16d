-- A run goes on with another version; only if nobody moved it meanwhile.
-- $1 shard, $2 id, $3 version, $4 due, $5 revision read
-- returns: nothing
-- source: docs/spec.md M10
update runs set version = $3, due_us = $4, rev = rev + 1
 where shard = $1 and id = $2 and rev = $5
