-- Says that a definition changed.
-- no parameters
-- returns: nothing
-- source: docs/architecture.md, store
update meta set value = value + 1 where name = 'generation'
