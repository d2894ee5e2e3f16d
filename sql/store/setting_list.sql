-- Named values of a workspace whose names begin alike.
-- $1 workspace, $2 from this name, $3 below this name
-- returns: key, value
-- source: docs/architecture.md, store
select key, value from settings
 where workspace_id = $1 and key >= $2 and key < $3
 order by key
