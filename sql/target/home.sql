-- For:     the clone guard before anything is changed or drained.
-- Params:  none; config must exist.
-- Returns: home agrees, epoch, the settings: notify_on, push_on, ingest_url,
--          bell_ms.
-- Source:  docs/spec.md, capture 8.
select (c.home = (pg_control_system()).system_identifier::text || '/'
                 || current_database()::text)::int::text,
       c.epoch, c.notify_on::int::text, c.push_on::int::text, c.ingest_url,
       c.bell_ms::text
from skene_growth.config c
