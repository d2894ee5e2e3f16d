/* Events: seen once, queued, listed; decisions; retention. */
#include "fixture.h"

static struct decision_row
decision_of(struct fixture *f, const struct event_row *e, const char *feature,
            const char *verdict)
{
    return (struct decision_row){.workspace_id = f->workspace,
                                 .event_id = e->id,
                                 .id = new_id(f, e->occurred_us),
                                 .feature_id = feature,
                                 .feature_key = feature,
                                 .version = 1,
                                 .verdict = verdict,
                                 .subject_key = "auth.users/ann",
                                 .at_us = e->occurred_us,
                                 .detail = "{}"};
}

static void
decide(struct fixture *f, const struct event_row *e, const char *feature,
       const char *verdict)
{
    struct decision_row d = decision_of(f, e, feature, verdict);
    struct error err = {0};
    struct store_tx *tx = begin(f, true);

    assert_ok(decision_add(tx, &d, &err), &err);
    commit(tx);
}

static size_t
queued(struct fixture *f, int from, int to, int64_t now_us, size_t limit,
       struct queued_event **out)
{
    struct error err = {0};
    size_t n = 0;
    struct store_tx *tx = begin(f, false);

    assert_ok(queue_load(tx, f->a, from, to, now_us, limit, out, &n, &err),
              &err);
    store_rollback(tx);
    return n;
}

static void
test_whole_row(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct event_row got;

    for (int n = 1; n <= 2; n++) { /* without and with old values */
        struct event_row e = event_put(f, n);
        assert_false(e.duplicate);
        struct store_tx *tx = begin(f, false);
        assert_ok(event_get(tx, f->a, f->workspace, e.id, &got, &err), &err);
        assert_int_equal(event_get(tx, f->a, "other", e.id, &got, &err),
                         E_NOTFOUND);
        assert_non_null(strstr(err.msg, e.id));
        store_rollback(tx);
        assert_string_equal(got.integration_id, f->integration);
        assert_int_equal(got.source_id, n);
        assert_string_equal(got.type, e.type);
        assert_string_equal(got.key, "ann");
        if (e.old)
            assert_string_equal(got.old, e.old);
        else
            assert_null(got.old);
        assert_int_equal(got.occurred_us, e.occurred_us);
        assert_int_equal(got.received_us, e.received_us);
        assert_string_equal(got.transport, "drain");
    }
}

/* The same event again, in one batch and in a later one. */
static void
test_dedupe(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct queued_event *q = NULL;
    struct event_row rows[] = {event_of(f, 1), event_of(f, 2), event_of(f, 1)};
    size_t inserted = 0;

    for (int turn = 0; turn < 2; turn++) {
        struct store_tx *tx = begin(f, true);
        assert_ok(events_insert(tx, rows, COUNT_OF(rows), &inserted, &err),
                  &err);
        commit(tx);
        assert_int_equal(inserted, turn == 0 ? 2 : 0);
        assert_int_equal(rows[0].duplicate, turn);
        assert_int_equal(rows[1].duplicate, turn);
        assert_true(rows[2].duplicate);
    }
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 2);
}

static void
test_not_wanted(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct queued_event *q = NULL;
    struct event_row row = event_of(f, 1);
    size_t inserted = 0;

    row.queue_shard = -1;
    struct store_tx *tx = begin(f, true);
    assert_ok(events_insert(tx, &row, 1, &inserted, &err), &err);
    commit(tx);
    assert_int_equal(inserted, 1);
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 0);
}

static void
test_queue_order(void **state)
{
    struct fixture *f = *state;
    struct queued_event *q = NULL;

    /* In the order of arrival, whatever their times. */
    static const int order[] = {3, 1, 2};
    for (size_t i = 0; i < COUNT_OF(order); i++)
        (void)event_put(f, order[i]);
    fixture_reopen(f);
    (void)event_put(f, 4);
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 4);
    assert_int_equal(q[0].event.source_id, 3);
    assert_int_equal(q[1].event.source_id, 1);
    assert_int_equal(q[2].event.source_id, 2);
    assert_int_equal(q[3].event.source_id, 4);
    assert_int_equal(q[0].event.queue_shard, 7);
    assert_int_equal(queued(f, 0, 255, T0, 2, &q), 2);
    assert_int_equal(queued(f, 0, 6, T0, 10, &q), 0);
    assert_int_equal(queued(f, 7, 7, T0, 10, &q), 4);
    assert_int_equal(queued(f, 8, 255, T0, 10, &q), 0);
}

