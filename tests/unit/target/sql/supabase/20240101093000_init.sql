/* First migration: /* comments nest */ profiles and organisations. */
create type public.app_role as enum ('owner', 'member');
create type public.plan_tier as enum ('free', 'pro');

create table public.profiles (
    id uuid references auth.users on delete cascade not null primary key,
    updated_at timestamp with time zone default timezone('utc', now()),
    username text unique,
    email extensions.citext not null,
    website text default '',
    settings jsonb not null default '{}'::jsonb,
    tags text[] not null default '{}',
    constraint username_length check (char_length(username) >= 3)
);
alter table profiles enable row level security;
create policy "Profiles are public." on profiles for select using (true);
create policy "Own profile." on profiles
    for insert with check ((select auth.uid()) = id);

create table if not exists public.organizations (
    id uuid default extensions.uuid_generate_v4() primary key,
    name varchar(120) not null,
    slug text not null,
    tier public.plan_tier not null default 'free',
    seats int not null default 5,
    price numeric(10, 2) default 0.00,
    trial_ends_at timestamptz default (now() + interval '14 days'),
    created_by uuid default auth.uid() references public.profiles (id),
    created_at timestamptz default now() not null
);
create unique index organizations_slug on public.organizations (lower(slug));

create table public.members (
    organization_id uuid not null
        references public.organizations (id) on delete cascade,
    profile_id uuid not null references public.profiles (id),
    role app_role not null default 'member',
    invited_by uuid references public.profiles,
    joined_at timestamptz,
    primary key (organization_id, profile_id)
);

create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.profiles (id, email) values (new.id, new.email);
    return new;
end;
$$;
create trigger on_auth_user_created after insert on auth.users
    for each row execute procedure public.handle_new_user();
insert into public.organizations (name, slug) values ('Acme; Inc.', 'acme');
comment on table public.members is 'who; belongs -- where';
grant select on public.members to anon, authenticated;
