-- Makes or replaces a message template.
-- $1 workspace, $2 key, $3 subject, $4 body, $5 time
-- returns: nothing
-- source: docs/architecture.md, store
insert into messages (workspace_id, key, subject, body, updated_us)
values ($1, $2, $3, $4, $5)
    on conflict (workspace_id, key) do update
   set subject = excluded.subject, body = excluded.body,
       updated_us = excluded.updated_us
