-- An action to be performed, once for its key.
-- $1 shard, $2 … $22 the columns
-- returns: nothing
-- source: docs/architecture.md, store
insert into actions (shard, id, workspace_id, key, run_id, feature_id, feature_key, version,
       event_id, subject_key, kind, address, payload, status, verdict,
       attempts, due_us, created_us, done_us, last_error, provider_id, gates)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
        $16, $17, $18, $19, $20, $21, $22)
    on conflict (shard, key) do nothing
