#include "fixture.h"

#include <stdio.h>

#include "target/capture_sql.h"

static const char *id_key[] = {"id"};
static const char *users_columns[] = {"email", "id"};
static const char *profile_columns[] = {"full_name", "id", "plan"};
static const char *plan_column[] = {"plan"};
static const char *features[] = {"welcome", "with\nnewline; drop table x"};

static const struct capture captures[] = {
    {.table = "auth.users",
     .op = ROW_INSERT,
     .columns = users_columns,
     .n_columns = 2,
     .key = id_key,
     .n_key = 1,
     .features = features,
     .n_features = 2},
    {.table = "public.profiles",
     .op = ROW_UPDATE,
     .columns = profile_columns,
     .n_columns = 3,
     .key = id_key,
     .n_key = 1,
     .row_level = true,
     .changed = plan_column,
     .n_changed = 1},
};

static const char our_triggers[] =
    "select count(*) from pg_trigger t join pg_proc p on p.oid = t.tgfoid"
    " join pg_namespace n on n.oid = p.pronamespace"
    " where n.nspname = 'skene_growth'";

static void
test_idempotent(void **state)
{
    struct fixture *f = *state;

    size_t n = deploy(f, captures, 2);
    assert_int_equal(n, 18); /* 14 base objects, 2 pairs */
    assert_string_equal(cell(f, f->admin, our_triggers), "2");
    assert_int_equal(plan_for(f, captures, 2)->n_changes, 0);
    assert_int_equal(deploy(f, captures, 2), 0);
}

static void
test_nothing_of_ours_is_public(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, captures, 2);
    assert_string_equal(
        cell(f, f->admin,
             "select string_agg(p.proname, ' ') from pg_proc p where"
             " p.pronamespace = 'skene_growth'::regnamespace and"
             " has_function_privilege('app_writer', p.oid, 'execute')"),
        "");
    assert_string_equal(
        cell(f, f->admin,
             "select has_schema_privilege('app_writer', 'skene_growth',"
             " 'usage')"),
        "f");
    assert_string_equal(
        cell(f, f->admin,
             "select count(*) from pg_class where relkind = 'r' and not"
             " relrowsecurity and relnamespace ="
             " 'skene_growth'::regnamespace"),
        "0");
    assert_string_equal(
        cell(f, f->admin,
             "select count(*) from pg_proc where pronamespace ="
             " 'skene_growth'::regnamespace and prosecdef and"
             /* bodies that name all in full, see test_definer_does_not_leak */
             " proname not like 'skene_growth_fn_%' and"
             " coalesce(array_to_string("
             "proconfig, ','), '') not like 'search_path=pg_catalog,"
             " pg_temp%'"),
        "0");
    assert_string_equal(cell(f, f->admin,
                             "select count(*) from pg_index where indrelid ="
                             " 'skene_growth.event_log'::regclass"),
                        "1");
}

static void
test_deterministic(void **state)
{
    struct fixture *f = *state;
    struct object *x, *y;
    size_t nx, ny;

    const struct deploy_for in = {.catalog = f->c,
                                  .captures = captures,
                                  .n_captures = 2,
                                  .server_version = 150000};
    assert_ok(deploy_wanted(f->a, &in, &x, &nx, &f->err), &f->err);
    assert_ok(deploy_wanted(f->a, &in, &y, &ny, &f->err), &f->err);
    assert_int_equal(nx, ny);
    for (size_t i = 0; i < nx; i++) {
        assert_string_equal(x[i].sql, y[i].sql);
        assert_string_equal(x[i].digest, y[i].digest);
        assert_int_equal(strlen(x[i].digest), 64);
    }
}

static void
test_drift_is_seen_and_repaired(void **state)
{
    struct fixture *f = *state;
    static const char *const damage[] = {
        "create or replace function"
        " skene_growth.skene_growth_fn_auth_users_insert() returns trigger"
        " language plpgsql as $$ begin return null; end $$",
        "drop function skene_growth.skene_growth_fn_auth_users_insert()"
        " cascade",
        "alter table public.profiles disable trigger"
        " skene_growth_trg_public_profiles_update",
        "drop trigger skene_growth_trg_public_profiles_update on"
        " public.profiles",
        "drop function skene_growth.bell(bigint)",
        "drop table skene_growth.event_log cascade",
        "drop table skene_growth.failed_events",
        "alter table skene_growth.event_log drop column last_error",
        "alter table skene_growth.event_log disable row level security",
        "drop sequence skene_growth.bell",
        "drop function skene_growth.rescue(text, jsonb, text)",
        "drop function skene_growth.sign(text, text, text, text)",
        "alter function skene_growth.ring() security definer",
        "comment on function skene_growth.ring() is null",
        "create function skene_growth.stranger() returns int language sql"
        " as 'select 1'",
        "drop schema skene_growth cascade",
    };

    (void)deploy(f, captures, 2);
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        sql(f->user, damage[i]);
        if (plan_for(f, captures, 2)->n_changes == 0)
            fail_msg("not seen: %s", damage[i]);
        (void)deploy(f, captures, 2);
        struct plan *left = plan_for(f, captures, 2);
        if (left->n_changes != 0)
            fail_msg("not repaired: %s", damage[i]);
        assert_string_equal(cell(f, f->admin, our_triggers), "2");
    }
    sql(f->admin, "insert into auth.users (email) values ('a@b.c')");
    assert_string_equal(
        cell(f, f->admin, "select count(*) from skene_growth.event_log"), "1");
}

