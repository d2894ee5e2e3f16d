alter type public.plan_tier add value if not exists 'team' after 'free';
alter type public.plan_tier add value 'enterprise';
alter table public.organizations
    add column if not exists billing_email text,
    add column owner_id uuid references auth.users (id) on delete set null,
    alter column seats drop default,
    alter column seats type bigint using seats::bigint,
    drop column if exists nothing,
    alter column name set default 'My organization';
alter table public.profiles rename column website to url;
alter table public.members drop constraint members_invited_by_fkey;
alter table public.members rename to memberships;
alter table only public.memberships
    add constraint memberships_invited_by foreign key (invited_by)
    references public.profiles (id) on delete set null;
alter table if exists public.never_was add column x int;
drop view public.members_view;
alter publication supabase_realtime drop table public.profiles;
update public.organizations set billing_email = 'a@example.com' where false;
