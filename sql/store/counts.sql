-- Totals of a workspace.
-- $1 workspace
-- returns: ten numbers
-- source: docs/architecture.md, store
select (select count(*) from events where workspace_id = $1),
       (select count(*) from event_queue),
       (select count(*) from decisions where workspace_id = $1),
       (select count(*) from runs
         where workspace_id = $1 and status = 'active'),
       (select count(*) from actions
         where workspace_id = $1 and status = 'pending'),
       (select count(*) from actions
         where workspace_id = $1 and status = 'succeeded'),
       (select count(*) from actions
         where workspace_id = $1 and status = 'failed'),
       (select count(*) from actions
         where workspace_id = $1 and status = 'skipped'),
       (select count(*) from inbox where workspace_id = $1),
       (select count(*) from tracks where workspace_id = $1)
