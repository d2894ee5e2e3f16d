#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/time.h"

static int64_t
instant(const char *text)
{
    int64_t us = 0;
    struct error err = {0};

    assert_ok(iso_parse(text, strlen(text), &us, &err), &err);
    return us;
}

static void
test_iso(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"2026-11-24T09:00:00Z", "2026-11-24T09:00:00.000000Z"},
        {"2026-11-24 09:00:00.5+00", "2026-11-24T09:00:00.500000Z"},
        {"2026-11-24T09:00:00.123456789+02:00", "2026-11-24T07:00:00.123456Z"},
        {"2026-11-24T09:00:00-0530", "2026-11-24T14:30:00.000000Z"},
        {"2026-11-24T09:00:00+05:30", "2026-11-24T03:30:00.000000Z"},
        {"1890-01-01 00:00:00+01:39:49", "1889-12-31T22:20:11.000000Z"},
        {"2026-11-24", "2026-11-24T00:00:00.000000Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
    };
    static const char *const bad[] = {
        "",
        "now",
        "2026-13-01",
        "2026-02-29",
        "2026-00-10",
        "2026-11-24T25:00:00Z",
        "2026-11-24T09:00:00Zx",
        "2026-11-24T09:00:00.Z",
        "2026-11-24T09:00:00+99",
        "2026-11-24T09:00:00+01:60",
        "2026-11-24T09:00:00+01:00:60",
        "2026-11-24T09:00:00+01:00:",
        "2026-11-24T",
        "infinity",
    };
    char out[ISO_BYTES];
    int64_t us;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(iso_write(instant(cases[i].text), out),
                            cases[i].canonical);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        if (iso_parse(bad[i], strlen(bad[i]), &us, &err) != E_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void
test_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        const char *canonical, *human;
    } cases[] = {
        {"P2D", 172800, "P2D", "2 days"},
        {"PT90M", 5400, "PT1H30M", "1 h 30 min"},
        {"PT0S", 0, "PT0S", "0.0 s"},
        {"P1DT1S", 86401, "P1DT1S", "1 day"},
        {"PT3600S", 3600, "PT1H", "1 h"},
        {"P3650D", 315360000, "P3650D", "3650 days"},
    };
    static const char *const bad[] = {"",      "P",      "PT",   "P1W",
                                      "2D",    "P1H",    "-P1D", "P1DT",
                                      "P1.5D", "P3651D", "P1D "};
    char out[ISO_BYTES];
    int64_t us;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        assert_ok(duration_parse(cases[i].text, &us, &err), &err);
        assert_int_equal(us, cases[i].seconds * US_PER_S);
        assert_string_equal(duration_write(us, out), cases[i].canonical);
        assert_string_equal(duration_human(us, out), cases[i].human);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        if (duration_parse(bad[i], &us, &err) != E_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
}

static const char *const zones[] = {"Europe/Helsinki",     "America/New_York",
                                    "Australia/Lord_Howe", "Asia/Kolkata",
                                    "America/Sao_Paulo",   "Africa/Casablanca"};

/* The C library reads the same files by other code: they must agree, hour by
 * hour over DST changes of six zones, and far beyond the last transition. */
static void
test_zones_against_libc(void **state)
{
    static const int years[] = {1995, 2007, 2024, 2026, 2050};
    (void)state;

    for (size_t z = 0; z < COUNT_OF(zones); z++) {
        const struct zone *zone = NULL;
        struct error err = {0};
        assert_ok(zone_get(zones[z], &zone, &err), &err);
        assert_int_equal(setenv("TZ", zones[z], 1), 0);
        tzset();
        for (size_t y = 0; y < COUNT_OF(years); y++) {
            char text[32];
            (void)snprintf(text, sizeof(text), "%d-01-01T00:30:00Z", years[y]);
            int64_t us = instant(text);
            for (int h = 0; h < 366 * 24; h++, us += US_PER_H) {
                time_t s = (time_t)(us / US_PER_S);
                struct tm tm;
                (void)localtime_r(&s, &tm);
                struct civil c = zone_civil(zone, us);
                if (c.hour != tm.tm_hour || c.day != tm.tm_mday ||
                    c.minute != tm.tm_min || c.weekday != tm.tm_wday ||
                    c.offset_s != tm.tm_gmtoff)
                    fail_msg("%s at %lld", zones[z], (long long)us);
            }
        }
    }
    unsetenv("TZ");
}

