#include "fixture.h"

#include <stdio.h>

static const char *id_key[] = {"id"};
static const char *users_columns[] = {"email", "id"};
static const char *profile_columns[] = {"active", "full_name", "id",  "meta",
                                        "plan",   "score",     "tags"};
static const char *plan_column[] = {"plan"};
static const char *project_columns[] = {"id", "name", "settings"};
static const char *settings_column[] = {"settings"};
static const char *member_key[] = {"org", "person"};
static const char *member_columns[] = {"role"};
static const char *note_columns[] = {"body"};

static const struct capture users_insert = {.table = "auth.users",
                                            .op = ROW_INSERT,
                                            .columns = users_columns,
                                            .n_columns = 2,
                                            .key = id_key,
                                            .n_key = 1};
static const struct capture profiles_update = {.table = "public.profiles",
                                               .op = ROW_UPDATE,
                                               .columns = profile_columns,
                                               .n_columns = 7,
                                               .key = id_key,
                                               .n_key = 1,
                                               .row_level = true,
                                               .changed = plan_column,
                                               .n_changed = 1};
static const struct capture projects_update = {.table = "public.projects",
                                               .op = ROW_UPDATE,
                                               .columns = project_columns,
                                               .n_columns = 3,
                                               .key = id_key,
                                               .n_key = 1,
                                               .row_level = true,
                                               .changed = settings_column,
                                               .n_changed = 1};
static const struct capture members_insert = {.table = "public.members",
                                              .op = ROW_INSERT,
                                              .columns = member_columns,
                                              .n_columns = 1,
                                              .key = member_key,
                                              .n_key = 2};
static const struct capture members_delete = {.table = "public.members",
                                              .op = ROW_DELETE,
                                              .columns = member_columns,
                                              .n_columns = 1,
                                              .key = member_key,
                                              .n_key = 2};
static const struct capture notes_insert = {.table = "public.notes",
                                            .op = ROW_INSERT,
                                            .columns = note_columns,
                                            .n_columns = 1};

static const char count_events[] =
    "select count(*) from skene_growth.event_log";
static const char show_events[] =
    "select string_agg(format('%s|%s|%s', event_type, coalesce(entity_id,"
    " '-'), metadata), E'\\n' order by id) from skene_growth.event_log";
static const char forget[] =
    "truncate skene_growth.event_log, skene_growth.failed_events";

static void
test_statement_insert(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &users_insert, 1);
    /* as the role that signs people up, which may do nothing with us */
    sql(f->admin,
        "set role supabase_auth_admin;"
        "insert into auth.users (id, email, encrypted_password) values"
        " ('00000000-0000-0000-0000-000000000001', 'a@x.y', 'hash'),"
        " ('00000000-0000-0000-0000-000000000002', null, 'hash')");
    sql(f->admin, "reset role");
    assert_string_equal(
        cell(f, f->admin, show_events),
        "auth.users.insert|00000000-0000-0000-0000-000000000001|"
        "{\"id\": \"00000000-0000-0000-0000-000000000001\","
        " \"email\": \"a@x.y\"}\n"
        "auth.users.insert|00000000-0000-0000-0000-000000000002|"
        "{\"id\": \"00000000-0000-0000-0000-000000000002\","
        " \"email\": null}");
    sql(f->admin, forget);
    sql(f->admin, "insert into auth.users select from"
                  " generate_series(1, 1000)");
    assert_string_equal(cell(f, f->admin, count_events), "1000");
}

static void
test_row_update(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &profiles_update, 1);
    sql(f->admin, "insert into auth.users (id) values"
                  " ('00000000-0000-0000-0000-000000000001');"
                  "insert into profiles (id, full_name, meta, score, active,"
                  " tags) values ('00000000-0000-0000-0000-000000000001',"
                  " 'Ada', '{\"k\": 1}', 12345678901234567890.10, true,"
                  " '{a,b}')");
    sql(f->admin, "update profiles set full_name = 'Eve', plan = plan"
                  " where true");
    assert_string_equal(cell(f, f->admin, count_events), "0");
    sql(f->admin, "update profiles set plan = 'pro' where true");
    assert_string_equal(
        cell(f, f->admin, show_events),
        "public.profiles.update|00000000-0000-0000-0000-000000000001|"
        "{\"id\": \"00000000-0000-0000-0000-000000000001\","
        " \"_old\": {\"id\": \"00000000-0000-0000-0000-000000000001\","
        " \"meta\": {\"k\": 1}, \"plan\": \"free\", \"tags\": \"{a,b}\","
        " \"score\": 12345678901234567890.10, \"active\": true,"
        " \"full_name\": \"Eve\"},"
        " \"meta\": {\"k\": 1}, \"plan\": \"pro\", \"tags\": \"{a,b}\","
        " \"score\": 12345678901234567890.10, \"active\": true,"
        " \"full_name\": \"Eve\"}");
}

