-- For:     declarative joins that add context to an event, one JSON rule each.
-- Params:  run as a script.
-- Returns: nothing.
-- Source:  docs/spec.md, capture 9.
create table if not exists skene_growth.enrichment_map (
    trigger_event text not null,
    metadata_key text not null,
    rule jsonb not null default '{}',
    strip_after boolean not null default false,
    primary key (trigger_event, metadata_key)
);
alter table skene_growth.enrichment_map
    add column if not exists rule jsonb not null default '{}',
    add column if not exists strip_after boolean not null default false;
alter table skene_growth.enrichment_map enable row level security;
revoke all on table skene_growth.enrichment_map from public;
