-- A run moved; only if nobody moved it meanwhile.
-- $1 shard, $2 id, $3 state, $4 status, $5 state entered, $6 state entry, $7 checked, $8 due, $9 revision read
-- returns: nothing
-- source: docs/architecture.md, store
update runs
   set state = $3, status = $4, state_entered_us = $5, state_entry = $6,
       checked_us = $7, due_us = $8, rev = rev + 1
 where shard = $1 and id = $2 and rev = $9
