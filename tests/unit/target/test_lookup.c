#include "fixture.h"

#include <stdio.h>

#include "codec/time.h"
#include "core/facts.h"
#include "target/lookup.h"

#define U1 "00000000-0000-0000-0000-000000000001"
#define U2 "00000000-0000-0000-0000-000000000002"
#define U9 "00000000-0000-0000-0000-000000000009"

static const char rows_sql[] =
    "insert into auth.users (id, email, last_sign_in_at) values ('" U1
    "', 'a@x.y', '2026-01-02 03:04:05.678901+02'), ('" U2 "', 'b@x.y', null);"
    "insert into profiles (id, full_name, meta, plan, score, logins, active,"
    " tags) values ('" U1 "', 'Ada', '{\"tier\": {\"n\": 3}, \"s\": \"gold\"}',"
    " 'pro', 12345678901234567890.10, 7, true, '{x,y}'), ('" U2
    "', 'Bob', null, 'free', 1.5, 0, false, null);"
    "insert into projects (owner_id, name, settings, created_at) values"
    " ('" U1 "', 'one', '{}', '2026-01-01'), ('" U1
    "', 'two', '{\"bad\": \"\\u0000\"}', '2026-01-05'),"
    " ('" U2 "', 'three', null, '2026-01-10'),"
    " (null, 'stray', null, '2026-01-10');"
    "insert into members values (1, 1, 'viewer', 1, '" U2
    "'), (1, 2, 'owner', 1, '" U1 "'), (2, 1, 'owner', 1, '" U2
    "'), (3, 1, 'owner', 3, '" U2 "');";

static int
setup(void **state)
{
    int rc = fixture_setup(state);
    struct fixture *f = *state;

    sql(f->admin, rows_sql);
    return rc;
}

static const char *
want_path(struct fixture *f, struct facts *facts, const char *table,
          const char *key, const char *path_text)
{
    struct path *path = arena_alloc(f->a, sizeof(*path));
    const char *name =
        arena_printf(f->a, "path|%s|%s|%s", table, key, path_text);

    assert_ok(path_parse(f->a, path_text, path, &f->err), &f->err);
    struct fact_need need = {.kind = FACT_PATH,
                             .key = name,
                             .table = table,
                             .row_key = key,
                             .path = path};
    assert_ok(facts_want(facts, &need, &f->err), &f->err);
    return name;
}

static void
test_paths(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *table, *key, *path, *json;
    } cases[] = {
        {"auth.users", U1, "email", "\"a@x.y\""},
        {"auth.users", U2, "email", "\"b@x.y\""},
        {"auth.users", U1, "last_sign_in_at",
         "\"2026-01-02T01:04:05.678901+00:00\""},
        {"auth.users", U2, "last_sign_in_at", "null"},
        {"auth.users", U9, "email", "null"},
        {"auth.users", "not a uuid", "email", "null"},
        {"public.profiles", U1, "score", "12345678901234567890.10"},
        {"public.profiles", U1, "logins", "7"},
        {"public.profiles", U1, "active", "true"},
        {"public.profiles", U2, "active", "false"},
        {"public.profiles", U1, "plan", "\"pro\""},
        {"public.profiles", U1, "tags", "\"{x,y}\""},
        {"public.profiles", U1, "meta->s", "\"gold\""},
        {"public.profiles", U1, "meta->tier", "{\"n\":3}"},
        {"public.profiles", U1, "meta->none", "null"},
        {"public.profiles", U2, "meta->s", "null"},
        {"public.profiles", U1, "id.email", "\"a@x.y\""},
        {"public.projects", "1", "owner_id.full_name", "\"Ada\""},
        {"public.projects", "1", "owner_id.id.email", "\"a@x.y\""},
        {"public.projects", "3", "owner_id.id.email", "\"b@x.y\""},
        {"public.projects", "4", "owner_id.id.email", "null"},
        {"public.projects", "99", "owner_id.id.email", "null"},
        {"public.projects", "2", "settings", "null"},
        {"public.members", "[1, 2]", "role", "\"owner\""},
        {"public.members", "[2, 1]", "role", "\"owner\""},
        {"public.members", "[1, 1]", "project_id.owner_id.id.email",
         "\"a@x.y\""},
        {"public.members", "[3, 1]", "project_id.owner_id.id.email",
         "\"b@x.y\""},
        {"public.projects", "1", "members@project_id[role=owner].person", "2"},
        {"public.projects", "1", "members@project_id[role=viewer].user_id",
         "\"" U2 "\""},
        {"public.projects", "1", "members@project_id.role", "\"viewer\""},
        {"public.projects", "2", "members@project_id[role=owner].person",
         "null"},
    };
    enum { N = sizeof(cases) / sizeof(cases[0]) };
    const char *names[N];
    struct facts *facts = facts_new(f->a);

    for (size_t i = 0; i < N; i++)
        names[i] =
            want_path(f, facts, cases[i].table, cases[i].key, cases[i].path);
    assert_ok(lookup_facts(f->t, f->a, f->c, facts, &f->err), &f->err);
    for (size_t i = 0; i < N; i++) {
        const struct json *v = facts_get(facts, names[i]);
        if (!v || strcmp(json_text(f->a, v), cases[i].json) != 0)
            fail_msg("%s: %s instead of %s", names[i],
                     v ? json_text(f->a, v) : "nothing", cases[i].json);
    }
}

