/* Actions, attempts, sends, the inbox, analytics events, suppressions. */
#include "fixture.h"

static void
put(struct fixture *f, const struct action_row *row)
{
    struct error err = {0};
    struct store_tx *tx = begin(f, true);

    assert_ok(action_insert(tx, row, &err), &err);
    commit(tx);
}

/* M8: a key is used once for ever, whatever became of its action. */
static void
test_key_once(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct action_row row = action_of(f, "run_1_0", T0), got;
    struct action_row twin = action_of(f, "run_1_0", T0);
    struct store_counts counts;

    put(f, &row);
    put(f, &twin);
    struct store_tx *tx = begin(f, true);
    row.status = "succeeded";
    assert_ok(action_update(tx, &row, &err), &err);
    assert_ok(action_insert(tx, &twin, &err), &err);
    assert_ok(store_counts(tx, f->workspace, &counts, &err), &err);
    assert_int_equal(counts.actions_succeeded, 1);
    assert_int_equal(counts.actions_pending, 0);
    assert_int_equal(action_get(tx, f->a, f->workspace, twin.id, &got, &err),
                     E_NOTFOUND);
    assert_int_equal(action_get(tx, f->a, "other", row.id, &got, &err),
                     E_NOTFOUND);
    commit(tx);
}

static void
test_update(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct action_row row = action_of(f, "k", T0), got;

    put(f, &row);
    row.status = "failed";
    row.verdict = "capped";
    row.attempts = 3;
    row.due_us = T0 + 1;
    row.done_us = T0 + 2;
    row.last_error = "410 gone";
    row.provider_id = "p";
    row.gates = "[]";
    struct store_tx *tx = begin(f, true);
    assert_ok(action_update(tx, &row, &err), &err);
    assert_ok(action_get(tx, f->a, f->workspace, row.id, &got, &err), &err);
    commit(tx);
    assert_string_equal(got.status, "failed");
    assert_string_equal(got.verdict, "capped");
    assert_int_equal(got.attempts, 3);
    assert_int_equal(got.due_us, T0 + 1);
    assert_int_equal(got.done_us, T0 + 2);
    assert_string_equal(got.last_error, "410 gone");
    assert_string_equal(got.provider_id, "p");
    assert_string_equal(got.gates, "[]");
    assert_string_equal(got.payload, "{}");
    assert_null(got.event_id);
}