static void
test_update_of_a_json_column(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &projects_update, 1);
    sql(f->admin, "insert into projects (name, settings) values ('x',"
                  " '{\"a\":1}'); update projects set name = 'y' where true");
    assert_string_equal(cell(f, f->admin, count_events), "0");
    sql(f->admin, "update projects set settings = '{\"a\":2}' where true");
    assert_string_equal(cell(f, f->admin, count_events), "1");
    assert_string_equal(
        cell(f, f->admin, "select count(*) from skene_growth.failed_events"),
        "0");
}

static void
test_composite_and_missing_keys(void **state)
{
    struct fixture *f = *state;
    const struct capture all[] = {members_insert, members_delete, notes_insert};

    (void)deploy(f, all, 3);
    sql(f->admin, "insert into members values (1, 2, 'owner');"
                  "delete from members where org = 1;"
                  "insert into notes values ('hi')");
    assert_string_equal(cell(f, f->admin, show_events),
                        "public.members.insert|[1, 2]|{\"role\": \"owner\"}\n"
                        "public.members.delete|[1, 2]|{\"role\": \"owner\"}\n"
                        "public.notes.insert|-|{\"body\": \"hi\"}");
}

static void
test_rollback_leaves_no_event(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &users_insert, 1);
    sql(f->admin, "begin; insert into auth.users default values; rollback");
    assert_string_equal(cell(f, f->admin, count_events), "0");
    sql(f->admin, "begin; savepoint s; insert into auth.users default values;"
                  "rollback to s; insert into auth.users (email) values"
                  " ('kept'); commit");
    assert_string_equal(cell(f, f->admin,
                             "select string_agg(metadata ->> 'email', ',') from"
                             " skene_growth.event_log"),
                        "kept");
}

static void
test_kill_switch(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &users_insert, 1);
    sql(f->admin, "insert into auth.users default values");
    sql(f->user, "update skene_growth.config set capture_on = false"
                 " where one");
    /* As after the 100 ms in which a session does not look again. */
    sql(f->admin, "set skene_growth.look = ''");
    sql(f->admin, "insert into auth.users default values");
    sql(f->admin, "insert into auth.users default values");
    assert_string_equal(cell(f, f->admin, count_events), "1");
    assert_string_equal(
        cell(f, f->admin, "select count(*) from skene_growth.failed_events"),
        "0");
}

static void
test_many_columns(void **state)
{
    struct fixture *f = *state;
    const char *columns[150];

    sql(f->user, "do $$ begin execute 'create table public.wide (id int"
                 " primary key, ' || (select string_agg('c' || lpad(i::text,"
                 " 3, '0') || ' int default ' || i, ', ') from"
                 " generate_series(0, 149) i) || ')'; end $$");
    introspect_again(f);
    for (int i = 0; i < 150; i++)
        columns[i] = arena_printf(f->a, "c%03d", i);
    struct capture wide = {.table = "public.wide",
                           .op = ROW_INSERT,
                           .columns = columns,
                           .n_columns = 150,
                           .key = id_key,
                           .n_key = 1};
    (void)deploy(f, &wide, 1);
    sql(f->user, "insert into public.wide values (1)");
    assert_string_equal(
        cell(f, f->admin,
             "select count(*) || ' ' || (metadata ->> 'c149') from"
             " skene_growth.event_log, jsonb_object_keys(metadata)"
             " group by metadata"),
        "150 149");
}

