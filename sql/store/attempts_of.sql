-- Tries of an action.
-- $1 shard, $2 action
-- returns: the columns
-- source: docs/architecture.md, store
select action_id, number, at_us, latency_us, code, outcome, message,
       response
  from attempts where shard = $1 and action_id = $2
 order by number