static void
check_year(const char *name, const struct zone *zone, const char *from)
{
    int64_t us = instant(from);

    for (int i = 0; i < 366 * 4; i++, us += 6 * US_PER_H) {
        time_t s = (time_t)(us / US_PER_S);
        struct tm tm;
        (void)localtime_r(&s, &tm);
        struct civil c = zone_civil(zone, us);
        if (c.hour != tm.tm_hour || c.minute != tm.tm_min ||
            c.second != tm.tm_sec || c.offset_s != tm.tm_gmtoff)
            fail_msg("%s at %lld", name, (long long)us);
        /* Back again: the same instant, or the earlier one of two. */
        int64_t back = zone_instant(zone, &c);
        struct civil again = zone_civil(zone, back);
        if (back > us || again.hour != c.hour || again.day != c.day ||
            again.minute != c.minute)
            fail_msg("%s: %lld came back as %lld", name, (long long)us,
                     (long long)back);
    }
}

/* Every zone there is, by what its file says and by what its rule says. */
static void
test_all_zones(void **state)
{
    char line[256], name[65];
    int n = 0;
    FILE *f = fopen("/usr/share/zoneinfo/zone1970.tab", "re");
    (void)state;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        const struct zone *zone = NULL;
        struct error err = {0};
        if (line[0] == '#' || sscanf(line, "%*s %*s %64s", name) != 1)
            continue;
        assert_ok(zone_get(name, &zone, &err), &err);
        assert_int_equal(setenv("TZ", name, 1), 0);
        tzset();
        check_year(name, zone, "2026-01-01T00:10:00Z");
        check_year(name, zone, "2044-01-01T00:10:00Z");
        n++;
    }
    (void)fclose(f);
    unsetenv("TZ");
    assert_true(n > 300);
}

/* Whatever names are asked for, the cache has room for those that exist. */
static void
test_unknown_zones(void **state)
{
    static char name[1 << 20];
    const struct zone *zone = NULL;
    struct error err = {0};
    (void)state;

    memset(name, 'x', sizeof(name) - 1);
    for (int i = 0; i < 100; i++) {
        err = (struct error){0};
        assert_int_equal(zone_get(name, &zone, &err), E_INPUT);
    }
    static const char *const none[] = {
        "",       "Europe",    "Europe/", "leapseconds", "zone1970.tab",
        "../UTC", "Etc/../UTC"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        err = (struct error){0};
        if (zone_get(none[i], &zone, &err) != E_INPUT || !err.msg[0])
            fail_msg("accepted: '%s'", none[i]);
    }
    assert_ok(zone_get("Pacific/Chatham", &zone, &err), &err);
}

static void
test_instants(void **state)
{
    const struct zone *helsinki = NULL;
    struct error err = {0};
    char out[ISO_BYTES];
    (void)state;

    assert_ok(zone_get("Europe/Helsinki", &helsinki, &err), &err);
    /* 29 March 2026: 03:00 local becomes 04:00; 25 October: back. */
    struct civil gap = {2026, 3, 29, 3, 30, 0, 0, 0};
    assert_string_equal(iso_write(zone_instant(helsinki, &gap), out),
                        "2026-03-29T01:00:00.000000Z");
    struct civil twice = {2026, 10, 25, 3, 30, 0, 0, 0};
    assert_string_equal(iso_write(zone_instant(helsinki, &twice), out),
                        "2026-10-25T00:30:00.000000Z");
    struct civil over = {2026, 12, 32, 25, 0, 0, 0, 0};
    assert_string_equal(iso_write(zone_instant(helsinki, &over), out),
                        "2027-01-01T23:00:00.000000Z");
    const struct zone *none = NULL;
    assert_int_equal(zone_get("Europe/Helsinky", &none, &err), E_INPUT);
    assert_string_equal(err.hint, "did you mean Europe/Helsinki?");
    assert_int_equal(zone_get("../../etc/passwd", &none, &err), E_INPUT);
    assert_int_equal(zone_get("/etc/passwd", &none, &err), E_INPUT);
}

