-- Sets what holds for all features of a workspace.
-- $1 id, $2 settings as JSON
-- returns: nothing
-- source: docs/spec.md, the workspace
update workspaces set settings = $2 where id = $1
