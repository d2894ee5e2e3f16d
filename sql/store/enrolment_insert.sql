-- First time a subject meets a feature.
-- $1 shard, $2 subject, $3 feature, $4 entries, $5 last entry, $6 matched
-- returns: nothing
-- source: docs/architecture.md, store
insert into enrolments (shard, subject_key, feature_id, entries,
                        last_entered_us, matched, rev)
values ($1, $2, $3, $4, $5, $6, 1)
    on conflict (shard, subject_key, feature_id) do nothing
