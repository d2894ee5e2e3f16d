#include "fixture.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "target/drain.h"

static const char *note_columns[] = {"body"};
static const struct capture notes_insert = {.table = "public.notes",
                                            .op = ROW_INSERT,
                                            .columns = note_columns,
                                            .n_columns = 1};
static const char note[] = "insert into notes values ('x')";

static void
test_refusals(void **state)
{
    struct fixture *f = *state;
    struct target_config config = {.conninfo = f->conninfo};
    struct target *other;
    const char *epoch;

    assert_int_equal(drain_start(f->t, f->a, &epoch, &f->err), E_NOTFOUND);
    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    assert_int_equal(strlen(epoch), 36);
    assert_ok(target_open(&config, &other, &f->err), &f->err);
    assert_int_equal(drain_start(other, f->a, &epoch, &f->err), E_CONFLICT);
    target_close(f->t);
    f->t = NULL;
    /* The server lets go of a session's locks when it has noticed its end. */
    enum status rc = E_CONFLICT;
    int64_t until_us = clock_mono_us() + 10 * US_PER_S;
    while (rc == E_CONFLICT && clock_mono_us() < until_us)
        rc = drain_start(other, f->a, &epoch, &f->err);
    assert_ok(rc, &f->err);
    target_close(other);
    config.read_only = true;
    assert_ok(target_open(&config, &other, &f->err), &f->err);
    assert_int_equal(drain_start(other, f->a, &epoch, &f->err), E_FORBIDDEN);
    target_close(other);
    sql(f->user, "update skene_growth.config set home = 'x' where one");
    config.read_only = false;
    assert_ok(target_open(&config, &f->t, &f->err), &f->err);
    assert_int_equal(drain_start(f->t, f->a, &epoch, &f->err), E_FORBIDDEN);
    assert_non_null(strstr(f->err.msg, "copy"));
}

static void
test_fetch_and_ack(void **state)
{
    struct fixture *f = *state;
    struct drained_event *e;
    const char *epoch;
    size_t n;

    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    sql(f->user, "insert into notes select i::text from"
                 " generate_series(1, 25) i");
    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 10);
    assert_string_equal(e[0].event_type, "public.notes.insert");
    assert_null(e[0].entity_id);
    assert_string_equal(e[0].metadata, "{\"body\": \"1\"}");
    assert_true(llabs(e[0].occurred_us - clock_now_us(NULL)) < 60 * US_PER_S);
    for (size_t i = 1; i < n; i++)
        assert_true(e[i].id > e[i - 1].id);
    int64_t ids[10] = {0};
    for (size_t i = 0; i < n; i++)
        ids[i] = e[i].id;
    assert_ok(drain_ack(f->t, ids, n, &f->err), &f->err);
    assert_ok(drain_ack(f->t, ids, n, &f->err), &f->err); /* idempotent */
    assert_ok(drain_ack(f->t, ids, 0, &f->err), &f->err);
    assert_ok(drain_fetch(f->t, f->a, ids[9], 100, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 15);
    assert_true(e[0].id > ids[9]);
}

