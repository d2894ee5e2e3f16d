begin;
create schema if not exists billing;
set search_path to billing, public;
create type status as enum ('draft', 'open', 'paid');
create domain currency as char(3) not null check (value = upper(value));
create table invoices (
    id bigserial primary key,
    organization_id uuid references organizations (id),
    status status default 'draft' not null,
    currency currency default 'EUR',
    amount_cents bigint not null default 0 check (amount_cents >= 0),
    discount smallint default -1,
    issued_on date default current_date,
    due_on date,
    lines jsonb[] default array[]::jsonb[],
    reference text default 'INV-' || nextval('invoices_id_seq'::regclass),
    paid boolean generated always as (status = 'paid') stored
);
create view open_invoices as
    select i.id, i.status, i.amount_cents as amount, o.name
    from invoices i join organizations o on o.id = i.organization_id
    where i.status = 'open';
create view public.members_view as select * from public.members;
reset search_path;
alter publication supabase_realtime add table public.members;
alter publication supabase_realtime add table billing.invoices, profiles;
commit;
