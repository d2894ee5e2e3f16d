-- What a Supabase project has before its own migrations.
create schema auth;
create schema extensions;
create schema storage;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists citext with schema extensions;
do $$ begin
    create role anon nologin;
    create role authenticated nologin;
exception when duplicate_object then null;
end $$;
create table auth.users (
    id uuid not null primary key,
    email varchar(255),
    raw_user_meta_data jsonb,
    created_at timestamptz
);
create table auth.sessions (
    id uuid primary key,
    user_id uuid not null references auth.users on delete cascade
);
create table storage.objects (id uuid primary key, owner uuid);
create function auth.uid() returns uuid language sql stable as
    $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
create publication supabase_realtime;