/* Ids are not in the order of commits: floor 0 finds who came late. */
static void
test_late_committer(void **state)
{
    struct fixture *f = *state;
    struct drained_event *e;
    size_t n;

    (void)deploy(f, &notes_insert, 1);
    sql(f->user, "begin; insert into notes values ('late')");
    sql(f->admin, "insert into notes values ('early')");
    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_non_null(strstr(e[0].metadata, "early"));
    int64_t floor = e[0].id;
    assert_ok(drain_ack(f->t, &floor, 1, &f->err), &f->err);
    sql(f->user, "commit");
    assert_ok(drain_fetch(f->t, f->a, floor, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    assert_ok(drain_fetch(f->t, f->a, 0, 10, &e, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_non_null(strstr(e[0].metadata, "late"));
    assert_true(e[0].id < floor);
}

/* What the reader may leave behind for good: nothing that is still open. */
static void
test_horizon(void **state)
{
    struct fixture *f = *state;
    struct drain_horizon then, now;
    const char *epoch;

    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    sql(f->user, "begin; insert into notes values ('late')");
    sql(f->admin, "insert into notes values ('early')");
    assert_ok(drain_horizon(f->t, f->a, &then, &f->err), &f->err);
    assert_true(then.xmin < then.xmax);
    assert_string_equal(then.epoch, epoch);
    sql(f->admin, "insert into notes values ('other')");
    assert_ok(drain_horizon(f->t, f->a, &now, &f->err), &f->err);
    assert_true(now.xmin < then.xmax); /* still open: the floor stays */
    sql(f->user, "commit");
    assert_ok(drain_horizon(f->t, f->a, &now, &f->err), &f->err);
    assert_true(now.xmin >= then.xmax);
    /* A session that only reads holds nothing back. */
    sql(f->user, "begin isolation level repeatable read; table notes");
    assert_ok(drain_horizon(f->t, f->a, &then, &f->err), &f->err);
    sql(f->admin, "insert into notes values ('more')");
    assert_ok(drain_horizon(f->t, f->a, &now, &f->err), &f->err);
    assert_true(now.xmin >= then.xmax);
    sql(f->user, "commit");
}

static bool
rings_within(struct fixture *f, int ms)
{
    int64_t until_us = clock_mono_us() + ms * US_PER_MS;
    bool rang = false;

    while (!rang && clock_mono_us() < until_us) {
        struct pollfd p = {.fd = drain_fd(f->t), .events = POLLIN};
        (void)poll(&p, 1, 20);
        assert_ok(drain_rang(f->t, &rang, &f->err), &f->err);
    }
    return rang;
}

static void
set_bell_ms(struct fixture *f, const char *ms)
{
    sql(f->user, arena_printf(f->a,
                              "update skene_growth.config set bell_ms = %s"
                              " where one",
                              ms));
}

static void
test_doorbell(void **state)
{
    struct fixture *f = *state;
    const char *epoch;

    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    assert_true(drain_fd(f->t) >= 0);
    assert_false(rings_within(f, 0));
    sql(f->user, note);
    assert_true(rings_within(f, 5000));
    /* throttled: the bell rang within the last minute */
    set_bell_ms(f, "60000");
    sql(f->user, note);
    assert_false(rings_within(f, 100));
    set_bell_ms(f, "0");
    sql(f->user, note);
    assert_true(rings_within(f, 5000));
    sql(f->user, "begin; insert into notes values ('x'); rollback");
    assert_false(rings_within(f, 100));
    sql(f->user, "update skene_growth.config set notify_on = false"
                 " where one");
    sql(f->user, note);
    assert_false(rings_within(f, 100));
    assert_string_equal(
        cell(f, f->admin, "select count(*) from skene_growth.event_log"), "4");
}

static void
test_connection_lost(void **state)
{
    struct fixture *f = *state;
    const char *epoch;
    enum status rc = OK;
    bool rang;

    (void)deploy(f, &notes_insert, 1);
    assert_ok(drain_start(f->t, f->a, &epoch, &f->err), &f->err);
    sql(f->admin, "select pg_terminate_backend(pid) from pg_stat_activity"
                  " where application_name = 'skene' and"
                  " datname = current_database()");
    int64_t until_us = clock_mono_us() + 10 * US_PER_S;
    while (rc == OK && clock_mono_us() < until_us)
        rc = drain_rang(f->t, &rang, &f->err);
    assert_int_equal(rc, E_NET);
    assert_int_equal(drain_fd(f->t), -1);
    assert_int_equal(drain_rang(f->t, &rang, &f->err), E_NET);
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_refusals), T(test_fetch_and_ack), T(test_late_committer),
        T(test_horizon),  T(test_doorbell),      T(test_connection_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
