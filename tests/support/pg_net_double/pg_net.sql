-- A stand-in for the extension pg_net 0.20, whose binary is not packaged:
-- the functions, their parameters and defaults, the unlogged tables and the
-- grants of its documentation. worker.py stands for its background worker.
create schema net;
create unlogged table net.http_request_queue (
    id bigserial,
    method text not null,
    url text not null,
    headers jsonb,
    body bytea,
    timeout_milliseconds integer not null
);
create unlogged table net._http_response (
    id bigint,
    status_code integer,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz not null default now()
);
create index on net._http_response (created);

create function net.http_post(
    url text,
    body jsonb default '{}',
    params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}',
    timeout_milliseconds integer default 5000)
returns bigint language plpgsql as $fn$
declare
    content_type text;
    request_id bigint;
begin
    select h.value into content_type
    from jsonb_each_text(coalesce(headers, '{}')) h
    where lower(h.key) = 'content-type';
    if content_type is null then
        headers := coalesce(headers, '{}')
                   || '{"Content-Type": "application/json"}';
    elsif content_type <> 'application/json' then
        raise exception 'Content-Type header must be "application/json"';
    end if;
    insert into net.http_request_queue
        (method, url, headers, body, timeout_milliseconds)
    values ('POST', url || coalesce((
                select '?' || string_agg(p.key || '=' || p.value, '&')
                from jsonb_each_text(params) p), ''),
            headers, convert_to(body::text, 'UTF8'), timeout_milliseconds)
    returning id into request_id;
    return request_id;
end $fn$;
grant usage on schema net to public;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