/* More needs than one query takes; all are answered, each by its own row. */
static void
test_more_than_a_batch(void **state)
{
    struct fixture *f = *state;
    struct facts *facts = facts_new(f->a);

    sql(f->admin, "insert into auth.users (id) select ('00000000-0000-0000-"
                  "0001-' || lpad(i::text, 12, '0'))::uuid from"
                  " generate_series(1, 1500) i");
    for (int i = 1; i <= 1500; i++) {
        const char *key =
            arena_printf(f->a, "00000000-0000-0000-0001-%012d", i);
        (void)want_path(f, facts, "auth.users", key, "id");
    }
    assert_ok(lookup_facts(f->t, f->a, f->c, facts, &f->err), &f->err);
    const struct fact_need *const *wanted;
    size_t n = facts_wanted(facts, &wanted);
    assert_int_equal(n, 1500);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(json_str(facts_get(facts, wanted[i]->key), ""),
                            wanted[i]->row_key);
}

struct count_case {
    const char *table, *link_path, *link, *where;
    const char *since, *until;
    int64_t n;
};

static const char *
want_count(struct fixture *f, struct facts *facts, const struct count_case *c,
           int i)
{
    struct path *path = arena_alloc(f->a, sizeof(*path));
    struct json *where = NULL;
    const char *text = c->where ? c->where : "[]";
    struct fact_need need = {.kind = FACT_COUNT,
                             .key = arena_printf(f->a, "count|%d", i),
                             .table = c->table,
                             .path = path,
                             .link_value = c->link};

    assert_ok(path_parse(f->a, c->link_path, path, &f->err), &f->err);
    assert_ok(json_parse(f->a, text, strlen(text), 10000, &where, &f->err),
              &f->err);
    need.where = where;
    if (c->since)
        assert_ok(
            iso_parse(c->since, strlen(c->since), &need.since_us, &f->err),
            &f->err);
    if (c->until)
        assert_ok(
            iso_parse(c->until, strlen(c->until), &need.until_us, &f->err),
            &f->err);
    assert_ok(facts_want(facts, &need, &f->err), &f->err);
    return need.key;
}

#define WHERE(path, op, value) \
    "[{\"path\":\"" path "\",\"op\":\"" op "\",\"value\":" value "}]"
