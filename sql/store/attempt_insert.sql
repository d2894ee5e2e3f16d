-- One try of an action.
-- $1 shard, $2 … $9 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into attempts (shard, action_id, number, at_us, latency_us, code,
                      outcome, message, response)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (shard, action_id, number) do update
   set at_us = excluded.at_us, latency_us = excluded.latency_us,
       code = excluded.code, outcome = excluded.outcome,
       message = excluded.message, response = excluded.response
