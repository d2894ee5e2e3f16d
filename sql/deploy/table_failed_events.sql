-- For:     captures that went wrong, for people to look at.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 4.
create table if not exists skene_growth.failed_events (
    id bigint generated always as identity primary key,
    event_log_id bigint,
    event_type text not null,
    entity_id text,
    occurred_at timestamptz,
    payload jsonb not null default '{}',
    failure_reason text,
    moved_at timestamptz not null default now()
);
alter table skene_growth.failed_events
    add column if not exists event_log_id bigint,
    add column if not exists event_type text not null default '',
    add column if not exists entity_id text,
    add column if not exists occurred_at timestamptz,
    add column if not exists payload jsonb not null default '{}',
    add column if not exists failure_reason text,
    add column if not exists moved_at timestamptz not null default now();
alter table skene_growth.failed_events enable row level security;
revoke all on table skene_growth.failed_events from public;