static void
test_a_new_event_log_is_a_new_epoch(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, captures, 2);
    const char *before =
        cell(f, f->admin, "select epoch from skene_growth.config");
    (void)deploy(f, captures, 1);
    assert_string_equal(
        cell(f, f->admin, "select epoch from skene_growth.config"), before);
    sql(f->user, "drop table skene_growth.event_log cascade");
    (void)deploy(f, captures, 2);
    assert_string_not_equal(
        cell(f, f->admin, "select epoch from skene_growth.config"), before);
}

static void
test_orphans_go(void **state)
{
    struct fixture *f = *state;

    (void)deploy(f, captures, 2);
    assert_true(deploy(f, captures, 1) > 0);
    assert_string_equal(cell(f, f->admin, our_triggers), "1");
    assert_int_equal(plan_for(f, captures, 1)->n_changes, 0);
}

static void
test_removal_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct object *found;
    size_t n;

    (void)deploy(f, captures, 2);
    assert_ok(deploy_remove(f->t, &f->err), &f->err);
    assert_ok(deploy_found(f->t, f->a, &found, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    assert_string_equal(cell(f, f->admin, our_triggers), "0");
    assert_string_equal(
        cell(f, f->admin,
             "select count(*) from pg_trigger where not tgisinternal"),
        "0");
    assert_string_equal(
        cell(f, f->admin, "select to_regnamespace('skene_growth')"), "");
    sql(f->admin, "insert into auth.users (email) values ('a@b.c')");
    assert_ok(deploy_remove(f->t, &f->err), &f->err); /* twice is fine */
}

static void
test_failed_deploy_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = plan_for(f, captures, 2);
    struct deploy_settings settings = {.notify_on = true};
    const char *epoch;

    sql(f->admin, "drop table public.profiles cascade");
    assert_int_equal(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
                     E_DB);
    assert_non_null(strstr(f->err.msg, "skene_growth_trg_public_profiles"));
    assert_string_equal(
        cell(f, f->admin, "select to_regnamespace('skene_growth')"), "");
}

static void
test_busy_table(void **state)
{
    struct fixture *f = *state;
    struct plan *plan = plan_for(f, captures, 2);
    struct deploy_settings settings = {.notify_on = true};
    const char *epoch;

    sql(f->admin, "begin; lock table auth.users in row exclusive mode");
    assert_int_equal(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
                     E_BUSY);
    assert_non_null(strstr(f->err.msg, "auth.users"));
    assert_non_null(strstr(f->err.hint, "transaction"));
    sql(f->admin, "rollback");
    (void)deploy(f, captures, 2);
}

static void
test_a_copy_is_refused(void **state)
{
    struct fixture *f = *state;
    struct deploy_settings settings = {.notify_on = true};
    const char *epoch;

    (void)deploy(f, captures, 2);
    sql(f->user, "update skene_growth.config set home = '1/elsewhere'"
                 " where one");
    struct plan *plan = plan_for(f, captures, 1);
    assert_int_equal(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
                     E_CONFLICT);
    assert_string_equal(cell(f, f->admin, our_triggers), "2");
}

static const char stub_vault[] =
    "create schema vault; create table vault.secrets (id uuid primary key"
    " default gen_random_uuid(), name text unique, secret text);"
    "create view vault.decrypted_secrets as select id, name, secret as"
    " decrypted_secret from vault.secrets;"
    "create function vault.create_secret(new_secret text, new_name text ="
    " null, new_description text = '', new_key_id uuid = null) returns uuid"
    " language sql security definer as $$ insert into vault.secrets (name,"
    " secret) values ($2, $1) returning id $$;"
    "create function vault.update_secret(secret_id uuid, new_secret text ="
    " null, new_name text = null, new_description text = null, new_key_id"
    " uuid = null) returns void language sql security definer as $$ update"
    " vault.secrets set secret = $2 where id = $1 $$;"
    "grant usage on schema vault to saas_admin;"
    "grant select, delete on all tables in schema vault to saas_admin;";