static void
test_cron(void **state)
{
    static const struct {
        const char *cron, *zone, *after, *next;
    } cases[] = {
        {"0 9 * * *", "UTC", "2026-11-24T08:59:59Z", "2026-11-24T09:00:00"},
        {"0 9 * * *", "UTC", "2026-11-24T09:00:00Z", "2026-11-25T09:00:00"},
        {"*/15 * * * *", "UTC", "2026-11-24T09:01:00Z", "2026-11-24T09:15:00"},
        {"0 9 * * mon", "UTC", "2026-11-24T00:00:00Z", "2026-11-30T09:00:00"},
        {"0 0 1 1 *", "UTC", "2026-11-24T00:00:00Z", "2027-01-01T00:00:00"},
        {"0 0 29 2 *", "UTC", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00"},
        {"0 0 13 * 5", "UTC", "2026-11-24T00:00:00Z", "2026-11-27T00:00:00"},
        /* A star with a step counts as a star: both must fit. */
        {"0 0 */2 * mon", "UTC", "2026-11-24T00:00:00Z", "2026-12-07T00:00:00"},
        {"0 0 1,15 * fri-sat", "UTC", "2026-11-24T00:00:00Z",
         "2026-11-27T00:00:00"},
        {"0 9 * * 7", "UTC", "2026-11-24T00:00:00Z", "2026-11-29T09:00:00"},
        {"30 8-10/2 * * *", "UTC", "2026-11-24T08:31:00Z",
         "2026-11-24T10:30:00"},
        {"0 9 * * *", "Europe/Helsinki", "2026-11-24T00:00:00Z",
         "2026-11-24T07:00:00"},
        /* 03:30 does not exist on that day: fires at the jump. */
        {"30 3 * * *", "Europe/Helsinki", "2026-03-28T12:00:00Z",
         "2026-03-29T01:00:00"},
        /* It exists twice: fires once, then on the next day. */
        {"30 3 * * *", "Europe/Helsinki", "2026-10-25T00:30:00Z",
         "2026-10-26T01:30:00"},
    };
    static const char *const bad[] = {
        "",           "* * * *",     "60 * * * *",
        "* 24 * * *", "* * 0 * *",   "* * * 13 *",
        "* * * * 8",  "*/0 * * * *", "5-1 * * * *",
        "a * * * *",  "* * * * * *",
    };
    struct cron cron;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct zone *zone = NULL;
        struct error err = {0};
        char out[ISO_BYTES];
        assert_ok(cron_parse(cases[i].cron, &cron, &err), &err);
        assert_ok(zone_get(cases[i].zone, &zone, &err), &err);
        (void)iso_write(cron_next(&cron, zone, instant(cases[i].after)), out);
        out[19] = '\0';
        assert_string_equal(out, cases[i].next);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        if (cron_parse(bad[i], &cron, &err) != E_INPUT)
            fail_msg("accepted: %s", bad[i]);
    }
    const struct zone *utc = NULL;
    struct error err = {0};
    assert_ok(zone_get("UTC", &utc, &err), &err);
    assert_ok(cron_parse("0 0 31 2 *", &cron, &err), &err);
    assert_true(cron_next(&cron, utc, 0) == INT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_zones_against_libc),
        cmocka_unit_test(test_unknown_zones),
        cmocka_unit_test(test_all_zones),
        cmocka_unit_test(test_instants),
        cmocka_unit_test(test_cron),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
