-- When the next action is due.
-- no parameters
-- returns: due_us or null
-- source: docs/architecture.md, store
select min(due_us) from actions where status = 'pending'
