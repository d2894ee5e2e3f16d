#include "saas.h"

static void
parses(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct error err = {0};
    struct path p;

    (void)state;
    assert_int_equal(path_parse(a, "email", &p, &err), OK);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.hops[0].column, "email");
    assert_true(path_is_local(&p));

    assert_int_equal(path_parse(a, "meta->plan", &p, &err), OK);
    assert_string_equal(p.hops[0].json_key, "plan");
    assert_true(path_is_local(&p));

    assert_int_equal(path_parse(a, "creator_id.id.email", &p, &err), OK);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.text, "creator_id.id.email");
    assert_false(path_is_local(&p));

    assert_int_equal(
        path_parse(a, "project_id.members@project_id[role=owner].user_id", &p,
                   &err),
        OK);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.hops[1].column, "members");
    assert_string_equal(p.hops[1].via, "project_id");
    assert_string_equal(p.hops[1].filter_column, "role");
    assert_string_equal(p.hops[1].filter_value, "owner");
    assert_string_equal(p.hops[2].column, "user_id");
}

static void
refuses(void **state)
{
    static const struct {
        const char *text, *in_message;
    } cases[] = {
        {"", "character 1"},         {".a", "character 1"},
        {"a.", "character 3"},       {"a..b", "character 3"},
        {"a b", "character 2"},      {"a->", "character 4"},
        {"a->b->c", "character 5"},  {"a@", "character 3"},
        {"t@fk[role]", ""},          {"t@fk[role=]", ""},
        {"t@fk[role=x", ""},         {"t@fk[role=x]", "must end on a column"},
        {"a\";drop", "character 2"}, {"a.b.c.d.e.f.g.h.i", "over 8 steps"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct error err = {0};
        struct path p;
        assert_int_equal(path_parse(a, cases[i].text, &p, &err), E_INPUT);
        if (!strstr(err.msg, cases[i].in_message))
            broken("%s: %s", cases[i].text, err.msg);
    }
}

static void
parse_needs_memory(void **state)
{
    struct error err = {0};
    struct path p;
    AUTO_ARENA a = arena_new(8);

    (void)state;
    assert_int_not_equal(path_parse(a, "creator_id.id.email", &p, &err), OK);
}

static struct path
path_of(struct arena *a, const char *text)
{
    struct error err = {0};
    struct path p;

    assert_int_equal(path_parse(a, text, &p, &err), OK);
    return p;
}

static void
resolves(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct catalog *c = saas(a);
    const struct table *tasks = catalog_table(c, "public.tasks");
    struct path p = path_of(a, "creator_id.id.email");
    struct path_resolved r;
    struct error err = {0};

    (void)state;
    assert_int_equal(path_resolve(c, tasks, &p, &r, &err), OK);
    assert_int_equal(r.n_joins, 2);
    assert_string_equal(r.joins[0].from_column, "creator_id");
    assert_string_equal(r.joins[0].to->full, "public.profiles");
    assert_string_equal(r.joins[1].to->full, "auth.users");
    assert_string_equal(r.joins[1].to_column, "id");
    assert_string_equal(r.table->full, "auth.users");
    assert_string_equal(r.column->name, "email");

    p = path_of(a, "creator_id");
    assert_int_equal(path_resolve(c, tasks, &p, &r, &err), OK);
    assert_int_equal(r.n_joins, 0);
    assert_string_equal(r.column->name, "creator_id");

    p = path_of(a, "project_id.members@project_id[role=owner].user_id");
    assert_int_equal(path_resolve(c, tasks, &p, &r, &err), OK);
    assert_int_equal(r.n_joins, 2);
    assert_string_equal(r.joins[1].from_column, "id");
    assert_string_equal(r.joins[1].to_column, "project_id");
    assert_string_equal(r.joins[1].filter_column, "role");
    assert_string_equal(r.table->full, "public.members");

    p = path_of(a, "creator_id.id.raw_user_meta_data->plan");
    assert_int_equal(path_resolve(c, tasks, &p, &r, &err), OK);
    assert_string_equal(r.json_key, "plan");
}

static void
unresolved(void **state)
{
    static const struct {
        const char *path, *message, *hint;
    } cases[] = {
        {"creater_id", "no column 'creater_id'", "creator_id"},
        {"creator_id.ful_name", "public.profiles has no column", "full_name"},
        {"title.email", "does not lead to another table", ""},
        {"title->plan", "not JSON", ""},
        {"member@task_id.role", "no table public.member", "public.members"},
        {"members@task_id.role", "no column 'task_id'", ""},
        {"members@user_id[rol=x].id", "no column 'rol'", "role"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const struct catalog *c = saas(a);
        struct path p = path_of(a, cases[i].path);
        struct path_resolved r;
        struct error err = {0};
        assert_int_equal(
            path_resolve(c, catalog_table(c, "public.tasks"), &p, &r, &err),
            E_INVALID);
        if (!strstr(err.msg, cases[i].message) ||
            !strstr(err.hint, cases[i].hint))
            broken("%s: %s (%s)", cases[i].path, err.msg, err.hint);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(parse_needs_memory),
        cmocka_unit_test(resolves),
        cmocka_unit_test(unresolved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
