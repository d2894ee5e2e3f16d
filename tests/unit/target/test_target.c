#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "target/drain.h"
#include "target/sql_text.h"

static void
test_quoting(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *in, *ident, *table;
    } names[] = {
        {"users", "\"users\"", "\"users\""},
        {"public.users", "\"public.users\"", "\"public\".\"users\""},
        {"a\"b", "\"a\"\"b\"", "\"a\"\"b\""},
        {"x.y\"; drop table z; --", "\"x.y\"\"; drop table z; --\"",
         "\"x\".\"y\"\"; drop table z; --\""},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(sql_ident(f->a, names[i].in), names[i].ident);
        assert_string_equal(sql_table(f->a, names[i].in), names[i].table);
    }
    static const char *const literals[] = {
        "plain", "it's", "back\\slash", "'; drop table x; --", "", "\\'",
    };
    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        const char *q =
            arena_printf(f->a, "select %s", sql_literal(f->a, literals[i]));
        assert_string_equal(cell(f, f->user, q), literals[i]);
    }
}

static void
test_arrays_round_trip(void **state)
{
    struct fixture *f = *state;
    static const char *const items[] = {"a", "NULL", NULL, "q\"\\{},", ""};
    const char *param = sql_array(f->a, items, 5);
    struct target_rows rows;

    assert_ok(target_query(f->t, f->a, "select unnest($1::text[])", &param, 1,
                           &rows, &f->err),
              &f->err);
    assert_int_equal(rows.n, 5);
    for (size_t i = 0; i < 5; i++) {
        const char *got = target_cell(&rows, i, 0);
        assert_true(items[i] ? got && strcmp(got, items[i]) == 0 : !got);
    }
}

static void
test_errors_of_queries(void **state)
{
    struct fixture *f = *state;
    struct target_rows rows;

    assert_int_equal(
        target_query(f->t, f->a, "select nope", NULL, 0, &rows, &f->err), E_DB);
    assert_string_equal(f->err.sqlstate, "42703");
    assert_non_null(strstr(f->err.msg, "nope"));
    /* and the connection still works */
    assert_ok(target_query(f->t, f->a, "select 1", NULL, 0, &rows, &f->err),
              &f->err);
}

static void
test_statement_timeout(void **state)
{
    struct fixture *f = *state;
    struct target_config config = {.conninfo = f->conninfo,
                                   .statement_timeout_ms = 100};
    struct target *t;
    struct target_rows rows;

    assert_ok(target_open(&config, &t, &f->err), &f->err);
    assert_int_equal(
        target_query(t, f->a, "select pg_sleep(20)", NULL, 0, &rows, &f->err),
        E_DB);
    assert_string_equal(f->err.sqlstate, "57014");
    target_close(t);
}

static void
test_connection_lost(void **state)
{
    struct fixture *f = *state;
    struct target_rows rows;

    assert_true(target_alive(f->t));
    sql(f->admin, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where application_name = 'skene' and"
                  " datname = current_database()");
    assert_int_equal(
        target_query(f->t, f->a, "select 1", NULL, 0, &rows, &f->err), E_NET);
    assert_false(target_alive(f->t));
}

static void
test_read_only(void **state)
{
    struct fixture *f = *state;
    struct target_config config = {.conninfo = f->conninfo, .read_only = true};
    static const char *const writes[] = {
        "insert into public.notes values ('x')",
        "  \n update public.notes set body = 'x' where true",
        "select setval('public.projects_id_seq', 9)",
        "with d as (delete from public.notes returning 1) select * from d",
    };
    struct target *t;
    struct target_rows rows;

    assert_ok(target_open(&config, &t, &f->err), &f->err);
    assert_true(target_read_only(t));
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
        assert_int_not_equal(
            target_query(t, f->a, writes[i], NULL, 0, &rows, &f->err), OK);
    assert_int_equal(target_script(t, "select 1", &f->err), E_FORBIDDEN);
    assert_non_null(strstr(f->err.msg, "read only"));
    assert_ok(target_query(t, f->a, "select 1", NULL, 0, &rows, &f->err),
              &f->err);
    struct plan none = {0};
    struct deploy_settings settings = {0};
    const char *epoch;
    assert_int_equal(deploy_apply(t, f->a, &none, &settings, &epoch, &f->err),
                     E_FORBIDDEN);
    assert_int_equal(deploy_remove(t, &f->err), E_FORBIDDEN);
    target_close(t);
}

static void
test_refused_connections(void **state)
{
    struct fixture *f = *state;
    char wrong[256], none[256], db[256];
    struct target *t;

    sql(f->admin, "do $$ begin if to_regrole('needs_password') is null then"
                  " create role needs_password nologin;"
                  " create role locked login password 'right';"
                  " grant needs_password to locked; end if; end $$");
    url_of(wrong, sizeof(wrong), "locked:hunter2", f->name);
    url_of(none, sizeof(none), "locked", f->name);
    url_of(db, sizeof(db), "saas_admin", "no_such_db");
    const struct {
        const char *conninfo;
        enum status code;
        const char *state, *says;
    } cases[] = {
        {wrong, E_AUTH, "28P01", "locked"},
        {none, E_AUTH, "", "password"},
        {db, E_DB, "3D000", "no_such_db"},
        {"postgres://u:hunter2@127.0.0.1:1/x", E_NET, "", "127.0.0.1"},
        {"postgres://u:hunter2@no-such-host.invalid/x", E_NET, "",
         "no-such-host.invalid"},
        {"postgres//u:hunter2@host/db", E_INPUT, "", "connection string"},
        {"postgres://u:hunter2@host/db?nonsense=1", E_INPUT, "", "URL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct target_config config = {.conninfo = cases[i].conninfo,
                                       .connect_timeout_s = 3};
        struct error err = {0};
        enum status rc = target_open(&config, &t, &err);
        if (rc != cases[i].code || strcmp(err.sqlstate, cases[i].state) != 0)
            fail_msg("case %zu: %s %s '%s'", i, status_name(rc), err.sqlstate,
                     err.msg);
        if (!strstr(err.msg, cases[i].says) || strstr(err.msg, "hunter2") ||
            strstr(err.hint, "hunter2"))
            fail_msg("case %zu says: %s", i, err.msg);
        assert_null(t);
        assert_true(err.hint[0] || cases[i].code == E_DB);
    }
}

