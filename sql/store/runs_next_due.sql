-- When the next run is due.
-- no parameters
-- returns: due_us or null
-- source: docs/architecture.md, store
select min(due_us) from runs where due_us > 0
