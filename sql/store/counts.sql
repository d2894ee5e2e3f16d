-- Totals of a workspace.
-- $1 workspace
-- returns: ten numbers
-- source: docs/architecture.md, store
select (select count(*) from events where workspace_id = $1),
       (select count(*) from event_queue),
       (select count(*) from decisions where workspace_id = $1),
       (select count(*) from runs
         where workspace_id = $1 and status = 'active' and goal is null),
       a.pending, a.succeeded, a.failed, a.skipped,
       (select count(*) from inbox where workspace_id = $1),
       (select count(*) from tracks where workspace_id = $1)
  from (select count(case status when 'pending' then 1 end) as pending,
               count(case status when 'succeeded' then 1 end) as succeeded,
               count(case status when 'failed' then 1 end) as failed,
               count(case status when 'skipped' then 1 end) as skipped
          from actions where workspace_id = $1) a
