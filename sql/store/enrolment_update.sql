-- A subject met a feature again; only if unchanged.
-- $1 shard, $2 subject, $3 feature, $4 entries, $5 last entry, $6 matched, $7 revision read
-- returns: nothing
-- source: docs/architecture.md, store
update enrolments
   set entries = $4, last_entered_us = $5, matched = $6, rev = rev + 1
 where shard = $1 and subject_key = $2 and feature_id = $3 and rev = $7
