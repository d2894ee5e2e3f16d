/* What is captured for a set of features, and the plan to get there. */
#include "saas.h"

#include "core/capture.h"

static const struct feature *
premade(struct arena *a, const char *name)
{
    const char *text =
        template_file(a, arena_printf(a, "features/%s.yaml", name));
    struct feature *f = NULL;
    struct error err = {0};

    if (feature_parse_text(a, text, strlen(text), &f, &err) != OK)
        broken("%s", err.msg);
    return f;
}

static const char *
joined(struct arena *a, const char **list, size_t n)
{
    const char *out = "";

    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%s%s%s", out, i ? " " : "", list[i]);
    return out;
}

static void
premade_features(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *features[] = {premade(a, "welcome-email-drip"),
                                        premade(a, "inactivity-re-engagement"),
                                        premade(a, "heartbeat")};
    struct capture *c = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    if (capture_wanted(a, saas(a), features, 3, &c, &n, &err) != OK)
        broken("%s", err.msg);
    /* A schedule captures nothing; the drip wants to know when its subject is
     * deleted; its exit shares the heartbeat's trigger on tasks. */
    assert_int_equal(n, 3);
    assert_string_equal(c[0].table, "auth.users");
    assert_int_equal(c[0].op, ROW_INSERT);
    assert_string_equal(joined(a, c[0].columns, c[0].n_columns), "email id");
    assert_string_equal(joined(a, c[0].features, c[0].n_features),
                        "welcome-email-drip");
    assert_false(c[0].row_level);
    assert_string_equal(c[1].table, "auth.users");
    assert_int_equal(c[1].op, ROW_DELETE);
    assert_string_equal(c[2].table, "public.tasks");
    assert_string_equal(joined(a, c[2].columns, c[2].n_columns),
                        "creator_id id title");
    assert_string_equal(joined(a, c[2].features, c[2].n_features),
                        "heartbeat welcome-email-drip");
    assert_string_equal(joined(a, c[2].key, c[2].n_key), "id");
}

#define UPDATE(col) \
    "'type':'row','table':'public.tasks','op':'update','column':'" col "'"

static void
updates(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *status =
        feature_of(a, DOC(UPDATE("status"), OWNER, ""));
    const struct feature *title =
        feature_of(a, DOC(UPDATE("title"), OWNER, ""));
    const struct feature *any = feature_of(
        a, DOC("'type':'row','table':'public.tasks','op':'update'", OWNER, ""));
    const struct feature *two[] = {title, status}, *three[] = {title, any};
    struct capture *c = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(capture_wanted(a, saas(a), two, 2, &c, &n, &err), OK);
    assert_int_equal(n, 1);
    assert_true(c[0].row_level);
    assert_string_equal(joined(a, c[0].changed, c[0].n_changed),
                        "status title");
    assert_string_equal(joined(a, c[0].columns, c[0].n_columns),
                        "creator_id id status title");
    assert_int_equal(capture_wanted(a, saas(a), three, 2, &c, &n, &err), OK);
    assert_int_equal(c[0].n_changed, 0);
}

static void
columns_of_counts(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(
        a, DOC(TASKS, OWNER ",'email':'creator_id.id.email'",
               "'exit':[{'table':'public.tasks','link':'project_id','to':"
               "'project_id.id','op':'gte','value':1,'where':[{'path':"
               "'status','op':'eq','value':{'path':'status'}}]}],"));
    struct capture *c = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(capture_wanted(a, saas(a), &f, 1, &c, &n, &err), OK);
    assert_int_equal(n, 1);
    assert_string_equal(joined(a, c[0].columns, c[0].n_columns),
                        "creator_id id project_id status title");
}

static void
no_secrets_and_partitions(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    /* feature_check refuses such a document; a column may still be reached
     * through one that was stored before it was called a secret. */
    const struct feature *f =
        feature_of(a, DOC("'type':'row','table':'public.members','op':'insert'",
                          "'table':'auth.users','id':'user_id'",
                          "'exit':[{'path':'invite_token','op':'is_null'}],"));
    struct capture *c = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(capture_wanted(a, saas(a), &f, 1, &c, &n, &err), OK);
    assert_int_equal(n, 2); /* the exit watches updates too */
    for (size_t i = 0; i < n; i++)
        assert_string_equal(joined(a, c[i].columns, c[i].n_columns),
                            "id user_id");
    assert_true(c[0].row_level); /* partitioned */
    assert_int_equal(c[0].op, ROW_INSERT);
    assert_int_equal(c[1].op, ROW_UPDATE);
}

