-- A subject moves to a stage; history is kept.
-- $1 shard, $2 workspace, $3 subject, $4 time, $5 stage, $6 run
-- returns: nothing
-- source: docs/architecture.md, store
insert into stages (shard, workspace_id, subject_key, at_us, stage, run_id)
values ($1, $2, $3, $4, $5, $6)
    on conflict (shard, workspace_id, subject_key, at_us) do update
   set stage = excluded.stage, run_id = excluded.run_id