#define PROJECTS "public.projects", "owner_id", U1
static const struct count_case counts[] = {
    {PROJECTS, NULL, NULL, NULL, 2},
    {"public.projects", "owner_id", U2, NULL, NULL, NULL, 1},
    {"public.projects", "owner_id", U9, NULL, NULL, NULL, 0},
    {"public.projects", "owner_id", "not a uuid", NULL, NULL, NULL, 0},
    {"public.projects", "owner_id.id", U1, NULL, NULL, NULL, 2},
    {PROJECTS, NULL, "2026-01-05", NULL, 1},
    {PROJECTS, NULL, "2026-01-05T00:00:00.000001Z", NULL, 0},
    {PROJECTS, NULL, NULL, "2026-01-05", 2},
    {PROJECTS, NULL, NULL, "2026-01-04T23:59:59.999999Z", 1},
    {PROJECTS, NULL, "2026-01-02", "2026-01-06", 1},
    {PROJECTS, WHERE("name", "eq", "\"one\""), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "eq", "\"o'ne; --\""), NULL, NULL, 0},
    {PROJECTS, WHERE("name", "neq", "\"one\""), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "in", "[\"one\",\"two\",null]"), NULL, NULL, 2},
    {PROJECTS, WHERE("name", "not_in", "[\"one\"]"), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "contains", "\"w\""), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "starts_with", "\"on\""), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "ends_with", "\"e\""), NULL, NULL, 1},
    {PROJECTS, WHERE("name", "contains", "\"%\""), NULL, NULL, 0},
    {PROJECTS, WHERE("owner_id.plan", "eq", "\"pro\""), NULL, NULL, 2},
    {PROJECTS, WHERE("owner_id.logins", "gt", "6"), NULL, NULL, 2},
    {PROJECTS, WHERE("owner_id.logins", "gt", "7"), NULL, NULL, 0},
    {PROJECTS, WHERE("owner_id.logins", "lte", "7"), NULL, NULL, 2},
    {PROJECTS, WHERE("owner_id.active", "eq", "true"), NULL, NULL, 2},
    {PROJECTS, WHERE("owner_id.meta->s", "eq", "\"gold\""), NULL, NULL, 2},
    {PROJECTS, WHERE("owner_id.meta->s", "contains", "\"old\""), NULL, NULL, 2},
    {PROJECTS, "[{\"path\":\"settings\",\"op\":\"is_null\"}]", NULL, NULL, 0},
    {PROJECTS, "[{\"path\":\"settings\",\"op\":\"not_null\"}]", NULL, NULL, 2},
    {PROJECTS, WHERE("created_at", "older_than", "\"P1D\""), NULL, NULL, 2},
    {PROJECTS, WHERE("created_at", "older_than", "\"P3D\""), NULL, "2026-01-06",
     1},
    {PROJECTS, WHERE("created_at", "newer_than", "\"P3D\""), NULL, "2026-01-06",
     1},
    {PROJECTS, WHERE("created_at", "due_ago", "\"P1D\""), NULL,
     "2026-01-06T12:00:00Z", 1},
    {"public.members", "project_id", "1", WHERE("role", "eq", "\"owner\""),
     NULL, NULL, 2},
    {"public.members", "project_id", "1", NULL, NULL, "2020-01-01", 3},
};

static void
test_counts(void **state)
{
    struct fixture *f = *state;
    enum { N = sizeof(counts) / sizeof(counts[0]) };
    const char *names[N];
    struct facts *facts = facts_new(f->a);

    for (int i = 0; i < N; i++)
        names[i] = want_count(f, facts, &counts[i], i);
    assert_ok(lookup_facts(f->t, f->a, f->c, facts, &f->err), &f->err);
    for (int i = 0; i < N; i++) {
        int64_t got = json_int(facts_get(facts, names[i]), -1);
        if (got != counts[i].n)
            fail_msg("case %d (%s): %lld instead of %lld", i,
                     counts[i].where ? counts[i].where : "-", (long long)got,
                     (long long)counts[i].n);
    }
}