static void
refuses(void **state)
{
    static const struct {
        const char *text;
        enum status rc;
        const char *message;
    } cases[] = {
        {DOC("'type':'row','table':'public.active_users','op':'insert'",
             "'table':'auth.users','id':'id'", ""),
         E_UNSUPPORTED, "is a view"},
        {DOC("'type':'row','table':'public.gone','op':'insert'",
             "'table':'auth.users','id':'id'", ""),
         E_INVALID, "no table public.gone"},
        {DOC(TASKS, OWNER,
             "'exit':[{'table':'public.nope','link':'x','op':'eq','value':1"
             "}],"),
         E_INVALID, "no table public.nope"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const struct feature *f = feature_of(a, cases[i].text);
        struct capture *c = NULL;
        size_t n = 0;
        struct error err = {0};
        assert_int_equal(capture_wanted(a, saas(a), &f, 1, &c, &n, &err),
                         cases[i].rc);
        if (!strstr(err.msg, cases[i].message) || !strstr(err.msg, "feature k"))
            broken("%s", err.msg);
    }
}

static void
scans(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = premade(a, "inactivity-re-engagement");
    const char **columns = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(scan_columns(a, saas(a), f, &columns, &n, &err), OK);
    assert_string_equal(joined(a, columns, n), "email id last_sign_in_at");
}

static void
nothing_wanted(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct capture *c = NULL;
    size_t n = 1;
    struct error err = {0};

    (void)state;
    assert_int_equal(capture_wanted(a, saas(a), NULL, 0, &c, &n, &err), OK);
    assert_int_equal(n, 0);
}

/* ---- plan ---- */

static const char *keys[] = {"heartbeat"};
static const struct object wanted[] = {
    {.kind = "schema",
     .name = "skene_growth",
     .on = "",
     .digest = "s1",
     .sql = "create schema",
     .rows = -1},
    {.kind = "function",
     .name = "skene_growth.fn_a()",
     .on = "",
     .digest = "f2",
     .sql = "create function",
     .rows = -1},
    {.kind = "trigger",
     .name = "trg_a",
     .on = "public.tasks",
     .digest = "t1",
     .sql = "create trigger",
     .features = keys,
     .n_features = 1,
     .rows = 2000000},
};
static const struct object found[] = {
    {.kind = "schema",
     .name = "skene_growth",
     .on = "",
     .digest = "s1",
     .drop = "drop schema",
     .rows = -1},
    {.kind = "function",
     .name = "skene_growth.fn_a()",
     .on = "",
     .digest = "f1",
     .drop = "drop function a",
     .rows = -1},
    {.kind = "function",
     .name = "skene_growth.fn_old()",
     .on = "",
     .digest = "o",
     .drop = "drop function old",
     .rows = -1},
};

static void
plans(void **state)
{
    static const enum plan_action actions[] = {PLAN_KEEP, PLAN_REPLACE,
                                               PLAN_CREATE, PLAN_REMOVE};
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct plan *p = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(plan_diff(a, wanted, 3, found, 3, &p, &err), OK);
    assert_int_equal(p->n, 4);
    assert_int_equal(p->n_changes, 3);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(p->steps[i].action, actions[i]);
    assert_null(p->steps[0].sql);
    assert_string_equal(p->steps[1].sql, "create function");
    assert_string_equal(p->steps[1].lock, "none");
    assert_string_equal(p->steps[2].lock,
                        "SHARE ROW EXCLUSIVE on public.tasks");
    assert_non_null(strstr(p->steps[2].warning, "2000000 rows"));
    assert_string_equal(p->steps[3].sql, "drop function old");
}

static void
applied_is_empty(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct plan *p = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(plan_diff(a, wanted, 3, wanted, 3, &p, &err), OK);
    assert_int_equal(p->n_changes, 0);
    assert_int_equal(plan_diff(a, NULL, 0, NULL, 0, &p, &err), OK);
    assert_int_equal(p->n, 0);
}

static void
plan_outputs(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF plain = buf_new(65536), sql = buf_new(65536);
    struct plan *p = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(plan_diff(a, wanted, 3, found, 3, &p, &err), OK);
    plan_text(&plain, p, false, false);
    assert_non_null(strstr(plain.data, "+ create  trigger trg_a on "
                                       "public.tasks\n"));
    assert_non_null(strstr(plain.data, "- remove  function "
                                       "skene_growth.fn_old()\n"));
    assert_non_null(strstr(plain.data, "used by: heartbeat\n"));
    assert_non_null(strstr(plain.data, "warning: about 2000000 rows"));
    assert_non_null(strstr(plain.data, "\n3 changes\n"));
    assert_null(strchr(plain.data, '\033'));
    assert_null(strstr(plain.data, "create trigger"));
    plan_text(&sql, p, true, true);
    assert_non_null(strstr(sql.data, "create trigger"));
    assert_non_null(strchr(sql.data, '\033'));

    const struct json *j = plan_to_json(a, p);
    assert_int_equal(json_int(json_get(j, "changes"), -1), 3);
    assert_string_equal(json_str(json_at(j, "steps.2.action"), ""), "create");
    assert_string_equal(json_str(json_at(j, "steps.2.features.0"), ""),
                        "heartbeat");
    assert_true(json_is(json_at(j, "steps.0.sql"), JSON_NULL));
}

#define GUARDED(mode, conditions)                                              \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS            \
    "},'subject':{" OWNER "},'entry':{'mode':'" mode                           \
    "','conditions':[" conditions                                              \
    "]},'machine':{'initial':'s0','states':{'s0':{'transitions':[{'effects':[" \
    "{'type':'track'}],'target':'done'}]},'done':{'final':true}}}}"
#define TITLE(value) "{'path':'title','op':'eq','value':" value "}"

static size_t
whens(struct arena *a, const struct feature *const *features, size_t n)
{
    struct capture *c = NULL;
    size_t n_captures = 0;
    struct error err = {0};

    if (capture_wanted(a, saas(a), features, n, &c, &n_captures, &err) != OK)
        broken("%s", err.msg);
    assert_int_equal(n_captures, 1);
    assert_int_equal(c[0].n_when == 0, c[0].when == NULL);
    return c[0].n_when;
}

/* Every row is captured as soon as one feature may want any. */
static void
conditions_in_the_trigger(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *title = feature_of(a, GUARDED("every", TITLE("'x'")));
    const struct feature *both = feature_of(
        a, GUARDED("once", TITLE("'x'") ",{'path':'creator_id.email',"
                                        "'op':'not_null'}"));
    const struct feature *hop = feature_of(
        a, GUARDED("every", "{'path':'creator_id.email','op':'not_null'}"));
    const struct feature *any = feature_of(
        a,
        GUARDED("every", "{'any':[" TITLE(
                             "'x'") ",{'path':"
                                    "'creator_id.email','op':'not_null'}]}"));
    const struct feature *time =
        feature_of(a, GUARDED("every", TITLE("'2026-01-01'")));
    const struct feature *list[] = {title, both, hop};

    (void)state;
    assert_int_equal(whens(a, &title, 1), 1);
    assert_int_equal(whens(a, &both, 1), 1);
    assert_int_equal(whens(a, list, 2), 2);
    assert_int_equal(whens(a, list, 3), 0);
    assert_int_equal(whens(a, &hop, 1), 0);
    assert_int_equal(whens(a, &any, 1), 0);
    assert_int_equal(whens(a, &time, 1), 0);
    /* More SQL than it is worth. */
    AUTO_BUF many = buf_new(TEST_BYTES);
    for (int i = 0; i < 3000; i++)
        buf_printf(&many, "%s'value number %d'", i ? "," : "", i);
    const char *text =
        GUARDED("every", "{'path':'title','op':'in','value':[%s]}");
    AUTO_BUF doc = buf_new(TEST_BYTES);
    buf_puts(&doc, text);
    char *at = strstr(doc.data, "%s");
    const struct feature *large =
        feature_of(a, arena_printf(a, "%.*s%s%s", (int)(at - doc.data),
                                   doc.data, many.data, at + 2));
    assert_int_equal(whens(a, &large, 1), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(premade_features),
        cmocka_unit_test(updates),
        cmocka_unit_test(columns_of_counts),
        cmocka_unit_test(no_secrets_and_partitions),
        cmocka_unit_test(refuses),
        cmocka_unit_test(scans),
        cmocka_unit_test(nothing_wanted),
        cmocka_unit_test(plans),
        cmocka_unit_test(applied_is_empty),
        cmocka_unit_test(plan_outputs),
        cmocka_unit_test(conditions_in_the_trigger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
