-- For:     writes the switches that differ.
-- Params:  $1 notify_on, $2 push_on, $3 ingest_url or NULL, $4 bell_ms.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 6.
update skene_growth.config
set notify_on = $1::boolean, push_on = $2::boolean, ingest_url = $3::text,
    bell_ms = $4::integer
where one and (notify_on, push_on, bell_ms) is distinct from
      ($1::boolean, $2::boolean, $4::integer)
   or one and ingest_url is distinct from $3::text
