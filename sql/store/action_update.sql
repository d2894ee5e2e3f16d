-- What became of an action.
-- $1 shard, $2 id, $3 status, $4 verdict, $5 attempts, $6 due, $7 done, $8 error, $9 provider id, $10 gates, $11 workspace
-- returns: nothing
-- source: docs/architecture.md, store
update actions
   set status = $3, verdict = $4, attempts = $5, due_us = $6, done_us = $7,
       last_error = $8, provider_id = $9, gates = $10
 where shard = $1 and id = $2 and workspace_id = $11