static void
test_due(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct action_row *got = NULL;
    struct action_row late = action_of(f, "late", T0 + 20);
    struct action_row soon = action_of(f, "soon", T0 + 10);
    struct action_row done = action_of(f, "done", T0);
    int64_t next = -1;
    size_t n = 0;

    done.status = "succeeded";
    struct store_tx *tx = begin(f, true);
    assert_ok(actions_next_due(tx, &next, &err), &err);
    assert_int_equal(next, 0);
    commit(tx);
    put(f, &late);
    put(f, &soon);
    put(f, &done);
    tx = begin(f, false);
    assert_ok(actions_next_due(tx, &next, &err), &err);
    assert_int_equal(next, T0 + 10);
    assert_ok(actions_due(tx, f->a, 0, 255, T0 + 9, 9, &got, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(actions_due(tx, f->a, 0, 255, T0 + 20, 9, &got, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(got[0].key, "soon");
    assert_ok(actions_due(tx, f->a, 0, 255, T0 + 20, 1, &got, &n, &err), &err);
    assert_int_equal(n, 1);
    /* The shard of a run is the last byte of its id: 0x42. */
    assert_ok(actions_due(tx, f->a, 0x42, 0x42, T0 + 20, 9, &got, &n, &err),
              &err);
    assert_int_equal(n, 2);
    assert_ok(actions_due(tx, f->a, 0x43, 255, T0 + 20, 9, &got, &n, &err),
              &err);
    assert_int_equal(n, 0);
    store_rollback(tx);
}

static const char *
listed(struct fixture *f, const char *status, const char *event,
       const char *run, const char *before, size_t limit)
{
    struct error err = {0};
    struct action_row *rows = NULL;
    size_t n = 0;
    const char *text = "";
    struct store_tx *tx = begin(f, false);

    assert_ok(actions_list(tx, f->a, f->workspace, status, event, run, before,
                           limit, &rows, &n, &err),
              &err);
    store_rollback(tx);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(f->a, "%s%s", text, rows[i].key);
    return text;
}

static void
test_list(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key, *status, *event, *run;
    } rows[] = {
        {"a", "pending", "e1", "01a00000-0000-7000-8000-000000000001"},
        {"b", "failed", "e1", "01a00000-0000-7000-8000-000000000001"},
        {"c", "pending", NULL, "01a00000-0000-7000-8000-000000000002"},
        {"d", "skipped", "e2", "01a00000-0000-7000-8000-000000000002"},
    };
    const char *ids[COUNT_OF(rows)];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct action_row r = action_of(f, rows[i].key, T0);
        r.status = rows[i].status;
        r.event_id = rows[i].event;
        r.run_id = rows[i].run;
        ids[i] = r.id;
        put(f, &r);
    }
    assert_string_equal(listed(f, NULL, NULL, NULL, NULL, 0), "dcba");
    assert_string_equal(listed(f, NULL, NULL, NULL, NULL, 2), "dc");
    assert_string_equal(listed(f, NULL, NULL, NULL, ids[2], 9), "ba");
    assert_string_equal(listed(f, "pending", NULL, NULL, NULL, 9), "ca");
    assert_string_equal(listed(f, NULL, "e1", NULL, NULL, 9), "ab");
    assert_string_equal(listed(f, "failed", "e1", NULL, NULL, 9), "b");
    assert_string_equal(listed(f, NULL, NULL, rows[2].run, NULL, 9), "dc");
    assert_string_equal(listed(f, "failed", NULL, rows[2].run, NULL, 9), "");
}

static void
test_attempts(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const char *id = new_id(f, T0);
    struct attempt_row a = {.action_id = id,
                            .number = 2,
                            .at_us = T0,
                            .latency_us = 7,
                            .code = 500,
                            .outcome = "retry",
                            .message = "oops"};
    struct attempt_row *got = NULL;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(attempt_add(tx, &a, &err), &err);
    a.number = 1;
    assert_ok(attempt_add(tx, &a, &err), &err);
    /* The same try recorded again after a crash replaces it. */
    a.outcome = "succeeded";
    a.code = 200;
    assert_ok(attempt_add(tx, &a, &err), &err);
    assert_ok(attempts_of(tx, f->a, id, &got, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_int_equal(got[0].number, 1);
    assert_string_equal(got[0].outcome, "succeeded");
    assert_int_equal(got[0].code, 200);
    assert_int_equal(got[1].code, 500);
    assert_string_equal(got[1].message, "oops");
    assert_null(got[1].response);
    assert_ok(attempts_of(tx, f->a, new_id(f, T0), &got, &n, &err), &err);
    assert_int_equal(n, 0);
    commit(tx);
}

static void
test_sends(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    int64_t n = -1, oldest = -1;
    struct store_tx *tx = begin(f, true);
    static const struct {
        const char *subject, *feature, *action;
        int64_t at_us;
    } sends[] = {
        {"ann", "f1", "a1", T0 + 10}, {"ann", "f1", "a1", T0 + 10},
        {"ann", "f1", "a2", T0 + 10}, {"ann", "f2", "a3", T0 + 20},
        {"bob", "f1", "a4", T0 + 5},
    };
    static const struct {
        const char *subject, *feature;
        int64_t since_us, n, oldest_us;
    } cases[] = {
        {"ann", NULL, T0, 3, T0 + 10},      {"ann", "f1", T0, 2, T0 + 10},
        {"ann", "f2", T0, 1, T0 + 20},      {"ann", NULL, T0 + 10, 3, T0 + 10},
        {"ann", NULL, T0 + 11, 1, T0 + 20}, {"ann", "f1", T0 + 11, 0, 0},
        {"bob", NULL, T0, 1, T0 + 5},       {"eve", NULL, T0, 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(sends); i++)
        assert_ok(send_add(tx, f->workspace, sends[i].subject, sends[i].feature,
                           sends[i].action, sends[i].at_us, &err),
                  &err);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ok(sends_count(tx, f->workspace, cases[i].subject,
                              cases[i].feature, cases[i].since_us, &n, &oldest,
                              &err),
                  &err);
        assert_int_equal(n, cases[i].n);
        assert_int_equal(oldest, cases[i].oldest_us);
    }
    commit(tx);
}

static void
test_inbox(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct mail_row m = {.workspace_id = f->workspace,
                         .sender = "s",
                         .recipient = "r",
                         .subject = "one",
                         .html = "<p>",
                         .text = "t",
                         .headers = "{}",
                         .at_us = T0};
    struct mail_row *rows = NULL, got;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    const char *first = m.id = new_id(f, T0);
    assert_ok(inbox_add(tx, &m, &err), &err);
    m.subject = "again"; /* the same action: the first one stays */
    assert_ok(inbox_add(tx, &m, &err), &err);
    m.id = new_id(f, T0 + US_PER_S);
    m.subject = "two";
    assert_ok(inbox_add(tx, &m, &err), &err);
    assert_ok(inbox_list(tx, f->a, f->workspace, NULL, 0, &rows, &n, &err),
              &err);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].subject, "two");
    assert_string_equal(rows[1].subject, "one");
    assert_ok(inbox_list(tx, f->a, f->workspace, m.id, 9, &rows, &n, &err),
              &err);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, first);
    assert_ok(inbox_get(tx, f->a, f->workspace, first, &got, &err), &err);
    assert_string_equal(got.html, "<p>");
    assert_int_equal(inbox_get(tx, f->a, "other", first, &got, &err),
                     E_NOTFOUND);
    commit(tx);
}

static void
test_tracks(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct track_row t = {.workspace_id = f->workspace,
                          .id = new_id(f, T0),
                          .event = "signed_up",
                          .subject_key = "ann",
                          .properties = "{}",
                          .at_us = T0};
    struct track_row *rows = NULL;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(track_add(tx, &t, &err), &err);
    assert_ok(track_add(tx, &t, &err), &err);
    assert_ok(tracks_list(tx, f->a, f->workspace, NULL, 9, &rows, &n, &err),
              &err);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].event, "signed_up");
    assert_ok(tracks_list(tx, f->a, f->workspace, t.id, 9, &rows, &n, &err),
              &err);
    assert_int_equal(n, 0);
    commit(tx);
}

