-- Sets the status of a feature.
-- $1 workspace, $2 key, $3 status, $4 time
-- returns: nothing
-- source: docs/architecture.md, store
update features set status = $3, updated_us = $4
 where workspace_id = $1 and key = $2
