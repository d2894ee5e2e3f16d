-- For:     the outbox: an event commits with the row it tells of. The primary
--          key is its only index on purpose (bulk loads cost 4 times as much
--          with more). A new table starts its ids again, hence a new epoch.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 6.
do $do$
begin
    if to_regclass('skene_growth.event_log') is null then
        create table skene_growth.event_log (
            id bigint generated always as identity primary key,
            org_id text,
            entity_id text,
            event_type text not null,
            metadata jsonb not null default '{}',
            occurred_at timestamptz not null default clock_timestamp(),
            processed_at timestamptz,
            attempts integer not null default 0,
            last_error text,
            xid xid8 not null default pg_current_xact_id()
        ) with (autovacuum_vacuum_scale_factor = 0,
                autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0);
        update skene_growth.config set epoch = gen_random_uuid()::text
        where one;
    end if;
end $do$;
alter table skene_growth.event_log
    add column if not exists org_id text,
    add column if not exists entity_id text,
    add column if not exists event_type text not null default '',
    add column if not exists metadata jsonb not null default '{}',
    add column if not exists occurred_at timestamptz not null
        default clock_timestamp(),
    add column if not exists processed_at timestamptz,
    add column if not exists attempts integer not null default 0,
    add column if not exists last_error text,
    add column if not exists xid xid8 not null default pg_current_xact_id();
alter table skene_growth.event_log enable row level security;
revoke all on table skene_growth.event_log from public;
