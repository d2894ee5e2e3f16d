-- A backfill asks for runs of a row that are over, too.
drop index runs_row;
create index runs_row on runs (feature_id, row_key);