static void
test_queue_later_and_done(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct queued_event *q = NULL;
    int64_t n = 0;

    (void)event_put(f, 1);
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 1);
    assert_int_equal(q[0].attempts, 0);
    int64_t seq = q[0].seq;
    struct store_tx *tx = begin(f, true);
    assert_ok(queue_later(tx, 7, seq, T0 + 10, &err), &err);
    commit(tx);
    assert_int_equal(queued(f, 0, 255, T0 + 9, 10, &q), 0);
    assert_int_equal(queued(f, 0, 255, T0 + 10, 10, &q), 1);
    assert_int_equal(q[0].attempts, 1);
    assert_int_equal(q[0].seq, seq);
    tx = begin(f, true);
    assert_ok(queue_done(tx, 7, seq, &err), &err);
    assert_int_equal(queue_done(tx, 7, seq, &err), E_CONFLICT);
    assert_ok(queue_count(tx, &n, &err), &err);
    assert_int_equal(n, 0);
    commit(tx);
}

/* M1: behind an event that waits, those of its shard and database wait. */
static void
test_queue_held(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct queued_event *q = NULL;
    struct event_row other = event_of(f, 3);
    size_t inserted = 0;

    (void)event_put(f, 1);
    (void)event_put(f, 2);
    other.integration_id = "another";
    struct store_tx *tx = begin(f, true);
    assert_ok(events_insert(tx, &other, 1, &inserted, &err), &err);
    commit(tx);
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 3);
    tx = begin(f, true);
    assert_ok(queue_later(tx, 7, q[0].seq, T0 + 10, &err), &err);
    commit(tx);
    assert_int_equal(queued(f, 0, 255, T0 + 9, 10, &q), 1);
    assert_int_equal(q[0].event.source_id, 3);
    assert_int_equal(queued(f, 0, 255, T0 + 10, 10, &q), 3);
    assert_int_equal(q[0].event.source_id, 1);
    assert_int_equal(q[1].event.source_id, 2);
}

static void
test_decisions_of_event(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct event_row e = event_put(f, 1), other = event_put(f, 2);
    struct decision_row *rows = NULL;
    size_t n = 0;

    decide(f, &e, "welcome", "entered");
    decide(f, &e, "nudge", "guard_false");
    decide(f, &other, "welcome", "already_entered");
    struct store_tx *tx = begin(f, false);
    assert_ok(decisions_of_event(tx, f->a, f->workspace, e.id, &rows, &n, &err),
              &err);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].verdict, "entered");
    assert_string_equal(rows[1].feature_key, "nudge");
    assert_null(rows[0].run_id);
    assert_ok(decisions_of_event(tx, f->a, "other", e.id, &rows, &n, &err),
              &err);
    assert_int_equal(n, 0);
    store_rollback(tx);
}

/* Numbers of the events listed, as text. */
static const char *
listed(struct fixture *f, struct log_filter filter)
{
    struct error err = {0};
    struct event_row *rows = NULL;
    size_t n = 0;
    const char *text = "";
    struct store_tx *tx = begin(f, false);

    filter.workspace_id =
        filter.workspace_id ? filter.workspace_id : f->workspace;
    assert_ok(events_list(tx, f->a, &filter, &rows, &n, &err), &err);
    store_rollback(tx);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(f->a, "%s%d", text, (int)rows[i].source_id);
    return text;
}

