/* Runs, enrolments, stages, schedules, leases. */
#include "fixture.h"

static void
put_run(struct fixture *f, const struct run_row *r)
{
    struct error err = {0};
    struct store_tx *tx = begin(f, true);

    assert_ok(run_insert(tx, r, &err), &err);
    commit(tx);
}

static void
test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct run_row r = run_of(f, "f1", "auth.users/ann"), *got = NULL;
    size_t n = 0;

    put_run(f, &r);
    struct store_tx *tx = begin(f, false);
    assert_ok(
        runs_of_subject(tx, f->a, r.shard, "f1", r.subject_key, &got, &n, &err),
        &err);
    assert_int_equal(n, 1);
    assert_string_equal(got[0].id, r.id);
    assert_string_equal(got[0].state, "wait");
    assert_string_equal(got[0].row_key, "ann");
    assert_string_equal(got[0].record, "{}");
    assert_null(got[0].event_id);
    assert_int_equal(got[0].due_us, r.due_us);
    assert_int_equal(got[0].state_entry, 1);
    assert_int_equal(got[0].shard, r.shard);
    assert_int_equal(got[0].rev, 1);
    assert_ok(
        runs_of_subject(tx, f->a, r.shard, "f2", r.subject_key, &got, &n, &err),
        &err);
    assert_int_equal(n, 0);
    assert_ok(runs_of_row(tx, f->a, "f1", "ann", &got, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(runs_of_row(tx, f->a, "f1", "bob", &got, &n, &err), &err);
    assert_int_equal(n, 0);
    store_rollback(tx);
    /* The same id again is a conflict. */
    tx = begin(f, true);
    assert_int_equal(run_insert(tx, &r, &err), E_CONFLICT);
    store_rollback(tx);
}

static void
test_rev(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct run_row r = run_of(f, "f1", "auth.users/ann"), *got = NULL;
    size_t n = 0;

    put_run(f, &r);
    r.state = "done";
    r.status = "completed";
    r.due_us = 0;
    struct store_tx *tx = begin(f, true);
    assert_ok(run_update(tx, &r, &err), &err);
    /* Somebody who read revision 1 as well comes too late. */
    assert_int_equal(run_update(tx, &r, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, r.id));
    r.rev = 2;
    assert_ok(run_update(tx, &r, &err), &err);
    commit(tx);
    tx = begin(f, false);
    /* It is no active run any more, but part of the journey. */
    assert_ok(
        runs_of_subject(tx, f->a, r.shard, "f1", r.subject_key, &got, &n, &err),
        &err);
    assert_int_equal(n, 0);
    assert_ok(runs_of_row(tx, f->a, "f1", "ann", &got, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(
        runs_of_journey(tx, f->a, f->workspace, r.subject_key, &got, &n, &err),
        &err);
    assert_int_equal(n, 1);
    assert_string_equal(got[0].status, "completed");
    assert_int_equal(got[0].rev, 3);
    assert_ok(runs_of_journey(tx, f->a, "other", r.subject_key, &got, &n, &err),
              &err);
    assert_int_equal(n, 0);
    store_rollback(tx);
}

static size_t
due(struct fixture *f, int from, int to, int64_t now_us, size_t limit,
    struct run_row **out)
{
    struct error err = {0};
    size_t n = 0;
    struct store_tx *tx = begin(f, false);

    assert_ok(runs_due(tx, f->a, from, to, now_us, limit, out, &n, &err), &err);
    store_rollback(tx);
    return n;
}

static int64_t
next_due(struct fixture *f)
{
    struct error err = {0};
    int64_t at_us = -1;
    struct store_tx *tx = begin(f, false);

    assert_ok(runs_next_due(tx, &at_us, &err), &err);
    store_rollback(tx);
    return at_us;
}

static void
test_due(void **state)
{
    struct fixture *f = *state;
    struct run_row *got = NULL;
    static const struct {
        const char *subject;
        int64_t due_us;
    } runs[] = {{"b", T0 + 20}, {"a", T0 + 10}, {"c", 0}, {"d", T0 + 30}};

    assert_int_equal(next_due(f), 0);
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        struct run_row r = run_of(f, "f1", runs[i].subject);
        r.due_us = runs[i].due_us;
        put_run(f, &r);
    }
    assert_int_equal(next_due(f), T0 + 10);
    assert_int_equal(due(f, 0, 255, T0 + 9, 10, &got), 0);
    assert_int_equal(due(f, 0, 255, T0 + 20, 10, &got), 2);
    assert_string_equal(got[0].subject_key, "a");
    assert_string_equal(got[1].subject_key, "b");
    assert_int_equal(due(f, 0, 255, T0 + 30, 1, &got), 1);
    int shard = shard_of(f->workspace, "a");
    assert_int_equal(due(f, shard, shard, T0 + 10, 10, &got), 1);
    assert_int_equal(due(f, shard + 1, 255, T0 + 10, 10, &got), 0);
}

static void
test_count(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct run_count *counts = NULL;
    size_t n = 0;

    for (int i = 0; i < 3; i++) {
        struct run_row r = run_of(f, "f1", "auth.users/ann");
        r.status = i == 0 ? "completed" : "active";
        put_run(f, &r);
    }
    struct store_tx *tx = begin(f, false);
    assert_ok(runs_count(tx, f->a, f->workspace, &counts, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(counts[0].status, "active");
    assert_int_equal(counts[0].n, 2);
    assert_int_equal(counts[1].n, 1);
    store_rollback(tx);
}

static void
test_enrolment(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct enrolment_row e, again;
    struct store_tx *tx = begin(f, true);

    assert_ok(enrolment_get(tx, f->workspace, "f1", "ann", &e, &err), &err);
    assert_int_equal(e.rev, 0);
    assert_int_equal(e.entries, 0);
    e.entries = 1;
    e.last_entered_us = T0;
    e.matched = true;
    assert_ok(enrolment_put(tx, &e, &err), &err);
    /* Two that saw nothing: the second must look again. */
    assert_int_equal(enrolment_put(tx, &e, &err), E_CONFLICT);
    assert_ok(enrolment_get(tx, f->workspace, "f1", "ann", &again, &err), &err);
    assert_int_equal(again.rev, 1);
    assert_int_equal(again.entries, 1);
    assert_int_equal(again.last_entered_us, T0);
    assert_true(again.matched);
    again.entries = 2;
    again.matched = false;
    assert_ok(enrolment_put(tx, &again, &err), &err);
    assert_int_equal(enrolment_put(tx, &again, &err), E_CONFLICT);
    assert_ok(enrolment_get(tx, f->workspace, "f1", "ann", &e, &err), &err);
    assert_int_equal(e.rev, 2);
    assert_int_equal(e.entries, 2);
    assert_false(e.matched);
    assert_ok(enrolment_get(tx, f->workspace, "f2", "ann", &e, &err), &err);
    assert_int_equal(e.rev, 0);
    commit(tx);
}

static void
test_stage(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const char *stage = "x";
    struct store_tx *tx = begin(f, true);

    assert_ok(stage_get(tx, f->a, f->workspace, "ann", &stage, &err), &err);
    assert_null(stage);
    assert_ok(stage_put(tx, f->workspace, "ann", "onboarding", "r", T0, &err),
              &err);
    assert_ok(
        stage_put(tx, f->workspace, "ann", "activation", "r", T0 + 1, &err),
        &err);
    assert_ok(stage_get(tx, f->a, f->workspace, "ann", &stage, &err), &err);
    assert_string_equal(stage, "activation");
    /* Twice at one instant: the last one holds. */
    assert_ok(
        stage_put(tx, f->workspace, "ann", "retention", "r", T0 + 1, &err),
        &err);
    assert_ok(stage_get(tx, f->a, f->workspace, "ann", &stage, &err), &err);
    assert_string_equal(stage, "retention");
    assert_ok(stage_get(tx, f->a, f->workspace, "bob", &stage, &err), &err);
    assert_null(stage);
    commit(tx);
}

static void
test_schedule(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct schedule_row s;
    struct store_tx *tx = begin(f, true);

    assert_ok(schedule_get(tx, f->a, "f1", &s, &err), &err);
    assert_int_equal(s.next_us, 0);
    assert_null(s.scan_after);
    s = (struct schedule_row){.feature_id = "f1",
                              .next_us = T0,
                              .scan_after = "[\"k\"]",
                              .scan_started_us = T0 - 1};
    assert_ok(schedule_put(tx, &s, &err), &err);
    s = (struct schedule_row){0};
    assert_ok(schedule_get(tx, f->a, "f1", &s, &err), &err);
    assert_int_equal(s.next_us, T0);
    assert_string_equal(s.scan_after, "[\"k\"]");
    assert_int_equal(s.scan_started_us, T0 - 1);
    s.scan_after = NULL;
    assert_ok(schedule_put(tx, &s, &err), &err);
    assert_ok(schedule_get(tx, f->a, "f1", &s, &err), &err);
    assert_null(s.scan_after);
    commit(tx);
}

static void
test_lease(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    int64_t first = 0, again = 0, other = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(lease_take(tx, "one", T0, T0 + US_PER_S, &first, &err), &err);
    assert_ok(lease_check(tx, 0, first, &err), &err);
    assert_ok(lease_check(tx, SHARD_COUNT - 1, first, &err), &err);
    /* Renewing keeps the token. */
    assert_ok(lease_take(tx, "one", T0, T0 + 2 * US_PER_S, &again, &err), &err);
    assert_int_equal(again, first);
    assert_int_equal(
        lease_take(tx, "two", T0 + US_PER_S, T0 + 9 * US_PER_S, &other, &err),
        E_CONFLICT);
    assert_non_null(strstr(err.msg, "one"));
    assert_ok(lease_check(tx, 3, first, &err), &err);
    /* It ran out: the other takes over, and the first notices. */
    assert_ok(lease_take(tx, "two", T0 + 2 * US_PER_S, T0 + 9 * US_PER_S,
                         &other, &err),
              &err);
    assert_true(other > first);
    assert_int_equal(lease_check(tx, 3, first, &err), E_STORE);
    assert_ok(lease_check(tx, 3, other, &err), &err);
    commit(tx);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_rev),       TEST(test_due),
        TEST(test_count),      TEST(test_enrolment), TEST(test_stage),
        TEST(test_schedule),   TEST(test_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
