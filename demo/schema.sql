-- A small SaaS on Supabase: auth.users in the platform's shape, and the
-- product's own tables.
create schema auth;
create table auth.users (
    instance_id uuid,
    id uuid primary key default gen_random_uuid(),
    aud varchar(255) default 'authenticated',
    role varchar(255) default 'authenticated',
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    phone text unique,
    phone_confirmed_at timestamptz,
    phone_change text default '',
    phone_change_token varchar(255) default '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz
        generated always as (least(email_confirmed_at, phone_confirmed_at))
        stored,
    email_change_token_current varchar(255) default '',
    email_change_confirm_status smallint default 0,
    banned_until timestamptz,
    reauthentication_token varchar(255) default '',
    reauthentication_sent_at timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false
);
create unique index users_email_partial_key on auth.users (email)
    where is_sso_user = false;

create table public.profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    full_name text,
    timezone text not null default 'UTC',
    created_at timestamptz not null default now()
);
create table public.projects (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null references public.profiles (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now()
);
create table public.tasks (
    id bigint generated always as identity primary key,
    project_id uuid references public.projects (id) on delete cascade,
    creator_id uuid not null references public.profiles (id)
        on delete cascade,
    title text not null,
    done boolean not null default false,
    created_at timestamptz not null default now()
);
create type public.subscription_status as enum
    ('trialing', 'active', 'past_due', 'canceled');
create table public.subscriptions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    plan text not null default 'free',
    status public.subscription_status not null default 'trialing',
    created_at timestamptz not null default now()
);
