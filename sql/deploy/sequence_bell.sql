-- For:     when the doorbell may ring again, in milliseconds since 1970. A sequence
--          because it is not transactional: nobody waits for anybody.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture: the doorbell.
create sequence if not exists skene_growth.bell;
revoke all on sequence skene_growth.bell from public;
