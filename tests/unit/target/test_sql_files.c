/*
 * SQL files read by us and by PostgreSQL must make the same catalogue; so must
 * the dump that pg_dump makes of it.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "target/sql_files.h"

extern char **environ;

enum { ARENA_BYTES = 256 * 1024 * 1024, PATHS_MAX = 4 };

/* Set by meson: the root of the sources. */
static const char *
source(struct arena *a, const char *path)
{
    const char *root = getenv("SKENE_SOURCE"); /* NOLINT: one thread */

    assert_non_null(root);
    return arena_printf(a, "%s/%s", root, path);
}

static void
run(const char *const *argv)
{
    pid_t pid;
    int status = 0;

    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL,
                                  (char *const *)(uintptr_t)argv, environ),
                     0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s failed on %s", argv[0], argv[7]);
}

static void
strip(struct json *j, const char *member)
{
    for (uint32_t i = 0; i < j->n; i++)
        if (strcmp(j->members[i].key, member) == 0) {
            memmove(&j->members[i], &j->members[i + 1],
                    (j->n - i - 1) * sizeof(j->members[0]));
            j->n--;
            return;
        }
}

/* Without what only a live database knows, and without our remarks. */
static struct json *
comparable(struct arena *a, const struct catalog *c)
{
    struct json *j = catalog_to_json(a, c), *tables = json_get(j, "tables");

    strip(j, "notes");
    for (uint32_t i = 0; i < tables->n; i++) {
        strip(tables->items[i], "rows");
        strip(tables->items[i], "owner");
        strip(tables->items[i], "rights");
    }
    return j;
}

static const char *
item_text(struct arena *a, const struct json *list, uint32_t i)
{
    return json_is(list, JSON_ARRAY) && i < list->n
               ? json_text(a, list->items[i])
               : "(none)";
}

static void
compare_lists(struct arena *a, const char *what, const struct json *ours,
              const struct json *theirs)
{
    uint32_t n = ours->n > theirs->n ? ours->n : theirs->n;

    for (uint32_t i = 0; i < n; i++) {
        const char *x = item_text(a, ours, i), *y = item_text(a, theirs, i);
        if (strcmp(x, y) != 0)
            print_error("%s\n  ours:   %s\n  theirs: %s\n", what, x, y);
    }
}

static void
assert_same(struct arena *a, const struct catalog *ours,
            const struct catalog *theirs)
{
    const struct json *x = comparable(a, ours), *y = comparable(a, theirs);
    const struct json *xt = json_get(x, "tables"), *yt = json_get(y, "tables");

    for (size_t i = 0; i < ours->n_tables && i < theirs->n_tables; i++) {
        const struct table *t = &ours->tables[i], *u = &theirs->tables[i];
        for (size_t k = 0; k < t->n_columns && k < u->n_columns; k++)
            if (t->columns[k].type != u->columns[k].type)
                fail_msg("%s.%s is of kind %d, should be %d", t->full,
                         t->columns[k].name, (int)t->columns[k].type,
                         (int)u->columns[k].type);
    }
    if (json_equal(x, y))
        return;
    for (uint32_t i = 0; i < xt->n && i < yt->n; i++) {
        compare_lists(a, ours->tables[i].full,
                      json_get(xt->items[i], "columns"),
                      json_get(yt->items[i], "columns"));
        strip(xt->items[i], "columns");
        strip(yt->items[i], "columns");
    }
    compare_lists(a, "tables", xt, yt);
    print_error("extensions: %s, %s\n", json_text(a, json_get(x, "extensions")),
                json_text(a, json_get(y, "extensions")));
    for (size_t i = 0; ours->notes && ours->notes[i]; i++)
        print_error("note: %s\n", ours->notes[i]);
    fail_msg("the catalogues differ");
}

static void
load(const char *url, const char *path)
{
    const char *argv[] = {
        "psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1",
        "-f",   path, "-d", url,  NULL};

    run(argv);
}

static void
dump(const char *url, const char *path)
{
    const char *argv[] = {
        "pg_dump",       "--no-owner",           "-f", path, "-d", url,
        "--no-comments", "--no-security-labels", NULL};

    run(argv);
}

struct files {
    const char *name;
    const char *paths[PATHS_MAX];  /* given to us */
    const char *loaded[PATHS_MAX]; /* given to psql, one file at a time */
};

#define HERE "tests/unit/target/sql/"

