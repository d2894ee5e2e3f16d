-- For:     the state of the outbox and its switches.
-- Params:  none; config, event_log and failed_events must exist.
-- Returns: capture_on, home agrees, epoch, rows in event_log, rows in
--          failed_events, age of the oldest event in microseconds.
-- Source:  docs/spec.md, capture.
select c.capture_on::int::text,
       (c.home = (pg_control_system()).system_identifier::text || '/'
                 || current_database()::text)::int::text,
       c.epoch,
       (select count(*) from skene_growth.event_log)::text,
       (select count(*) from skene_growth.failed_events)::text,
       coalesce((select (extract(epoch from clock_timestamp() - l.occurred_at)
                         * 1000000)::bigint
                 from skene_growth.event_log l order by l.id limit 1),
                0)::text
from skene_growth.config c
