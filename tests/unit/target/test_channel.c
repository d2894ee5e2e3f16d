/* A target over a channel, as a management API is one: here a real database
 * stands behind it, asked with texts, answering JSON. */
#include "fixture.h"

#include "base/buf.h"
#include "target/channel.h"
#include "target/drain.h"
#include "target/failed.h"

static const char *note_columns[] = {"body"};
static const struct capture notes_insert = {.table = "public.notes",
                                            .op = ROW_INSERT,
                                            .columns = note_columns,
                                            .n_columns = 1};

/* Answers as the API does: one object a row, in which columns of one name
 * collapse; nothing of a session survives a call. */
static enum status
run_text(void *self, struct arena *a, const char *text, bool read_only,
         struct json **rows, struct error *err)
{
    struct fixture *f = self;
    PGresult *r =
        PQexec(f->user, read_only ? "begin read only" : "begin read write");

    PQclear(r);
    r = PQexec(f->user, text);
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK) {
        enum status rc =
            error_set(err, E_DB, __FILE__, __LINE__, "%s",
                      PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s",
                       PQresultErrorField(r, PG_DIAG_SQLSTATE));
        PQclear(r);
        PQclear(PQexec(f->user, "rollback"));
        return rc;
    }
    *rows = json_array(a);
    for (int i = 0; i < PQntuples(r); i++) {
        struct json *row = json_object(a);
        for (int c = 0; c < PQnfields(r); c++) {
            struct json *v =
                PQgetisnull(r, i, c)
                    ? json_null(a)
                    : json_string(a, arena_strdup(a, PQgetvalue(r, i, c)));
            row = json_put(a, row, arena_strdup(a, PQfname(r, c)), v);
        }
        *rows = json_push(a, *rows, row);
    }
    PQclear(r);
    PQclear(PQexec(f->user, "commit"));
    PQclear(PQexec(f->user, "discard all"));
    return OK;
}

static int closed;

static void
close_it(void *self)
{
    (void)self;
    closed++;
}

static struct target *
over(struct fixture *f, bool read_only)
{
    const struct sql_channel channel = {.self = f,
                                        .server_version = 150000,
                                        .run = run_text,
                                        .close = close_it};
    struct target *t = NULL;

    assert_ok(target_over(&channel, read_only, &t, &f->err), &f->err);
    return t;
}

/* What comes back is what went in, whatever characters it has. */
static void
test_values(void **state)
{
    static const char *const params[] = {"plain",
                                         "",
                                         NULL,
                                         "it's \"quoted\", (in) \\ brackets",
                                         "a,b\n\tc",
                                         "$1 $2",
                                         "caf\xc3\xa9 {\"a\": [1, \"x\"]}"};
    struct fixture *f = *state;
    struct target *t = over(f, false);
    struct target_rows rows;

    assert_ok(target_query(t, f->a,
                           "-- a comment with $9\n"
                           "select $1::text, $2::text, $3::text, $4::text,"
                           " $5::text, $6::text, $7::text, '$1', 1::int::text"
                           " from generate_series(1, 3)",
                           params, 7, &rows, &f->err),
              &f->err);
    assert_int_equal(rows.n, 3);
    assert_int_equal(rows.columns, 9);
    for (size_t row = 0; row < 3; row++) {
        for (int i = 0; i < 7; i++) {
            const char *got = target_cell(&rows, row, i);
            if (!params[i])
                assert_null(got);
            else
                assert_string_equal(got, params[i]);
        }
        assert_string_equal(target_cell(&rows, row, 7), "$1");
    }
    assert_int_equal(
        target_query(t, f->a, "select $2::text", params, 1, &rows, &f->err),
        E_BUG);
    assert_int_equal(
        target_query(t, f->a, "select nope", NULL, 0, &rows, &f->err), E_DB);
    assert_string_equal(f->err.sqlstate, "42703");
    closed = 0;
    target_close(t);
    assert_int_equal(closed, 1);
}

static void
test_read_only(void **state)
{
    struct fixture *f = *state;
    struct target *t = over(f, true);
    struct target_rows rows;
    const char *epoch;

    assert_int_equal(target_script(t, "create table x ()", &f->err),
                     E_FORBIDDEN);
    assert_int_equal(
        target_query(t, f->a, "delete from notes", NULL, 0, NULL, &f->err),
        E_FORBIDDEN);
    assert_int_equal(drain_start(t, f->a, &epoch, &f->err), E_FORBIDDEN);
    assert_ok(target_query(t, f->a, "select 1::text", NULL, 0, &rows, &f->err),
              &f->err);
    target_close(t);
}

static void
test_introspects(void **state)
{
    struct fixture *f = *state;
    struct target *t = over(f, true);
    struct catalog *c;

    assert_ok(introspect(t, f->a, false, &c, &f->err), &f->err);
    assert_int_equal(c->n_tables, f->c->n_tables);
    assert_string_equal(json_text(f->a, catalog_to_json(f->a, c)),
                        json_text(f->a, catalog_to_json(f->a, f->c)));
    target_close(t);
}

/* The sweep: fetch, receive, delete, with a lease for a lock. */
static void
test_sweep(void **state)
{
    struct fixture *f = *state;
    struct target *t = over(f, false), *other = over(f, false);
    struct drained_event *e;
    const char *epoch;
    int64_t ids[600], put_back;
    size_t n;

    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(t, f->a, &epoch, &f->err), &f->err);
    assert_int_equal(strlen(epoch), 36);
    assert_int_equal(drain_start(other, f->a, &epoch, &f->err), E_CONFLICT);
    assert_int_equal(drain_fd(t), -1);
    sql(f->admin, "insert into notes select 'x, \"' || i from"
                  " generate_series(1, 600) i");
    assert_ok(drain_fetch(t, f->a, 0, 1000, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 600);
    assert_string_equal(e[0].event_type, "public.notes.insert");
    assert_null(e[0].entity_id);
    assert_string_equal(e[599].metadata, "{\"body\": \"x, \\\"600\"}");
    for (size_t i = 0; i < n; i++)
        ids[i] = e[i].id;
    assert_ok(drain_ack(t, ids, 599, &f->err), &f->err);
    assert_ok(drain_set_aside(t, ids[599], "cannot be read", &f->err), &f->err);
    assert_ok(drain_fetch(t, f->a, 0, 1000, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    assert_ok(failed_replay(t, f->a, 0, &put_back, &f->err), &f->err);
    assert_int_equal(put_back, 1);
    struct drain_horizon h;
    assert_ok(drain_horizon(t, f->a, &h, &f->err), &f->err);
    assert_true(h.xmax > 0);
    target_close(t);
    target_close(other);
}

static void
test_deploy_needs_a_session(void **state)
{
    static const struct deploy_settings settings = {.notify_on = true};
    struct fixture *f = *state;
    struct target *t = over(f, false);
    struct plan *plan = plan_for(f, &notes_insert, 1);
    const char *epoch;

    assert_int_equal(deploy_apply(t, f->a, plan, &settings, &epoch, &f->err),
                     E_UNSUPPORTED);
    assert_int_equal(target_snapshot(t, &f->err), E_UNSUPPORTED);
    target_close(t);
}

#define T(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_values),
        T(test_read_only),
        T(test_introspects),
        T(test_sweep),
        T(test_deploy_needs_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
