-- Counter that changes with every definition.
-- no parameters
-- returns: value
-- source: docs/architecture.md, store
select value from meta where name = 'generation'