static const struct files corpora[] = {
    {"demo", {"demo/schema.sql"}, {"demo/schema.sql"}},
    {"types", {HERE "types.sql"}, {HERE "types.sql"}},
    {"changes", {HERE "changes.sql"}, {HERE "changes.sql"}},
    {"prisma", {HERE "prisma.sql"}, {HERE "prisma.sql"}},
    {"supabase",
     {HERE "supabase"},
     {HERE "supabase/00000000000000_platform.sql",
      HERE "supabase/20240101093000_init.sql",
      HERE "supabase/20240215101500_billing.sql",
      HERE "supabase/20240301120000_changes.sql"}},
};

static const struct catalog *
live(struct arena *a, const char *url)
{
    struct target_config config = {.conninfo = url};
    struct target *t = NULL;
    struct catalog *c = NULL;
    struct error err = {0};

    assert_ok(target_open(&config, &t, &err), &err);
    assert_ok(introspect(t, a, false, &c, &err), &err);
    target_close(t);
    return c;
}

static void
new_database(const char *name, char *url, size_t n)
{
    char text[128];

    url_of(url, n, "postgres", "postgres");
    PGconn *root = session(url);
    (void)snprintf(text, sizeof(text), "create database sql_%s", name);
    sql(root, text);
    PQfinish(root);
    (void)snprintf(text, sizeof(text), "sql_%s", name);
    url_of(url, n, "postgres", text);
}

static void
check(const struct files *f)
{
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    char url[256], path[] = "/tmp/skene-dump-XXXXXX";
    const char *paths[PATHS_MAX];
    struct catalog *ours = NULL;
    struct error err = {0};
    size_t n = 0;

    new_database(f->name, url, sizeof(url));
    for (size_t i = 0; i < PATHS_MAX && f->loaded[i]; i++)
        load(url, source(a, f->loaded[i]));
    const struct catalog *theirs = live(a, url);
    assert_true(theirs->n_tables >= 2);
    for (; n < PATHS_MAX && f->paths[n]; n++)
        paths[n] = source(a, f->paths[n]);
    assert_ok(catalog_from_sql(a, paths, n, &ours, &err), &err);
    assert_same(a, ours, theirs);

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    dump(url, path);
    const char *dumped[] = {path};
    enum status rc = catalog_from_sql(a, dumped, 1, &ours, &err);
    (void)unlink(path);
    assert_ok(rc, &err);
    print_message("%s: the dump\n", f->name);
    assert_same(a, ours, theirs);
}

static void
test_demo(void **state)
{
    (void)state;
    check(&corpora[0]);
}

static void
test_types(void **state)
{
    (void)state;
    check(&corpora[1]);
}

static void
test_changes(void **state)
{
    (void)state;
    check(&corpora[2]);
}

static void
test_prisma(void **state)
{
    (void)state;
    check(&corpora[3]);
}

static void
test_supabase(void **state)
{
    (void)state;
    check(&corpora[4]);
}

/* Reads text as one file; answers its status. */
static enum status
read_text(struct arena *a, const char *text, struct catalog **out,
          struct error *err)
{
    char path[] = "/tmp/skene-sql-XXXXXX";
    const char *paths[] = {path};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    *err = (struct error){0};
    enum status rc = catalog_from_sql(a, paths, 1, out, err);
    (void)unlink(path);
    return rc;
}

static void
test_errors_say_where(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"create table a (id int);\n\ncreate table b (\n id int,\n);\n",
         ":5: syntax error at or near \")\""},
        {"\\set é\n-- é\ncreate type é as enum ('é';", ":3: syntax error"},
        {"create table a ();\n/* x\n /* y */ */ create table a ();",
         ":3: public.a exists already"},
        {"create type t as enum ();\ncreate type t as enum ();",
         ":2: type public.t exists already"},
        {"create table a (id int);\nalter table a drop column x;",
         ":2: public.a has no column x"},
        {"create table a (id int, id text);", ":1: public.a has a column id"},
        {"create table a (primary key (x));", "has no column x"},
        {"create table a (foreign key (x) references b);", "has no column x"},
        {"create type t as enum ('a');\nalter type t add value 'a';",
         ":2: public.t has the value 'a' already"},
        {"create type t as enum ();\nalter type t add value 'a' before 'b';",
         ":2: public.t has no value 'b'"},
        {"create table p partition of q default;",
         "public.p is a partition of q, which does not exist"},
        {"create table a (i int) partition by list (i);\n"
         "alter table a attach partition a default;",
         ":2: public.a would be a partition of itself"},
        {"set search_path = '';\ncreate table a ();",
         ":2: no schema to create a in"},
        {"select 1;\ncreate table a (id int;\ncreate table b ();",
         ":2: syntax error at or near \";\""},
        {"select 1;\ncreate policy p on t using (true;\ncreate table b ();",
         ":2: syntax error at or near \";\""},
        {"create table a ();\ncreate policy p on t using (true",
         ":2: syntax error at end of input"},
        {"create function f() returns int as $$ never ends",
         "unterminated dollar-quoted string"},
    };
    struct catalog *c = NULL;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(ARENA_BYTES);
        assert_int_equal(read_text(a, cases[i].text, &c, &err), E_INPUT);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.msg);
    }
}

