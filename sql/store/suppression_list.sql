-- Addresses that get no mail.
-- $1 workspace
-- returns: address, reason, at_us
-- source: docs/architecture.md, store
select address, reason, at_us from suppressions where workspace_id = $1
 order by at_us desc, address limit 10000