static void
test_odd_names(void **state)
{
    struct fixture *f = *state;
    static const char *columns[] = {"it's \"so\"", "ol\\d"};
    static const char *key[] = {"k $skene$ y"};
    const struct capture odd = {.table = "public.Odd's \"Table",
                                .op = ROW_INSERT,
                                .columns = columns,
                                .n_columns = 2,
                                .key = key,
                                .n_key = 1};

    sql(f->user, "create table public.\"Odd's \"\"Table\" (\"k $skene$ y\""
                 " int primary key, \"it's \"\"so\"\"\" text, \"ol\\d\" int)");
    introspect_again(f);
    (void)deploy(f, &odd, 1);
    assert_int_equal(plan_for(f, &odd, 1)->n_changes, 0);
    sql(f->user, "insert into public.\"Odd's \"\"Table\" values (1, 'v', 2)");
    assert_string_equal(cell(f, f->admin, show_events),
                        "public.Odd's \"Table.insert|1|"
                        "{\"ol\\\\d\": 2, \"it's \\\"so\\\"\": \"v\"}");
}

static void
test_partitioned(void **state)
{
    struct fixture *f = *state;
    static const char *columns[] = {"a"};
    static const char *key[] = {"id"};
    const struct capture c[] = {{.table = "public.parts",
                                 .op = ROW_INSERT,
                                 .columns = columns,
                                 .n_columns = 1,
                                 .key = key,
                                 .n_key = 1,
                                 .row_level = true},
                                {.table = "public.parts",
                                 .op = ROW_DELETE,
                                 .columns = columns,
                                 .n_columns = 1,
                                 .key = key,
                                 .n_key = 1,
                                 .row_level = true}};

    sql(f->user, "create table public.parts (id int primary key, a text)"
                 " partition by range (id);"
                 "create table public.parts1 partition of public.parts for"
                 " values from (1) to (10)");
    introspect_again(f);
    (void)deploy(f, c, 2);
    assert_int_equal(plan_for(f, c, 2)->n_changes, 0);
    sql(f->user, "insert into public.parts values (1, 'parent');"
                 "insert into public.parts1 values (2, 'child');"
                 "delete from public.parts1 where id = 2");
    assert_string_equal(cell(f, f->admin, show_events),
                        "public.parts.insert|1|{\"a\": \"parent\"}\n"
                        "public.parts.insert|2|{\"a\": \"child\"}\n"
                        "public.parts.delete|2|{\"a\": \"child\"}");
}

/* What may be broken, and what is then known of a sign-up. */
static const struct {
    const char *damage;
    const char *events; /* afterwards */
    const char *failed;
    bool keys; /* kept in the event log */
} damages[] = {
    {"alter table auth.users drop column email", "1", "1", true},
    {"alter table auth.users rename column email to mail", "1", "1", true},
    {"drop table skene_growth.event_log cascade", "", "1", false},
    {"drop function skene_growth.ring() cascade", "1", "0", false},
    {"drop function skene_growth.bell(bigint)", "1", "0", false},
    {"drop sequence skene_growth.bell", "1", "0", false},
    {"drop function skene_growth.ident() cascade", "1", "0", false},
    {"delete from skene_growth.config where one", "1", "0", false},
    {"drop table skene_growth.config", "1", "1", true},
    {"drop function skene_growth.rescue(text, jsonb, text)", "1", "0", false},
    {"drop function skene_growth.rescue(text, jsonb, text);"
     "drop table skene_growth.event_log cascade",
     "", "0", false},
    {"drop table skene_growth.failed_events, skene_growth.event_log"
     " cascade",
     "", "", false},
    {"alter table skene_growth.event_log add column must int not null"
     " default 1; alter table skene_growth.event_log alter must drop"
     " default",
     "0", "1", false},
    {"update skene_growth.config set push_on = true, ingest_url ="
     " 'http://127.0.0.1:1/'",
     "1", "0", false}, /* no pg_net */
};