static void
test_files_that_cannot_be_read(void **state)
{
    static const struct {
        const char *path;
        enum status rc;
    } cases[] = {{"/nonexistent/x.sql", E_NOTFOUND},
                 {"/dev/null", E_INPUT},
                 {"/proc/self/ns", E_INPUT}};
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    struct catalog *c = NULL;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        err = (struct error){0};
        assert_int_equal(catalog_from_sql(a, &cases[i].path, 1, &c, &err),
                         cases[i].rc);
        assert_non_null(strstr(err.msg, cases[i].path));
    }
    AUTO_ARENA small = arena_new(64);
    assert_int_equal(read_text(small, "create table a (id int);", &c, &err),
                     E_NOMEM);
}

static bool
noted(const struct catalog *c, const char *text)
{
    for (size_t i = 0; c->notes && c->notes[i]; i++)
        if (strstr(c->notes[i], text))
            return true;
    return false;
}

static void
test_what_is_not_followed_is_noted(void **state)
{
    static const char text[] =
        "create table a (like b including all, x int);\n"
        "create table c (y int) inherits (a);\n"
        "create table d of some_type;\n"
        "create table e (u uuid references auth.users, z unheard_of);\n"
        "create table f (n int default case when true then 1 end);\n"
        "create view g as select count(*) from a;\n"
        "alter table nobody add column x int;\n"
        "merge into a using b on true when matched then delete returning *;\n"
        "select 1 from json_table('[]', '$' columns (a int));\n";
    static const char *const notes[] = {
        ":1: public.a: LIKE is not followed",
        ":2: public.c: INHERITS",
        ":3: public.d: OF is not followed",
        ":4: public.e refers to auth.users, which these files do not make",
        ":4: type unheard_of is not made",
        ":5: an expression is left out",
        ":6: public.g: the columns of its query",
        ":7: ALTER TABLE nobody: not made",
        ":8: passed over: syntax error"};
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    struct catalog *c = NULL, *again = NULL;
    struct error err;

    (void)state;
    assert_ok(read_text(a, text, &c, &err), &err);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        if (!noted(c, notes[i]))
            fail_msg("no note '%s'", notes[i]);
    const struct foreign_key *fk = table_fk(catalog_table(c, "public.e"), "u");
    assert_string_equal(fk->table, "auth.users");
    assert_string_equal(fk->key, "id");
    assert_int_equal(catalog_table(c, "public.g")->n_columns, 0);
    assert_ok(catalog_from_json(a, catalog_to_json(a, c), &again, &err), &err);
    assert_true(noted(again, ":3: public.d"));
}

/* Deeper than our JSON reader goes, in what we read and what we do not. */
static void
test_deep_expressions(void **state)
{
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    AUTO_BUF b = buf_new(1024 * 1024);
    struct catalog *c = NULL;
    struct error err;

    (void)state;
    buf_puts(&b, "create table a (id int primary key, t text default 'x'");
    for (int i = 0; i < 400; i++)
        buf_puts(&b, " || 'y'");
    buf_puts(&b, ", z int);\nselect 'x'");
    for (int i = 0; i < 400; i++)
        buf_puts(&b, " || 'y'");
    buf_puts(&b, ";\ncreate table last (id int);");
    assert_true(buf_ok(&b));
    assert_ok(read_text(a, b.data, &c, &err), &err);
    const struct table *t = catalog_table(c, "public.a");
    assert_int_equal(t->n_columns, 3);
    assert_null(t->columns[1].default_expr);
    assert_non_null(catalog_table(c, "public.last"));
    assert_true(noted(c, ":1: an expression is left out"));
}

/* Views may read each other; dropping one must end. */
static void
test_views_in_a_circle(void **state)
{
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    struct catalog *c = NULL;
    struct error err;

    (void)state;
    assert_ok(read_text(a,
                        "create table t (id int);"
                        "create view v as select id from t;"
                        "create view w as select id from v;"
                        "create or replace view v as select id from w;"
                        "drop view v cascade;",
                        &c, &err),
              &err);
    assert_int_equal(c->n_tables, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_prisma),
        cmocka_unit_test(test_supabase),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_what_is_not_followed_is_noted),
        cmocka_unit_test(test_deep_expressions),
        cmocka_unit_test(test_views_in_a_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