static void
test_suppressions(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    const char *reason = "x", *w = f->workspace, *ann = "ann@example.com";
    struct suppression_row *rows = NULL;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(suppression_find(tx, f->a, w, ann, &reason, &err), &err);
    assert_null(reason);
    assert_ok(suppression_add(tx, w, ann, "unsubscribed", T0, &err), &err);
    assert_ok(suppression_add(tx, w, ann, "bounced", T0 + 1, &err), &err);
    assert_ok(suppression_find(tx, f->a, w, ann, &reason, &err), &err);
    assert_string_equal(reason, "unsubscribed");
    assert_ok(suppression_find(tx, f->a, "other", ann, &reason, &err), &err);
    assert_null(reason);
    assert_ok(suppression_list(tx, f->a, w, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].at_us, T0);
    assert_ok(suppression_remove(tx, w, ann, &err), &err);
    assert_int_equal(suppression_remove(tx, w, ann, &err), E_NOTFOUND);
    assert_ok(suppression_find(tx, f->a, w, ann, &reason, &err), &err);
    assert_null(reason);
    commit(tx);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_key_once), TEST(test_update),   TEST(test_due),
        TEST(test_list),     TEST(test_attempts), TEST(test_sends),
        TEST(test_inbox),    TEST(test_tracks),   TEST(test_suppressions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
