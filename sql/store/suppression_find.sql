-- Why an address gets no mail.
-- $1 workspace, $2 address
-- returns: reason
-- source: docs/architecture.md, store
select reason from suppressions where workspace_id = $1 and address = $2
