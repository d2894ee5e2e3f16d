-- Mails of the dev inbox, newest first.
-- $1 workspace, $2 below this id, $3 limit
-- returns: the columns
-- source: docs/architecture.md, store
select workspace_id, id, sender, recipient, subject, html, text, headers,
       at_us
  from inbox
 where workspace_id = $1 and id < $2
 order by id desc limit $3
