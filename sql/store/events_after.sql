-- Events, oldest first, above an id.
-- $1 workspace, $2 type, $3 1: a filter on decisions is set, $4 feature, $5 verdict, $6 subject, $7 since, $8 until, $9 id, $10 limit
-- returns: the columns
-- source: docs/architecture.md, store
select e.id, e.workspace_id, e.integration_id, e.source_id, e.type, e.key,
       e.record, e.old, e.occurred_us, e.received_us, e.transport
  from events e
 where e.workspace_id = $1
   and (cast($2 as text) is null or e.type = $2)
   and ($3 = 0 or exists (
        select 1 from decisions d
         where d.shard = e.shard and d.event_id = e.id
           and (cast($4 as text) is null or d.feature_key = $4)
           and (cast($5 as text) is null or d.verdict = $5)
           and (cast($6 as text) is null or d.subject_key = $6)))
   and e.occurred_us >= $7 and e.occurred_us < $8
   and e.id > $9
 order by e.id limit $10
