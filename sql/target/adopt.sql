-- For:     makes a copy of a database a home of its own: from now on it rings
--          and may be drained. The events it brought along are the original's
--          and are forgotten.
-- Params:  none.
-- Returns: whether it was a copy, how many events were forgotten, the epoch.
-- Source:  docs/spec.md, capture 8.
with copied as (
    update skene_growth.config
    set home = skene_growth.ident(), epoch = gen_random_uuid()::text,
        drained_by = null, drained_until = null
    where one and home is distinct from skene_growth.ident()
    returning epoch
), gone as (
    delete from skene_growth.event_log
    where exists (select from skene_growth.config c
                  where c.home is distinct from skene_growth.ident())
    returning 1
)
select (select count(*) from copied)::text, (select count(*) from gone)::text,
       (select epoch from copied)