/* The port of a transaction pooler, by a second name of the same socket. */
static const char *
pooler_conninfo(struct fixture *f, char *dir)
{
    const char *socket_dir = cell(f, f->admin, "show unix_socket_directories");
    const char *port = cell(f, f->admin, "show port");
    const char *from = arena_printf(f->a, "%s/.s.PGSQL.%s", socket_dir, port);

    assert_non_null(mkdtemp(dir));
    assert_int_equal(symlink(from, arena_printf(f->a, "%s/.s.PGSQL.6543", dir)),
                     0);
    return arena_printf(f->a, "host=%s port=6543 user=saas_admin dbname=%s",
                        dir, f->name);
}

/* No session, so a lease keeps a second drain away; neither kind begins while
 * the other is at work. */
static void
drain_pooled(struct fixture *f, const char *pooler)
{
    struct target_config config = {.conninfo = pooler};
    struct target *second, *direct;
    struct drained_event *e;
    const char *epoch;
    size_t n;

    sql(f->user, "insert into skene_growth.event_log (event_type)"
                 " values ('a.b.insert')");
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    assert_int_equal(strlen(epoch), 36);
    assert_int_equal(drain_fd(f->t), -1);
    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_ok(drain_ack(f->t, &e[0].id, 1, &f->err), &f->err);
    assert_ok(target_open(&config, &second, &f->err), &f->err);
    assert_int_equal(drain_start(second, f->a, &epoch, &f->err), E_CONFLICT);
    config.conninfo = f->conninfo;
    assert_ok(target_open(&config, &direct, &f->err), &f->err);
    assert_int_equal(drain_start(direct, f->a, &epoch, &f->err), E_CONFLICT);
    sql(f->user, "update skene_growth.config set drained_until = now()"
                 " where one");
    assert_ok(drain_start(second, f->a, &epoch, &f->err), &f->err);
    target_close(second);
    sql(f->user, "update skene_growth.config set drained_until = now()"
                 " where one");
    target_close(direct);
    assert_ok(target_open(&config, &direct, &f->err), &f->err);
    assert_ok(drain_start(direct, f->a, &epoch, &f->err), &f->err);
    config.conninfo = pooler;
    assert_ok(target_open(&config, &second, &f->err), &f->err);
    assert_int_equal(drain_start(second, f->a, &epoch, &f->err), E_CONFLICT);
    target_close(second);
    target_close(direct);
}

/* Settings live in each transaction, and nothing is left in the session. */
static void
test_transaction_pooler(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/skene-test-XXXXXX";
    struct target_config config = {.conninfo = pooler_conninfo(f, dir),
                                   .read_only = true,
                                   .statement_timeout_ms = 100};
    struct target *t;
    struct target_rows rows;

    assert_ok(target_open(&config, &t, &f->err), &f->err);
    assert_ok(target_query(t, f->a,
                           "select current_setting('search_path'),"
                           " current_setting('transaction_read_only'),"
                           " current_setting('statement_timeout')",
                           NULL, 0, &rows, &f->err),
              &f->err);
    assert_string_equal(target_cell(&rows, 0, 0), "pg_catalog, pg_temp");
    assert_string_equal(target_cell(&rows, 0, 1), "on");
    assert_string_equal(target_cell(&rows, 0, 2), "100ms");
    assert_int_equal(target_query(t, f->a,
                                  "select setval('public.projects_id_seq', 9)",
                                  NULL, 0, &rows, &f->err),
                     E_DB);
    assert_string_equal(f->err.sqlstate, "25006");
    assert_ok(target_query(t, f->a, "select 1", NULL, 0, &rows, &f->err),
              &f->err);
    target_close(t);
    config.read_only = false;
    config.statement_timeout_ms = 0;
    target_close(f->t);
    assert_ok(target_open(&config, &f->t, &f->err), &f->err);
    assert_true(deploy(f, NULL, 0) > 0);
    assert_int_equal(deploy(f, NULL, 0), 0);
    f->err = (struct error){0};
    drain_pooled(f, config.conninfo);
    assert_ok(deploy_remove(f->t, &f->err), &f->err);
    (void)unlink(arena_printf(f->a, "%s/.s.PGSQL.6543", dir));
    (void)rmdir(dir);
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_quoting),
        T(test_arrays_round_trip),
        T(test_errors_of_queries),
        T(test_statement_timeout),
        T(test_connection_lost),
        T(test_read_only),
        T(test_refused_connections),
        T(test_transaction_pooler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
