-- Triggers as others make them, written from their described behaviour, each on
-- a table of its own of the same shape. net.http_post is the test double of
-- pg_net, whose worker does not run here: rivals do not pay for sending.

-- Supabase's database webhooks: for each row, the request with the whole row
-- and a line about it.
create schema supabase_functions;
create table supabase_functions.hooks (
    id bigserial primary key,
    hook_table_id integer not null,
    hook_name text not null,
    created_at timestamptz not null default now(),
    request_id bigint);
create index on supabase_functions.hooks (request_id);
create index on supabase_functions.hooks (hook_table_id, hook_name);
create function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = supabase_functions as $fn$
declare
    request_id bigint;
    payload jsonb;
begin
    payload := jsonb_build_object(
        'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema,
        'record', new, 'old_record', null);
    request_id := net.http_post(
        url := tg_argv[0], body := payload, params := tg_argv[3]::jsonb,
        headers := tg_argv[2]::jsonb,
        timeout_milliseconds := tg_argv[4]::integer);
    insert into supabase_functions.hooks (hook_table_id, hook_name, request_id)
    values (tg_relid, tg_name, request_id);
    return new;
end $fn$;
create trigger hook after insert on public.supabase_webhook
    for each row execute function supabase_functions.http_request(
        'http://127.0.0.1:9/hook', 'POST',
        '{"Content-Type":"application/json"}', '{}', '1000');

-- Hasura's event triggers: for each row, a line of a log with what its delivery
-- needs, and the indexes it looks for work by.
create schema hdb_catalog;
create table hdb_catalog.event_log (
    id text primary key default gen_random_uuid()::text,
    schema_name text not null,
    table_name text not null,
    trigger_name text not null,
    payload jsonb not null,
    delivered boolean not null default false,
    error boolean not null default false,
    tries integer not null default 0,
    created_at timestamp default now(),
    locked timestamptz,
    next_retry_at timestamp,
    archived boolean not null default false);
create index on hdb_catalog.event_log (trigger_name);
create index on hdb_catalog.event_log (created_at)
    where delivered = false and error = false and archived = false;
create function hdb_catalog.insert_event_log(
    schema_name text, table_name text, trigger_name text, op text, data json)
returns text language plpgsql as $fn$
declare
    log_id text := gen_random_uuid()::text;
begin
    insert into hdb_catalog.event_log
        (id, schema_name, table_name, trigger_name, payload)
    values (log_id, schema_name, table_name, trigger_name, json_build_object(
        'op', op, 'data', data,
        'session_variables', current_setting('hasura.user', 't'),
        'trace_context', current_setting('hasura.tracecontext', 't')));
    return log_id;
end $fn$;
create function hdb_catalog.notify_hasura() returns trigger
language plpgsql as $fn$
begin
    perform hdb_catalog.insert_event_log(
        tg_table_schema::text, tg_table_name::text, 'hook', tg_op,
        json_build_object('old', null, 'new', row_to_json(new)));
    return null;
end $fn$;
create trigger hook after insert on public.hasura_style
    for each row execute function hdb_catalog.notify_hasura();

-- The published generator of this product (the END it forgets put in): for each
-- row, a line of a log, on each line a trigger that looks for rules and one
-- that sends it.
create schema published;
create table published.event_log (
    id bigserial primary key,
    org_id uuid,
    entity_id uuid,
    event_type text not null,
    metadata jsonb default '{}',
    occurred_at timestamptz default now() not null,
    processed_at timestamptz,
    attempts int default 0 not null,
    last_error text);
create index on published.event_log (event_type);
create index on published.event_log (entity_id);
create index on published.event_log (occurred_at);
create index on published.event_log (processed_at)
    where processed_at is null;
create table published.enrichment_map (
    trigger_event text not null,
    metadata_key text not null,
    enrich_sql text,
    strip_after boolean default false,
    primary key (trigger_event, metadata_key));
create function published.enrich_event() returns trigger
language plpgsql security definer set search_path = public, published as $fn$
declare
    rule record;
    result jsonb;
    strip text[] := '{}';
begin
    for rule in
        select m.metadata_key, m.enrich_sql, m.strip_after
        from published.enrichment_map m
        where m.trigger_event = new.event_type
          and new.metadata ? m.metadata_key
    loop
        begin
            execute rule.enrich_sql into result
                using new.metadata ->> rule.metadata_key;
            new.metadata := new.metadata || coalesce(result, '{}');
            if rule.strip_after then
                strip := strip || rule.metadata_key;
            end if;
        exception when others then
            null;
        end;
    end loop;
    new.metadata := new.metadata - strip;
    return new;
end $fn$;
create trigger enrich before insert on published.event_log
    for each row execute function published.enrich_event();
create function published.notify_event_log() returns trigger
language plpgsql security definer set search_path = public, published as $fn$
begin
    perform net.http_post(
        url := 'http://127.0.0.1:9/api/v1/cloud/ingest/db-trigger',
        body := jsonb_build_object(
            'type', 'INSERT', 'table', 'event_log', 'schema', 'skene_growth',
            'record', to_jsonb(new), 'old_record', null),
        headers := jsonb_build_object(
            'Content-Type', 'application/json', 'x-skene-secret', 'secret'),
        timeout_milliseconds := 5000);
    return new;
end $fn$;
create trigger notify after insert on published.event_log
    for each row execute function published.notify_event_log();
create function published.capture() returns trigger
language plpgsql security definer set search_path = public, published as $fn$
begin
    begin
        insert into published.event_log (entity_id, event_type, metadata)
        values (new.id::uuid, 'skene_published.insert', jsonb_build_object(
            'id', new.id, 'email', new.email, 'plan', new.plan));
    exception when invalid_text_representation or others then
        insert into published.event_log (entity_id, event_type, metadata)
        values (null, 'skene_published.insert', jsonb_build_object(
            'id', new.id, 'email', new.email, 'plan', new.plan));
    end;
    return null;
end $fn$;
create trigger capture after insert on public.skene_published
    for each row execute function published.capture();
