#include "fixture.h"

#include "target/drain.h"
#include "target/enrich_sql.h"

static const char *project_columns[] = {"id", "name", "owner_id"};
static const char *key_columns[] = {"id"};
static const char *feature_keys[] = {"welcome"};
static const struct capture projects = {.table = "public.projects",
                                        .op = ROW_INSERT,
                                        .columns = project_columns,
                                        .n_columns = 3,
                                        .key = key_columns,
                                        .n_key = 1,
                                        .features = feature_keys,
                                        .n_features = 1};
#define OWNER "00000000-0000-4000-8000-000000000001"

static void
rule(struct fixture *f, const char *event, const char *key, const char *json,
     bool strip_after)
{
    const char *values[] = {event, key, json, strip_after ? "t" : "f"};
    PGresult *r = PQexecParams(
        f->user,
        "insert into skene_growth.enrichment_map values ($1, $2, $3, $4)"
        " on conflict (trigger_event, metadata_key) do update set"
        " rule = excluded.rule, strip_after = excluded.strip_after",
        4, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(f->user));
    PQclear(r);
}

static void
world(struct fixture *f)
{
    (void)deploy(f, &projects, 1);
    sql(f->admin, "insert into auth.users (id, email) values"
                  " ('" OWNER "', 'ada@example.com')");
    sql(f->admin, "insert into public.profiles (id, full_name, plan, score)"
                  " values ('" OWNER "', 'Ada', 'pro', 2.50)");
}

/* What the drain hands over for the one event there is. */
static const struct json *
drained(struct fixture *f)
{
    struct drained_event *e;
    struct json *j;
    size_t n;

    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_ok(json_parse(f->a, e[0].metadata, strlen(e[0].metadata), 100000, &j,
                         &f->err),
              &f->err);
    return j;
}

static const char *
text_at(struct fixture *f, const struct json *j, const char *path)
{
    (void)f;
    return json_str(json_at(j, path), "(none)");
}

static void
insert_project(struct fixture *f)
{
    sql(f->user, "delete from skene_growth.event_log");
    sql(f->user, "insert into public.projects (owner_id, name) values"
                 " ('" OWNER "', 'Engine')");
}

