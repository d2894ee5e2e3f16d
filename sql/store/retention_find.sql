-- Events of a workspace past their time, that nobody waits for.
-- $1 workspace, $2 below this id, $3 limit
-- returns: id
-- source: docs/architecture.md, store
select id from events
 where workspace_id = $1 and id < $2
   and id not in (select event_id from event_queue)
 order by id limit $3
