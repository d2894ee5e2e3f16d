/* Shares and lift, what differs between versions, what would have to change. */
#include <math.h>

#include "saas.h"

#include "codec/time.h"
#include "core/conversion.h"
#include "core/feature_diff.h"
#include "core/why_not.h"

static void
near(double got, double want)
{
    if (fabs(got - want) > 0.0005)
        broken("%.5f is not %.5f", got, want);
}

/* Table II of Newcombe's article, method 10, cases (a), (c) and (h). */
static void
lifts(void **state)
{
    static const struct {
        int64_t a, m, b, n;
        double d, low, high;
    } cases[] = {{56, 70, 48, 80, 0.2, 0.0524, 0.3339},
                 {6, 7, 2, 7, 0.5714, 0.0582, 0.8062},
                 {10, 10, 0, 10, 1.0, 0.6075, 1.0}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lift l = lift_of(cases[i].a, cases[i].m, cases[i].b, cases[i].n);
        near(l.difference, cases[i].d);
        near(l.low, cases[i].low);
        near(l.high, cases[i].high);
        assert_true(l.significant);
    }
    assert_false(lift_of(5, 10, 4, 10).significant);
    assert_false(lift_of(5, 10, 0, 0).significant);
    struct share s = share_of(0, 20);
    near(s.low, 0);
    near(s.high, 0.1611);
    assert_true(share_of(3, 0).high == 1);
}

#define TEXT(head, conditions, rest)                                        \
    "version: 1\nkey: k\nstage: onboarding\n"                               \
    "trigger: {type: row, table: auth.users, op: insert}\n"                 \
    "subject: {table: auth.users, id: id, email: email}\n"                  \
    "entry: {mode: once, conditions: [" conditions "]}\n" head "machine:\n" \
    "  initial: s0\n  states:\n    s0:\n      transitions:\n"               \
    "        - {after: P1D, target: done}\n" rest "    done: {final: true}\n"

static struct feature *
yaml(struct arena *a, const char *text)
{
    struct feature *f = NULL;
    struct error err = {0};

    if (feature_parse_text(a, text, strlen(text), &f, &err) != OK)
        broken("%s", err.msg);
    return f;
}

static void
diffs(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *x =
        yaml(a, TEXT("timing: {cooldown: P1D}\n",
                     "{path: plan, op: eq, value: a}", ""));
    const struct feature *y =
        yaml(a, TEXT("timing: {cooldown: PT48H}\ngoal: {when: [{path: plan, "
                     "op: eq, value: pro}], within: P7D}\n",
                     "{path: email, op: not_null}, "
                     "{path: plan, op: eq, value: a}",
                     ""));
    const struct feature *same =
        yaml(a, TEXT("timing: {cooldown: PT24H}\n",
                     "{path: plan, op: eq, value: a}", ""));
    AUTO_BUF text = buf_new(4096);

    (void)state;
    feature_diff_text(&text, feature_diff(a, x, y));
    assert_string_equal(text.data,
                        "  + entry.conditions[0]  {\"path\":\"email\",\"op\":"
                        "\"not_null\"}\n"
                        "  ~ timing.cooldown  \"P1D\" → \"P2D\"\n"
                        "  + goal  {\"when\":[{\"path\":\"plan\",\"op\":\"eq\","
                        "\"value\":\"pro\"}],\"within\":\"P7D\"}\n");
    assert_int_equal(feature_diff(a, x, same)->n, 0);
    buf_reset(&text);
    feature_diff_text(&text, feature_diff(a, y, x));
    assert_non_null(strstr(text.data, "  - goal  {"));
}

/* One sentence a verdict. */
static void
sentences(void **state)
{
    static const struct {
        enum verdict verdict;
        const char *words;
    } cases[] = {
        {VERDICT_PAUSED, "must be active"},
        {VERDICT_ALREADY_ENTERED, "did at 2026-01-05T09:00:00"},
        {VERDICT_COOLDOWN, "ends at 2026-01-06T09:00:00"},
        {VERDICT_HOLDOUT, "kept back"},
        {VERDICT_NO_SUBJECT, "id of the row must lead"},
        {VERDICT_ENTERED, "a row is inserted into auth.users"},
    };
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f =
        yaml(a, TEXT("timing: {cooldown: P1D}\n", "", ""));
    struct enrolment x = {.entries = 1,
                          .last_entered_us = 1767603600 * US_PER_S};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct decision d = {.verdict = cases[i].verdict};
        struct json *list = why_not_changes(a, f, &d, &x, NULL);
        assert_int_equal(list->n, 1);
        if (!strstr(list->items[0]->text, cases[i].words))
            broken("%s", list->items[0]->text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifts),
        cmocka_unit_test(diffs),
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
