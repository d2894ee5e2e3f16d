-- One sign-up, as an application makes it; run by pgbench at a steady rate.
-- Of ten people, three make a project and one of those a task as well.
begin;
with person as (
    insert into auth.users (email, email_confirmed_at, last_sign_in_at,
                            raw_user_meta_data)
    select 'user' || substr(md5(random()::text || clock_timestamp()::text), 1, 20)
               || '@example.com', now(), now(),
           jsonb_build_object('full_name', 'Demo User')
    returning id
)
insert into public.profiles (id, full_name)
select id, 'Demo User' from person;
commit;
