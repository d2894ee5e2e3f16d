-- For:     the switches of capture; exactly one row, for the owner alone.
--          `epoch` names this life of event_log: event ids are unique in it.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 6 to 8.
create table if not exists skene_growth.config (
    one boolean primary key default true check (one),
    capture_on boolean not null default true,
    notify_on boolean not null default true,
    push_on boolean not null default false,
    ingest_url text,
    ingest_secret text,
    bell_ms integer not null default 100,
    epoch text not null default gen_random_uuid()::text,
    home text not null,
    drained_by text,
    drained_until timestamptz
);
alter table skene_growth.config
    add column if not exists capture_on boolean not null default true,
    add column if not exists notify_on boolean not null default true,
    add column if not exists push_on boolean not null default false,
    add column if not exists ingest_url text,
    add column if not exists ingest_secret text,
    add column if not exists bell_ms integer not null default 100,
    add column if not exists epoch text not null
        default gen_random_uuid()::text,
    add column if not exists home text not null
        default skene_growth.ident(),
    add column if not exists drained_by text,
    add column if not exists drained_until timestamptz;
alter table skene_growth.config enable row level security;
revoke all on table skene_growth.config from public;
insert into skene_growth.config (home) values (skene_growth.ident())
on conflict do nothing;