static void
apply(struct fixture *f, const struct deploy_settings *settings)
{
    struct plan *plan = plan_for(f, captures, 1);
    const char *epoch;

    assert_ok(deploy_apply(f->t, f->a, plan, settings, &epoch, &f->err),
              &f->err);
}

static void
test_settings_and_secret(void **state)
{
    struct fixture *f = *state;
    struct deploy_settings s = {.push_on = true,
                                .ingest_url = "https://example.org/x",
                                .ingest_secret = "one's",
                                .bell_ms = 7};
    static const char ask[] =
        "select format('%s %s %s %s %s', notify_on, push_on, ingest_url,"
        " bell_ms, ingest_secret) from skene_growth.config";
    static const char row_version[] = "select xmin from skene_growth.config";

    apply(f, &s);
    assert_string_equal(cell(f, f->admin, ask),
                        "f t https://example.org/x 7 one's");
    const char *version = cell(f, f->admin, row_version);
    apply(f, &s); /* nothing differs: nothing is written */
    assert_string_equal(cell(f, f->admin, row_version), version);
    s.ingest_secret = NULL; /* keep */
    s.ingest_url = NULL;
    apply(f, &s);
    assert_string_equal(cell(f, f->admin, ask), "f t  7 one's");
    assert_string_equal(
        cell(f, f->admin,
             "select count(*) from pg_proc where prosrc like '%one''s%'"),
        "0");
}

static void
test_secret_in_vault(void **state)
{
    struct fixture *f = *state;
    struct deploy_settings s = {.notify_on = true, .ingest_secret = "one"};
    static const char ask[] =
        "select string_agg(name || '=' || secret, ',') from vault.secrets";

    sql(f->admin, stub_vault);
    apply(f, &s);
    assert_string_equal(cell(f, f->admin, ask), "skene_proxy_secret=one");
    s.ingest_secret = "two";
    apply(f, &s);
    assert_string_equal(cell(f, f->admin, ask), "skene_proxy_secret=two");
    assert_string_equal(cell(f, f->admin,
                             "select coalesce(ingest_secret, 'none') from"
                             " skene_growth.config"),
                        "none");
    assert_string_equal(cell(f, f->user, "select skene_growth.ingest_secret()"),
                        "two");
}

static void
test_script_does_the_same(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF out = buf_new(1 << 20);

    size_t steps;

    /* In the two files of the published layout. */
    struct plan *plan = plan_for(f, captures, 2);
    assert_ok(deploy_script(plan, SCRIPT_SCHEMA, &out, &steps, &f->err),
              &f->err);
    assert_null(strstr(out.data, "skene_growth_fn_"));
    assert_int_equal(steps, plan->n_changes - 4);
    sql(f->user, out.data);
    buf_reset(&out);
    assert_ok(deploy_script(plan, SCRIPT_TRIGGERS, &out, &steps, &f->err),
              &f->err);
    assert_int_equal(steps, 4);
    assert_non_null(strstr(out.data, "serves the feature welcome"));
    assert_null(strstr(out.data, "\ndrop table x"));
    assert_non_null(strstr(
        out.data, "stands for skene_growth_fn_auth_users_INSERT_welcome"));
    sql(f->user, out.data);
    assert_int_equal(plan_for(f, captures, 2)->n_changes, 0);
    /* In one. */
    buf_reset(&out);
    assert_ok(deploy_script(plan_for(f, captures, 1), SCRIPT_ALL, &out, &steps,
                            &f->err),
              &f->err);
    sql(f->user, out.data);
    assert_int_equal(plan_for(f, captures, 1)->n_changes, 0);
}

/* What a plan says about a table that is in use. */
static void
test_warnings(void **state)
{
    struct fixture *f = *state;
    struct table_use *use;
    struct object *wanted;
    struct plan *plan;
    size_t n;

    sql(f->admin, "create function noop() returns trigger language plpgsql as"
                  " 'begin return null; end';"
                  "create trigger a_first after update on public.profiles"
                  " for each row execute function noop();"
                  "create trigger zz after update on public.profiles"
                  " for each row execute function noop();"
                  "create publication everything for all tables");
    introspect_again(f);
    sql(f->user, "set application_name = 'importer'; begin;"
                 " lock table public.profiles in row exclusive mode");
    const struct deploy_for in = {.catalog = f->c,
                                  .captures = captures,
                                  .n_captures = 2,
                                  .server_version = 150000};
    assert_ok(deploy_use(f->t, f->a, f->c, captures, 2, &use, &f->err),
              &f->err);
    struct deploy_for with = in;
    with.use = use;
    assert_ok(deploy_wanted(f->a, &with, &wanted, &n, &f->err), &f->err);
    assert_ok(plan_diff(f->a, wanted, n, NULL, 0, &plan, &f->err), &f->err);
    AUTO_BUF text = buf_new(1 << 20);
    plan_text(&text, plan, false, false);
    assert_non_null(strstr(text.data, "wait for pid "));
    assert_non_null(strstr(text.data, "(importer)"));
    assert_non_null(strstr(text.data, "1 fire before ours, 1 after"));
    assert_non_null(strstr(text.data, "all tables (everything)"));
    sql(f->user, "rollback");
    assert_ok(deploy_use(f->t, f->a, f->c, captures, 2, &use, &f->err),
              &f->err);
    for (size_t i = 0; i < 2; i++)
        assert_null(use[i].holders);
}