static void
damage_one(struct fixture *f, size_t i)
{
    assert_ok(deploy_remove(f->t, &f->err), &f->err);
    sql(f->admin, "alter table auth.users drop column if exists mail,"
                  " add column if not exists email text");
    (void)deploy(f, &users_insert, 1);
    sql(f->admin, damages[i].damage);
    /* What a session remembers for 100 ms. */
    sql(f->admin, "set skene_growth.look = ''; set skene_growth.quiet = ''");
    if (!sql_try(f->admin, "insert into auth.users (id) values"
                           " (gen_random_uuid())"))
        fail_msg("%s: insert failed", damages[i].damage);
    const char *events =
        *damages[i].events ? cell(f, f->admin, count_events) : "";
    const char *failed =
        *damages[i].failed
            ? cell(f, f->admin,
                   "select count(*) from skene_growth.failed_events")
            : "";
    if (strcmp(events, damages[i].events) != 0 ||
        strcmp(failed, damages[i].failed) != 0)
        fail_msg("%s: %s events, %s failed", damages[i].damage, events, failed);
    if (damages[i].keys)
        assert_string_equal(
            cell(f, f->admin,
                 "select entity_id = metadata ->> 'id' and last_error is"
                 " not null from skene_growth.event_log"),
            "t");
}

static void
test_capture_never_fails_the_insert(void **state)
{
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
        damage_one(*state, i);
}

static void
test_dropped_key(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &members_insert, 1);
    sql(f->user, "alter table members drop column person");
    sql(f->user, "insert into members (org) values (1)");
    assert_string_equal(cell(f, f->admin, count_events), "0");
    assert_string_equal(
        cell(f, f->admin,
             "select event_type || ' ' || failure_reason from"
             " skene_growth.failed_events"),
        "public.members.insert 42703 column n.person does not exist");
}

static void
test_bulk_uses_few_transaction_ids(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, &users_insert, 1);
    long before = strtol(cell(f, f->admin, "select txid_current()"), NULL, 10);
    sql(f->admin, "insert into auth.users select from"
                  " generate_series(1, 5000)");
    long after = strtol(cell(f, f->admin, "select txid_current()"), NULL, 10);
    assert_true(after - before <= 1 + 3);
}

static const char stub_net[] =
    "create schema net; create table net.sent (url text, body jsonb,"
    " headers jsonb, ms int);"
    "create function net.http_post(url text, body jsonb = '{}', params jsonb"
    " = '{}', headers jsonb = '{}', timeout_milliseconds int = 5000) returns"
    " bigint language sql security definer as $$ insert into net.sent values"
    " (url, body, headers, timeout_milliseconds) returning 1::bigint $$;"
    "grant usage on schema net to public";

static void
test_push_doorbell(void **state)
{
    struct fixture *f = *state;
    struct deploy_settings s = {.push_on = true,
                                .ingest_url = "http://h/in",
                                .ingest_secret = "sesame"};
    f->push = true;
    struct plan *plan = plan_for(f, &users_insert, 1);
    const char *epoch;

    sql(f->admin, stub_net);
    assert_ok(deploy_apply(f->t, f->a, plan, &s, &epoch, &f->err), &f->err);
    sql(f->admin, "insert into auth.users (id, email) values"
                  " ('00000000-0000-0000-0000-000000000001', 'e'),"
                  " ('00000000-0000-0000-0000-000000000002', 'f')");
    sql(f->admin, "insert into auth.users select from"
                  " generate_series(1, 501)");
    assert_string_equal(
        cell(f, f->admin,
             "select string_agg(concat_ws(' ', url, body ->> 'type',"
             " jsonb_array_length(body -> 'records'),"
             " case jsonb_array_length(body -> 'records') when 2 then"
             " body #>> '{records,0,entity_id}' end, headers ->>"
             " 'x-skene-secret', headers ->> 'Content-Type'), E'\\n')"
             " from net.sent"),
        "http://h/in BATCH 2 00000000-0000-0000-0000-000000000001 sesame"
        " application/json\n"
        /* nobody sweeps: every row is sent, 500 at a time */
        "http://h/in BATCH 500 sesame application/json\n"
        "http://h/in BATCH 1 sesame application/json");
    assert_string_equal(
        cell(f, f->admin, "select body ->> 'epoch' from net.sent limit 1"),
        epoch);
    /* a copy of the database is silent */
    sql(f->user, "update skene_growth.config set home = 'x' where one");
    sql(f->admin, "insert into auth.users default values");
    assert_string_equal(cell(f, f->admin, "select count(*) from net.sent"),
                        "3");
    /* who is swept is told once */
    sql(f->user, "update skene_growth.config set home = skene_growth.ident(),"
                 " bell_ms = 1 where one");
    sql(f->admin, "insert into auth.users select from"
                  " generate_series(1, 501)");
    assert_string_equal(cell(f, f->admin,
                             "select count(*) || string_agg(body ->> 'type',"
                             " '') from net.sent where body ->> 'type' ="
                             " 'WAKE'"),
                        "1WAKE");
}