static void
test_failures(void **state)
{
    struct fixture *f = *state;
    static const struct count_case windowed = {
        "public.members", "project_id", "1", NULL, "2026-01-01", NULL, 0};
    struct facts *facts = facts_new(f->a);

    (void)want_path(f, facts, "auth.users", U1, "email");
    (void)want_count(f, facts, &windowed, 0);
    assert_int_equal(lookup_facts(f->t, f->a, f->c, facts, &f->err), E_INVALID);
    assert_non_null(strstr(f->err.msg, "public.members"));
    assert_non_null(facts_get(facts, "path|auth.users|" U1 "|email"));
    facts = facts_new(f->a);
    (void)want_path(f, facts, "public.nope", U1, "email");
    assert_int_equal(lookup_facts(f->t, f->a, f->c, facts, &f->err), E_INVALID);
    facts = facts_new(f->a);
    (void)want_path(f, facts, "public.projects", "1", "name");
    sql(f->user, "alter table projects drop column name");
    assert_int_equal(lookup_facts(f->t, f->a, f->c, facts, &f->err), E_DB);
    assert_string_equal(f->err.sqlstate, "42703");
    assert_non_null(strstr(f->err.msg, "public.projects"));
}

static void
test_read_only_suffices(void **state)
{
    struct fixture *f = *state;
    struct target_config config = {.conninfo = f->conninfo, .read_only = true};
    struct facts *facts = facts_new(f->a);
    struct target *t;

    assert_ok(target_open(&config, &t, &f->err), &f->err);
    const char *name = want_path(f, facts, "auth.users", U1, "email");
    assert_ok(lookup_facts(t, f->a, f->c, facts, &f->err), &f->err);
    assert_string_equal(json_str(facts_get(facts, name), ""), "a@x.y");
    target_close(t);
}

static void
test_scan(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"id", "name"};
    const char *after = NULL;
    struct scanned_row *rows;
    size_t n, total = 0;
    int64_t last = 0;

    sql(f->admin, "insert into projects (name) select 'p' || i from"
                  " generate_series(5, 57) i");
    do {
        assert_ok(lookup_scan(f->t, f->a, f->c, "public.projects", columns, 2,
                              after, 10, &rows, &n, &f->err),
                  &f->err);
        for (size_t i = 0; i < n; i++) {
            int64_t id = json_int(json_get(rows[i].record, "id"), 0);
            assert_true(id > last);
            last = id;
            after = rows[i].key;
            assert_non_null(json_get_str(rows[i].record, "name", NULL));
        }
        total += n;
    } while (n == 10);
    assert_int_equal(total, 57);
}

static void
test_scan_of_a_composite_key(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"role"};
    const char *after = NULL;
    struct scanned_row *rows;
    char seen[128] = "";
    size_t n;

    do {
        assert_ok(lookup_scan(f->t, f->a, f->c, "public.members", columns, 1,
                              after, 1, &rows, &n, &f->err),
                  &f->err);
        if (n == 1) {
            after = rows[0].key;
            strncat(seen, after, sizeof(seen) - strlen(seen) - 1);
        }
    } while (n == 1);
    assert_string_equal(seen, "[1, 1][1, 2][2, 1][3, 1]");
}

static void
test_scan_refusals(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *table, *column, *after;
        enum status code;
    } cases[] = {
        {"public.notes", "body", NULL, E_UNSUPPORTED},
        {"public.nope", "body", NULL, E_INVALID},
        {"public.projects", "nope", NULL, E_INVALID},
        {"auth.users", "encrypted_password", NULL, E_FORBIDDEN},
        {"public.members", "role", "[1]", E_INPUT},
        {"public.members", "role", "1", E_INPUT},
        {"public.projects", "name", "x", E_DB},
    };
    struct scanned_row *rows;
    size_t n;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum status rc =
            lookup_scan(f->t, f->a, f->c, cases[i].table, &cases[i].column, 1,
                        cases[i].after, 10, &rows, &n, &f->err);
        if (rc != cases[i].code)
            fail_msg("case %zu: %s %s", i, status_name(rc), f->err.msg);
        assert_non_null(strstr(f->err.msg, cases[i].table));
    }
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_paths),
        T(test_more_than_a_batch),
        T(test_counts),
        T(test_failures),
        T(test_read_only_suffices),
        T(test_scan),
        T(test_scan_of_a_composite_key),
        T(test_scan_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
