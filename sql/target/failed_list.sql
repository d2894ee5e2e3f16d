-- For:     the captures that went wrong and the events set aside. Where the
--          encoding is SQL_ASCII, bytes over 127 are shown as \ooo: they may
--          be no text.
-- Params:  $1 at most so many; $2 only ids below it, 0 = all.
-- Returns: id, event_type, entity_id, payload (its first 2,000 characters),
--          reason, moved_at in microseconds; newest first.
-- Source:  docs/spec.md, capture 4.
select f.id::text, f.event_type,
       case getdatabaseencoding() when 'SQL_ASCII'
       then encode(convert_to(f.entity_id, 'SQL_ASCII'),
                                                         'escape') else f.entity_id end,
       case getdatabaseencoding() when 'SQL_ASCII'
       then left(encode(convert_to(f.payload::text, 'SQL_ASCII'), 'escape'),
                 2000)
       else left(f.payload::text, 2000) end,
       f.failure_reason,
       (extract(epoch from f.moved_at) * 1000000)::bigint::text
from skene_growth.failed_events f
where $2::bigint = 0 or f.id < $2::bigint
order by f.id desc
limit $1::integer