static void
test_event_list(void **state)
{
    struct fixture *f = *state;
    struct event_row e[6] = {0};

    for (int n = 1; n <= 5; n++)
        e[n] = event_put(f, n);
    decide(f, &e[1], "welcome", "entered");
    decide(f, &e[1], "nudge", "guard_false");
    decide(f, &e[3], "welcome", "cooldown");
    decide(f, &e[5], "nudge", "entered");
    const struct {
        struct log_filter filter;
        const char *want;
    } cases[] = {
        {{.limit = 10}, "54321"},
        {{.limit = 2}, "54"},
        {{.limit = 2, .before_id = e[4].id}, "32"},
        {{.limit = 10, .before_id = e[1].id}, ""},
        {{.limit = 2, .after_id = e[2].id}, "34"},
        {{.limit = 10, .after_id = e[5].id}, ""},
        {{.type = "auth.users.update"}, "42"},
        {{.since_us = T0 + 2 * US_PER_S}, "5432"},
        {{.until_us = T0 + 2 * US_PER_S}, "1"},
        {{.feature_key = "welcome"}, "31"},
        {{.verdict = "entered"}, "51"},
        {{.feature_key = "nudge", .verdict = "entered"}, "5"},
        {{.feature_key = "welcome", .verdict = "guard_false"}, ""},
        {{.subject_key = "auth.users/ann"}, "531"},
        {{.subject_key = "auth.users/bob"}, ""},
        {{.verdict = "entered", .after_id = e[1].id}, "5"},
        {{.workspace_id = "other"}, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(listed(f, cases[i].filter), cases[i].want);
}

static void
test_decision_list(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct decision_row *all = NULL, *rows = NULL;
    size_t n = 0;

    for (int i = 1; i <= 4; i++) {
        struct event_row e = event_put(f, i);
        decide(f, &e, i % 2 ? "welcome" : "nudge", "entered");
    }
    struct store_tx *tx = begin(f, false);
    struct log_filter filter = {.workspace_id = f->workspace};
    assert_ok(decisions_list(tx, f->a, &filter, &all, &n, &err), &err);
    assert_int_equal(n, 4);
    for (size_t i = 1; i < n; i++)
        assert_true(strcmp(all[i - 1].id, all[i].id) > 0);
    filter.before_id = all[1].id;
    filter.limit = 1;
    assert_ok(decisions_list(tx, f->a, &filter, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, all[2].id);
    filter = (struct log_filter){.workspace_id = f->workspace,
                                 .after_id = all[3].id,
                                 .feature_key = "nudge"};
    assert_ok(decisions_list(tx, f->a, &filter, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].id, all[2].id);
    assert_string_equal(rows[1].id, all[0].id);
    store_rollback(tx);
}

static int64_t
retain(struct fixture *f, int64_t before_us, size_t limit)
{
    struct error err = {0};
    int64_t deleted = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(retention_step(tx, before_us, limit, &deleted, &err), &err);
    commit(tx);
    return deleted;
}

static void
test_retention(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct queued_event *q = NULL;
    struct store_counts counts;
    struct event_row e;

    for (int n = 1; n <= 6; n++) {
        e = event_put(f, n);
        decide(f, &e, "welcome", "entered");
    }
    /* Events that wait for their decision stay, however old. */
    assert_int_equal(retain(f, T0 + US_PER_DAY, 10), 0);
    assert_int_equal(queued(f, 0, 255, T0, 10, &q), 6);
    struct store_tx *tx = begin(f, true);
    for (int i = 0; i < 5; i++)
        assert_ok(queue_done(tx, 7, q[i].seq, &err), &err);
    commit(tx);
    assert_int_equal(retain(f, T0 + 4 * US_PER_S, 2), 2);
    assert_int_equal(retain(f, T0 + 4 * US_PER_S, 2), 1);
    assert_int_equal(retain(f, T0 + 4 * US_PER_S, 2), 0);
    tx = begin(f, false);
    assert_ok(store_counts(tx, f->workspace, &counts, &err), &err);
    store_rollback(tx);
    assert_int_equal(counts.events, 3);
    assert_int_equal(counts.decisions, 3);
    assert_int_equal(counts.queued, 1);
    assert_string_equal(listed(f, (struct log_filter){.limit = 10}), "654");
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_row),
        TEST(test_dedupe),
        TEST(test_not_wanted),
        TEST(test_queue_order),
        TEST(test_queue_later_and_done),
        TEST(test_decisions_of_event),
        TEST(test_queue_held),
        TEST(test_event_list),
        TEST(test_decision_list),
        TEST(test_retention),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