static void
test_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *table, *function;
    } cases[] = {
        {"public.users", "skene_growth_fn_public_users_insert"},
        {"public.my_table", "skene_growth_fn_public_my_table_insert"},
        {"my_app.users", NULL},
        {"public.Users", NULL},
        {"public.a b", NULL},
        {"public.a.b", NULL},
        {"public.a_very_long_table_name_that_needs_to_be_cut_somewhere", NULL},
        {"public.a_very_long_table_name_that_needs_to_be_cut_elsewhere", NULL},
    };
    struct map *seen = map_new(f->a);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct capture c = {.table = cases[i].table, .op = ROW_INSERT};
        struct capture_names names;
        assert_ok(capture_names(f->a, &c, &names, &f->err), &f->err);
        assert_true(strlen(names.function) <= 63);
        assert_true(strlen(names.trigger) <= 63);
        assert_true(strncmp(names.trigger, "skene_growth_trg_", 17) == 0);
        if (cases[i].function)
            assert_string_equal(names.function, cases[i].function);
        assert_null(map_get(seen, names.function));
        assert_ok(map_put(seen, names.function, f, &f->err), &f->err);
    }
}

static void
test_refusals(void **state)
{
    struct fixture *f = *state;
    static const char *secret[] = {"encrypted_password"};
    static const char *missing[] = {"nope"};
    const struct {
        struct capture c;
        enum status code;
        const char *says;
    } cases[] = {
        {{.table = "public.nope"}, E_INVALID, "public.nope"},
        {{.table = "auth.users", .columns = missing, .n_columns = 1},
         E_INVALID,
         "nope"},
        {{.table = "auth.users", .columns = secret, .n_columns = 1},
         E_FORBIDDEN,
         "encrypted_password"},
    };
    struct object *out;
    size_t n;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct deploy_for in = {.catalog = f->c,
                                      .captures = &cases[i].c,
                                      .n_captures = 1,
                                      .server_version = 150000};
        assert_int_equal(deploy_wanted(f->a, &in, &out, &n, &f->err),
                         cases[i].code);
        assert_non_null(strstr(f->err.msg, cases[i].says));
    }
}

static size_t
deploy_as_13(struct fixture *f)
{
    static const struct deploy_settings settings = {.notify_on = true};
    struct object *wanted, *found;
    size_t n_wanted, n_found;
    struct plan *plan;
    const char *epoch;

    const struct deploy_for in = {.catalog = f->c,
                                  .captures = captures,
                                  .n_captures = 2,
                                  .server_version = 130010};
    assert_ok(deploy_wanted(f->a, &in, &wanted, &n_wanted, &f->err), &f->err);
    assert_ok(deploy_found(f->t, f->a, &found, &n_found, &f->err), &f->err);
    assert_ok(plan_diff(f->a, wanted, n_wanted, found, n_found, &plan, &f->err),
              &f->err);
    assert_ok(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
              &f->err);
    return plan->n_changes;
}

/* What 13 does must work here too: it has no CREATE OR REPLACE TRIGGER. */
static void
test_statements_for_13(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(deploy_as_13(f), 18);
    sql(f->user, "alter table public.profiles disable trigger"
                 " skene_growth_trg_public_profiles_update");
    assert_int_equal(deploy_as_13(f), 1);
    assert_int_equal(deploy_as_13(f), 0);
    assert_string_equal(cell(f, f->admin, our_triggers), "2");
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_idempotent),
        T(test_nothing_of_ours_is_public),
        T(test_deterministic),
        T(test_drift_is_seen_and_repaired),
        T(test_a_new_event_log_is_a_new_epoch),
        T(test_orphans_go),
        T(test_removal_leaves_nothing),
        T(test_failed_deploy_leaves_nothing),
        T(test_busy_table),
        T(test_a_copy_is_refused),
        T(test_settings_and_secret),
        T(test_secret_in_vault),
        T(test_script_does_the_same),
        T(test_warnings),
        T(test_names),
        T(test_refusals),
        T(test_statements_for_13),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
