-- What is known of a subject in a feature.
-- $1 shard, $2 subject, $3 feature
-- returns: entries, last_entered_us, matched, rev
-- source: docs/architecture.md, store
select entries, last_entered_us, matched, rev from enrolments
 where shard = $1 and subject_key = $2 and feature_id = $3
