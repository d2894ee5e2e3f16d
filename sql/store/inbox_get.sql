-- One mail of the dev inbox.
-- $1 workspace, $2 id
-- returns: the columns
-- source: docs/architecture.md, store
select workspace_id, id, sender, recipient, subject, html, text, headers,
       at_us
  from inbox where workspace_id = $1 and id = $2
