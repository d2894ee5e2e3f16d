-- Actions that an event led to.
-- $1 workspace, $2 event
-- returns: the columns
-- source: docs/architecture.md, store
select id, workspace_id, key, run_id, feature_id, feature_key, version,
       event_id, subject_key, kind, address, payload, status, verdict,
       attempts, due_us, created_us, done_us, last_error, provider_id, gates
  from actions where event_id = $2 and workspace_id = $1
 order by created_us, id