static void
test_join_and_strip(void **state)
{
    struct fixture *f = *state;

    world(f);
    /* No rules: the row as it was captured. */
    insert_project(f);
    assert_null(json_get(drained(f), "owner"));
    rule(f, "public.projects.insert", "owner",
         "{\"from\":\"public.profiles\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"name\":\"full_name\",\"plan\":\"plan\","
         "\"score\":\"score\"}}",
         true);
    rule(f, "public.projects.insert", "account",
         "{\"from\":\"auth.users\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"email\":\"email\"}}",
         false);
    /* Not deployed yet: stripped already, no context yet. */
    const struct json *j = drained(f);
    assert_null(json_get(j, "owner_id"));
    assert_null(json_get(j, "owner"));
    static const char *bare[] = {"id", "name"};
    struct capture c = projects;
    c.columns = bare;
    c.n_columns = 2;
    struct enrichment *rules;
    size_t n;
    assert_ok(enrich_rules(f->t, f->a, &rules, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    /* A feature needs owner_id: stripping it is refused. */
    assert_int_equal(enrich_check(f->c, rules, n, &projects, 1, &f->err),
                     E_CONFLICT);
    assert_non_null(strstr(f->err.msg, "welcome needs it"));
    assert_ok(enrich_check(f->c, rules, n, &c, 1, &f->err), &f->err);
    /* The join's column is captured although no feature asks for it. */
    struct capture with = c;
    assert_ok(enrich_captures(f->a, rules, n, &with, 1, &f->err), &f->err);
    assert_int_equal(with.n_columns, 3);
    assert_string_equal(with.columns[2], "owner_id");

    assert_int_equal(deploy(f, &c, 1), 2); /* enrich() and the capture */
    struct plan *again = plan_for(f, &c, 1);
    assert_int_equal(again->n_changes, 0);
    (void)again;
}

/* As a deployment does it: check with what features need, then add. */
static void
deploy_rules(struct fixture *f)
{
    static const char *bare[] = {"id", "name"};
    struct capture c = projects;
    struct enrichment *rules;
    struct object *wanted, *found;
    struct plan *plan;
    const char *epoch;
    size_t n, n_wanted, n_found;
    static const struct deploy_settings settings = {.notify_on = true,
                                                    .bell_ms = 100};

    c.columns = bare;
    c.n_columns = 2;
    assert_ok(enrich_rules(f->t, f->a, &rules, &n, &f->err), &f->err);
    assert_ok(enrich_check(f->c, rules, n, &c, 1, &f->err), &f->err);
    assert_ok(enrich_captures(f->a, rules, n, &c, 1, &f->err), &f->err);
    const struct deploy_for in = {.catalog = f->c,
                                  .captures = &c,
                                  .n_captures = 1,
                                  .rules = rules,
                                  .n_rules = n,
                                  .server_version = target_version(f->t)};
    assert_ok(deploy_wanted(f->a, &in, &wanted, &n_wanted, &f->err), &f->err);
    assert_ok(deploy_found(f->t, f->a, &found, &n_found, &f->err), &f->err);
    assert_ok(plan_diff(f->a, wanted, n_wanted, found, n_found, &plan, &f->err),
              &f->err);
    assert_ok(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
              &f->err);
}

static void
test_failing_rule_loses_its_context_only(void **state)
{
    struct fixture *f = *state;

    world(f);
    rule(f, "public.projects.insert", "owner",
         "{\"from\":\"public.profiles\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"name\":\"full_name\",\"plan\":\"plan\","
         "\"score\":\"score\"}}",
         true);
    rule(f, "public.projects.insert", "account",
         "{\"from\":\"auth.users\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"email\":\"email\"}}",
         false);
    deploy_rules(f);
    insert_project(f);
    const struct json *j = drained(f);
    assert_string_equal(text_at(f, j, "name"), "Engine");
    assert_string_equal(text_at(f, j, "owner.name"), "Ada");
    assert_string_equal(text_at(f, j, "owner.plan"), "pro");
    assert_string_equal(json_text(f->a, json_at(j, "owner.score")), "2.50");
    assert_string_equal(text_at(f, j, "account.email"), "ada@example.com");
    assert_null(json_get(j, "owner_id"));

    sql(f->admin, "alter table public.profiles drop column full_name");
    j = drained(f);
    assert_null(json_get(j, "owner"));
    assert_string_equal(text_at(f, j, "account.email"), "ada@example.com");
    assert_null(json_get(j, "owner_id"));

    /* No row to join with: no member. */
    sql(f->admin, "delete from public.projects");
    sql(f->admin, "delete from public.profiles");
    sql(f->admin, "delete from auth.users");
    j = drained(f);
    assert_null(json_get(j, "account"));

    /* The function is gone: the event still comes, stripped by the list. */
    rule(f, "public.projects.insert", "owner", "{\"strip\":[\"owner_id\"]}",
         false);
    sql(f->user, "drop function skene_growth.enrich(text, jsonb)");
    j = drained(f);
    assert_string_equal(text_at(f, j, "name"), "Engine");
    assert_null(json_get(j, "owner_id"));
    sql(f->user, "drop table skene_growth.enrichment_map");
    assert_non_null(json_get(drained(f), "owner_id"));
}

static void
test_locked_table_does_not_hold_up_events(void **state)
{
    struct fixture *f = *state;
    struct target_config config = {.conninfo = f->conninfo,
                                   .statement_timeout_ms = 300};

    world(f);
    rule(f, "public.projects.insert", "account",
         "{\"from\":\"public.profiles\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"name\":\"full_name\"}}",
         false);
    deploy_rules(f);
    insert_project(f);
    sql(f->admin, "begin; lock table public.profiles");
    target_close(f->t);
    assert_ok(target_open(&config, &f->t, &f->err), &f->err);
    assert_null(json_get(drained(f), "account"));
    sql(f->admin, "rollback");
    assert_non_null(json_get(drained(f), "account"));
}

static void
test_old_values_are_stripped_too(void **state)
{
    struct fixture *f = *state;

    world(f);
    rule(f, "public.projects.update", "x", "{\"strip\":[\"settings\"]}", false);
    assert_string_equal(
        cell(f, f->user,
             "select skene_growth.strip('public.projects.update',"
             " '{\"id\":1,\"settings\":{},\"_old\":{\"id\":1,\"settings\":2}}')"
             "::text"),
        "{\"id\": 1, \"_old\": {\"id\": 1}}");
    assert_string_equal(cell(f, f->user,
                             "select skene_growth.strip('public.x.insert',"
                             " '{\"settings\":1}')::text"),
                        "{\"settings\": 1}");
}

static void
test_refusals(void **state)
{
    static const struct {
        const char *event, *key, *rule, *says;
    } cases[] = {
        {"public.projects", "x", "{\"strip\":[\"name\"]}", "trigger_event"},
        {"public.nope.insert", "x", "{\"strip\":[\"name\"]}", "public.nope"},
        {"public.projects.insert", "x", "{\"form\":\"y\"}", "\"form\""},
        {"public.projects.insert", "x", "{}", "joins"},
        {"public.projects.insert", "x", "{\"strip\":[\"nope\"]}", "\"nope\""},
        {"public.projects.insert", "x", "{\"strip\":[7]}", "no name"},
        {"public.projects.insert", "x", "{\"from\":\"public.profiles\"}",
         "\"on\""},
        {"public.projects.insert", "x",
         "{\"from\":\"public.nope\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"a\":\"b\"}}",
         "public.nope"},
        {"public.projects.insert", "x",
         "{\"from\":\"auth.users\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"a\":\"encrypted_password\"}}",
         "never leaves"},
        {"public.projects.insert", "name",
         "{\"from\":\"auth.users\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"a\":\"email\"}}",
         "taken"},
        {"public.projects.insert", "_old",
         "{\"from\":\"auth.users\",\"on\":{\"id\":\"owner_id\"},"
         "\"select\":{\"a\":\"email\"}}",
         "taken"},
    };
    struct fixture *f = *state;

    world(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct enrichment *rules;
        size_t n;
        sql(f->user, "delete from skene_growth.enrichment_map");
        rule(f, cases[i].event, cases[i].key, cases[i].rule, false);
        f->err = (struct error){0};
        enum status rc = enrich_rules(f->t, f->a, &rules, &n, &f->err);
        if (rc == OK)
            rc = enrich_check(f->c, rules, n, &projects, 1, &f->err);
        assert_int_equal(rc, E_INVALID);
        if (!strstr(f->err.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].says, f->err.msg);
        assert_non_null(strstr(f->err.hint, "enrichment_map"));
    }
}

/* Names that look like SQL stay names. */
static void
test_hostile_names(void **state)
{
    struct fixture *f = *state;

    world(f);
    sql(f->admin, "create table public.\"x'; drop--\" (\"a\"\"b\" uuid,"
                  " \"c'd\" text); grant select on public.\"x'; drop--\""
                  " to saas_admin; insert into public.\"x'; drop--\" values"
                  " ('" OWNER "', 'ok')");
    introspect_again(f);
    rule(f, "public.projects.insert", "k'k",
         "{\"from\":\"public.x'; drop--\",\"on\":{\"a\\\"b\":\"owner_id\"},"
         "\"select\":{\"v'v\":\"c'd\"}}",
         false);
    deploy_rules(f);
    insert_project(f);
    assert_string_equal(text_at(f, drained(f), "k'k.v'v"), "ok");
}

#define T(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_join_and_strip),
        T(test_failing_rule_loses_its_context_only),
        T(test_locked_table_does_not_hold_up_events),
        T(test_old_values_are_stripped_too),
        T(test_refusals),
        T(test_hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
