/* The last look before sending (M7), retries (M9), stages (M11). */
#include "saas.h"

#include "base/clock.h"
#include "codec/time.h"
#include "core/gates.h"
#include "core/retry.h"
#include "core/stage.h"

static int64_t
at(const char *iso)
{
    int64_t us = 0;
    struct error err = {0};

    if (iso_parse(iso, strlen(iso), &us, &err) != OK)
        broken("%s", err.msg);
    return us;
}

enum { SUN = 1, MON = 2, FRI = 32, SAT = 64 };

static void
quiet(void **state)
{
    static const struct {
        struct timing t;
        const char *zone, *now, *want;
    } cases[] = {
        {{0}, NULL, "2026-11-24T03:00:00Z", "2026-11-24T03:00:00Z"},
        /* over midnight */
        {{.quiet = true, .quiet_from_min = 1260, .quiet_to_min = 480},
         NULL,
         "2026-11-24T20:59:59Z",
         "2026-11-24T20:59:59Z"},
        {{.quiet = true, .quiet_from_min = 1260, .quiet_to_min = 480},
         NULL,
         "2026-11-24T21:00:00Z",
         "2026-11-25T08:00:00Z"},
        {{.quiet = true, .quiet_from_min = 1260, .quiet_to_min = 480},
         NULL,
         "2026-11-24T07:59:59.9Z",
         "2026-11-24T08:00:00Z"},
        {{.quiet = true, .quiet_from_min = 1260, .quiet_to_min = 480},
         NULL,
         "2026-11-24T08:00:00Z",
         "2026-11-24T08:00:00Z"},
        /* within one day */
        {{.quiet = true, .quiet_from_min = 540, .quiet_to_min = 1020},
         NULL,
         "2026-11-24T12:34:56Z",
         "2026-11-24T17:00:00Z"},
        {{.quiet = true, .quiet_from_min = 540, .quiet_to_min = 1020},
         NULL,
         "2026-11-24T18:00:00Z",
         "2026-11-24T18:00:00Z"},
        /* up to midnight */
        {{.quiet = true, .quiet_from_min = 1200, .quiet_to_min = 0},
         NULL,
         "2026-11-24T22:00:00Z",
         "2026-11-25T00:00:00Z"},
        /* a zone of the feature, of the subject, of nobody */
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .tz = "Asia/Tokyo"},
         NULL,
         "2026-11-24T12:30:00Z",
         "2026-11-24T23:00:00Z"},
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .tz = "subject"},
         "America/New_York",
         "2026-11-25T02:30:00Z",
         "2026-11-25T13:00:00Z"},
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .tz = "subject"},
         NULL,
         "2026-11-24T21:30:00Z",
         "2026-11-25T08:00:00Z"},
        /* the night the clocks go forward, and the one they go back */
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .tz = "Europe/Helsinki"},
         NULL,
         "2026-03-28T20:00:00Z",
         "2026-03-29T05:00:00Z"},
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .tz = "Europe/Helsinki"},
         NULL,
         "2026-10-24T20:00:00Z",
         "2026-10-25T06:00:00Z"},
        /* quiet until an hour that does not exist that day */
        {{.quiet = true,
          .quiet_from_min = 60,
          .quiet_to_min = 210,
          .tz = "Europe/Helsinki"},
         NULL,
         "2026-03-29T00:30:00Z",
         "2026-03-29T01:00:00Z"},
        /* 01:10 comes twice in New York: quiet until 01:30 both times */
        {{.quiet = true,
          .quiet_from_min = 1320,
          .quiet_to_min = 90,
          .tz = "America/New_York"},
         NULL,
         "2026-11-01T05:10:00Z",
         "2026-11-01T05:30:00Z"},
        {{.quiet = true,
          .quiet_from_min = 1320,
          .quiet_to_min = 90,
          .tz = "America/New_York"},
         NULL,
         "2026-11-01T06:10:20.5Z",
         "2026-11-01T06:30:00Z"},
        {{.quiet = true,
          .quiet_from_min = 120,
          .quiet_to_min = 180,
          .tz = "America/New_York"},
         NULL,
         "2026-03-08T06:59:59Z",
         "2026-03-08T06:59:59Z"},
        /* days: 2026-11-24 is a Tuesday */
        {{.days = MON | FRI},
         NULL,
         "2026-11-24T12:00:00Z",
         "2026-11-27T00:00:00Z"},
        {{.days = MON}, NULL, "2026-11-23T23:59:59Z", "2026-11-23T23:59:59Z"},
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .days = FRI},
         NULL,
         "2026-11-27T22:00:00Z",
         "2026-12-04T08:00:00Z"},
        {{.quiet = true,
          .quiet_from_min = 1260,
          .quiet_to_min = 480,
          .days = SUN | SAT},
         NULL,
         "2026-11-24T12:00:00Z",
         "2026-11-28T08:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 0;
        char text[ISO_BYTES];
        struct error err = {0};
        enum status rc = quiet_until(&cases[i].t, cases[i].zone,
                                     at(cases[i].now), &got, &err);
        if (rc != OK || got != at(cases[i].want))
            broken("case %zu: %s %s", i, iso_write(got, text), err.msg);
    }
}

static void
unknown_zone(void **state)
{
    const struct timing t = {.quiet = true,
                             .quiet_from_min = 1260,
                             .quiet_to_min = 480,
                             .tz = "subject"};
    int64_t got;
    struct error err = {0};

    (void)state;
    assert_int_equal(quiet_until(&t, "Mars/Base", at("2026-11-24"), &got, &err),
                     E_INPUT);
    assert_non_null(strstr(err.msg, "Mars/Base"));
}