static void
test_definer_does_not_leak(void **state)
{
    struct fixture *f = *state;
    char url[256];

    (void)deploy(f, &notes_insert, 1);
    url_of(url, sizeof(url), "app_writer", f->name);
    PGconn *app = session(url);
    sql(app, "insert into notes values ('from the app')");
    static const char *const denied[] = {
        "select * from skene_growth.event_log",
        "select * from skene_growth.config",
        "select skene_growth.ingest_secret()",
        "select skene_growth.rescue('x', '[]', 'y')",
        "insert into skene_growth.event_log (event_type) values ('x')",
    };
    for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
        if (sql_try(app, denied[i]))
            fail_msg("allowed: %s", denied[i]);
    /* a temporary function cannot stand in for a catalogue one */
    sql(app, "create function pg_temp.jsonb_build_object(text, text) returns"
             " jsonb language sql as $$ select '{\"evil\": 1}'::jsonb $$;"
             "insert into notes values ('again')");
    /* nor can anything in a path of his own, whatever is in the body */
    sql(f->admin, "create schema evil; grant usage, create on schema evil to"
                  " public");
    static const char *const planted[] = {
        "create function evil.own() returns void language plpgsql as $$ begin"
        " raise warning 'evil'; insert into evil.seen values (current_user);"
        " end $$",
        "create table evil.seen (who text)",
        "grant insert on evil.seen to public",
        "create function evil.jsonb_build_object(variadic \"any\") returns"
        " jsonb language sql as $$ select evil.own(); select"
        " '{\"evil\": 1}'::jsonb $$",
        "create function evil.floor(numeric) returns numeric language sql as"
        " $$ select evil.own(); select 1::numeric $$",
        "create function evil.current_setting(text, boolean) returns text"
        " language sql as $$ select evil.own(); select ''::text $$",
        "create function evil.ge(text, text) returns boolean language sql as"
        " $$ select evil.own(); select true $$",
        "create operator evil.>= (leftarg = text, rightarg = text, procedure ="
        " evil.ge)",
        "create function evil.mul(numeric, integer) returns numeric language"
        " sql as $$ select evil.own(); select 1::numeric $$",
        "create operator evil.* (leftarg = numeric, rightarg = integer,"
        " procedure = evil.mul)",
        "create table evil.new_rows (id bigint, body text)",
        "create table evil.event_log (event_type text)",
        "create domain evil.text as pg_catalog.text check (value = 'x')",
        "create domain evil.int8 as pg_catalog.int8 check (value = 1)",
        "create domain evil.bigint as pg_catalog.int8 check (value = 1)"};
    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++)
        if (!sql_try(app, planted[i]))
            (void)planted[i]; /* some need more rights than he has */
    sql(app, "set search_path = evil, pg_catalog, public;"
             "insert into public.notes values ('thrice')");
    assert_string_equal(cell(f, f->admin, "select count(*) from evil.seen"),
                        "0");
    PQfinish(app);
    assert_string_equal(
        cell(f, f->admin,
             "select string_agg(metadata ->> 'body', ',' order by id) from"
             " skene_growth.event_log"),
        "from the app,again,thrice");
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_statement_insert),
        T(test_row_update),
        T(test_update_of_a_json_column),
        T(test_composite_and_missing_keys),
        T(test_rollback_leaves_no_event),
        T(test_kill_switch),
        T(test_many_columns),
        T(test_odd_names),
        T(test_partitioned),
        T(test_capture_never_fails_the_insert),
        T(test_dropped_key),
        T(test_bulk_uses_few_transaction_ids),
        T(test_push_doorbell),
        T(test_definer_does_not_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
