-- Events past their time, of one shard.
-- $1 shard, $2 before, $3 limit
-- returns: id
-- source: docs/architecture.md, store
select id from events
 where shard = $1 and occurred_us < $2
   and id not in (select event_id from event_queue)
 order by id limit $3