#define NOON "2026-11-24T12:00:00Z"

static void
send_gates(void **state)
{
    static const struct timing night = {
        .quiet = true, .quiet_from_min = 660, .quiet_to_min = 780};
    static const struct timing cap = {.cap_count = 2,
                                      .cap_per_us = 7 * US_PER_DAY};
    static const struct timing none = {0};
    const int64_t now = at(NOON);
    const struct {
        const struct timing *t;
        struct send_facts facts;
        enum verdict want;
        int64_t until_us;
        size_t n_gates;
    } cases[] = {
        {&none, {0}, VERDICT_ENTERED, 0, 4},
        {&none, {.exited = true, .suppressed = true}, VERDICT_COMPLETED, 0, 1},
        {&night, {.suppressed = true}, VERDICT_SUPPRESSED, 0, 2},
        {&night, {0}, VERDICT_QUIET_DEFERRED, at("2026-11-24T13:00:00Z"), 3},
        {&cap, {.sent_feature = 1}, VERDICT_ENTERED, 0, 4},
        {&cap,
         {.sent_feature = 2, .oldest_feature_us = now - US_PER_DAY},
         VERDICT_CAPPED,
         now + 6 * US_PER_DAY,
         4},
        {&none,
         {.workspace_cap = 3,
          .workspace_per_us = US_PER_DAY,
          .sent_workspace = 3,
          .oldest_workspace_us = now - 20 * US_PER_H},
         VERDICT_CAPPED,
         now + 4 * US_PER_H,
         4},
        /* both are full: the later of the two chances */
        {&cap,
         {.sent_feature = 5,
          .oldest_feature_us = now - US_PER_DAY,
          .workspace_cap = 1,
          .workspace_per_us = US_PER_DAY,
          .sent_workspace = 1,
          .oldest_workspace_us = now - US_PER_S},
         VERDICT_CAPPED,
         now + 6 * US_PER_DAY,
         4},
        /* never in the past, or it would be tried in a loop */
        {&cap,
         {.sent_feature = 2, .oldest_feature_us = 0},
         VERDICT_CAPPED,
         now + US_PER_S,
         4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct send_facts facts = cases[i].facts;
        struct send_gate got;
        struct error err = {0};
        facts.now_us = now;
        assert_int_equal(send_gate(a, cases[i].t, &facts, &got, &err), OK);
        if (got.verdict != cases[i].want || got.until_us != cases[i].until_us ||
            got.detail->n != cases[i].n_gates)
            broken("case %zu: %s until %lld, %u gates", i,
                   verdict_name(got.verdict), (long long)got.until_us,
                   got.detail->n);
    }
}

static void
send_detail(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct timing t = {
        .quiet = true, .quiet_from_min = 660, .quiet_to_min = 780};
    const struct send_facts facts = {.now_us = at(NOON)};
    struct send_gate got;
    struct error err = {0};

    (void)state;
    assert_int_equal(send_gate(a, &t, &facts, &got, &err), OK);
    assert_true(json_equal(
        got.detail,
        json_of(a, "[{'gate':'exit','result':'pass'},{'gate':'suppression',"
                   "'result':'pass'},{'gate':'quiet_hours','result':'fail',"
                   "'until':'2026-11-24T13:00:00.000000Z'}]")));
}

static void
retries(void **state)
{
    static const int64_t delays_s[] = {5,    30,   120,   600,
                                       1800, 7200, 18000, 36000};

    (void)state;
    for (int i = 0; i < 8; i++) {
        int64_t base = delays_s[i] * US_PER_S;
        int64_t low = retry_delay_us(i + 1, -1, 0);
        assert_int_equal(low, base - base / 5);
        for (uint64_t r = 1; r < 4000000000u; r = r * 7 + 3) {
            int64_t d = retry_delay_us(i + 1, -1, r);
            assert_in_range(d, base - base / 5, base + base / 5);
        }
    }
    assert_int_equal(retry_delay_us(0, -1, 0), -1);
    assert_int_equal(retry_delay_us(RETRY_MAX + 1, -1, 0), -1);
    assert_int_equal(retry_delay_us(1, 60, 0), 60 * US_PER_S);
    assert_int_equal(retry_delay_us(4, 60, 0), 480 * US_PER_S);
    assert_int_equal(retry_delay_us(1, 10 * 86400, 0), US_PER_DAY);
    assert_int_equal(retry_delay_us(1, INT64_MAX, 0), US_PER_DAY);
}

static void
stages(void **state)
{
    (void)state;
    assert_true(stage_may_move(STAGE_DISCOVERY, true, STAGE_RETENTION, false));
    assert_true(stage_may_move(STAGE_RETENTION, true, STAGE_RETENTION, false));
    assert_false(stage_may_move(STAGE_RETENTION, true, STAGE_DISCOVERY, false));
    assert_true(stage_may_move(STAGE_RETENTION, true, STAGE_DISCOVERY, true));
    assert_true(stage_may_move(STAGE_VIRALITY, false, STAGE_DISCOVERY, false));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet),      cmocka_unit_test(unknown_zone),
        cmocka_unit_test(send_gates), cmocka_unit_test(send_detail),
        cmocka_unit_test(retries),    cmocka_unit_test(stages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
