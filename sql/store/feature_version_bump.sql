-- Points a feature at its next version.
-- $1 id, $2 version, $3 name, $4 time
-- returns: nothing
-- source: docs/architecture.md, store
update features set version = $2, name = $3, updated_us = $4 where id = $1
