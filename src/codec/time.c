#include "codec/time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "codec/civil.h"

/* Days since 1970-01-01 of a proleptic Gregorian date; months may be out of
 * range. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t
days_of(int64_t y, int m, int d)
{
    y += (m - 1) / 12;
    m = (m - 1) % 12 + 1;
    if (m < 1) {
        m += 12;
        y--;
    }
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

struct civil
civil_of(int64_t seconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct civil){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest % 3600 / 60),
        .second = (int)(rest % 60),
        .weekday = (int)(((days % 7) + 11) % 7),
    };
}

char *
iso_write(int64_t us, char out[ISO_BYTES])
{
    int64_t s = us / US_PER_S, rest = us % US_PER_S;

    if (rest < 0) {
        rest += US_PER_S;
        s--;
    }
    struct civil c = civil_of(s);
    (void)snprintf(out, ISO_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                   c.year % 10000, c.month, c.day, c.hour, c.minute, c.second,
                   (int)rest);
    return out;
}

struct cursor {
    const char *p, *end;
};

static bool
digits(struct cursor *c, int n, int *out)
{
    if (c->end - c->p < n)
        return false;
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)c->p[i]))
            return false;
        *out = *out * 10 + (c->p[i] - '0');
    }
    c->p += n;
    return true;
}

static bool
accept_char(struct cursor *c, const char *any)
{
    if (c->p >= c->end || !*c->p || !strchr(any, *c->p))
        return false;
    c->p++;
    return true;
}

static bool
fraction(struct cursor *c, int *us)
{
    int scale = 100000;

    *us = 0;
    if (!accept_char(c, "."))
        return true;
    if (c->p >= c->end || !isdigit((unsigned char)*c->p))
        return false;
    for (; c->p < c->end && isdigit((unsigned char)*c->p); c->p++) {
        *us += (*c->p - '0') * scale;
        scale /= 10;
    }
    return true;
}

/* PostgreSQL prints seconds too, for times before a place kept zone time. */
static bool
offset(struct cursor *c, int *seconds)
{
    int h = 0, m = 0, s = 0;

    *seconds = 0;
    if (c->p == c->end || accept_char(c, "Zz"))
        return true;
    bool west = *c->p == '-';
    if (!accept_char(c, "+-") || !digits(c, 2, &h))
        return false;
    if (accept_char(c, ":") || c->p < c->end)
        if (!digits(c, 2, &m) || (accept_char(c, ":") && !digits(c, 2, &s)))
            return false;
    if (h > 15 || m > 59 || s > 59)
        return false;
    *seconds = (h * 3600 + m * 60 + s) * (west ? -1 : 1);
    return true;
}

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

enum status
iso_parse(const char *text, size_t n, int64_t *us, struct error *err)
{
    struct cursor c = {text, text + n};
    int y, mo, d, h = 0, mi = 0, s = 0, frac = 0, off = 0;
    bool ok = digits(&c, 4, &y) && accept_char(&c, "-") && digits(&c, 2, &mo) &&
              accept_char(&c, "-") && digits(&c, 2, &d) && mo >= 1 &&
              mo <= 12 && d >= 1 && d <= month_days(y, mo);

    if (ok && c.p < c.end)
        ok = accept_char(&c, "Tt ") && digits(&c, 2, &h) &&
             accept_char(&c, ":") && digits(&c, 2, &mi) &&
             (!accept_char(&c, ":") || digits(&c, 2, &s)) &&
             fraction(&c, &frac) && offset(&c, &off) && h <= 23 && mi <= 59 &&
             s <= 60;
    if (!ok || c.p != c.end)
        return fail(err, E_INPUT, "'%.*s' is not an ISO 8601 time",
                    (int)(n > 40 ? 40 : n), text);
    int64_t seconds = days_of(y, mo, d) * 86400 + h * INT64_C(3600) +
                      mi * INT64_C(60) + s - off;
    *us = seconds * US_PER_S + frac;
    return OK;
}

/* ---- durations ---- */

static const int64_t DURATION_MAX_US = 3650 * US_PER_DAY;
static const int64_t PART_MAX_US = INT64_MAX / 8; /* four cannot overflow */

static bool
part(const char **p, char unit, int64_t per_us, int64_t *total)
{
    const char *s = *p;
    int64_t v = 0;

    while (isdigit((unsigned char)*s) && v < INT64_C(1000000000))
        v = v * 10 + (*s++ - '0');
    if (s == *p || *s != unit)
        return false;
    if (v > PART_MAX_US / per_us)
        v = PART_MAX_US / per_us; /* over the limit all the same */
    *p = s + 1;
    *total += v * per_us;
    return true;
}

enum status
duration_parse(const char *text, int64_t *us, struct error *err)
{
    const char *p = text;
    int64_t total = 0;
    bool any = false, ok = *p++ == 'P';

    if (ok)
        any = part(&p, 'D', US_PER_DAY, &total);
    if (ok && *p == 'T') {
        p++;
        bool h = part(&p, 'H', US_PER_H, &total);
        bool m = part(&p, 'M', US_PER_MIN, &total);
        bool s = part(&p, 'S', US_PER_S, &total);
        any = any || h || m || s;
        ok = h || m || s;
    }
    if (!ok || !any || *p)
        return fail(err, E_INPUT,
                    "'%.40s' is not a duration such as P2D or PT1H30M", text);
    if (total > DURATION_MAX_US)
        return fail(err, E_INPUT, "duration %.40s is over 3650 days", text);
    *us = total;
    return OK;
}

char *
duration_write(int64_t us, char out[ISO_BYTES])
{
    int64_t s = us / US_PER_S;
    int64_t d = s / 86400, h = s % 86400 / 3600, m = s % 3600 / 60;
    int n = snprintf(out, ISO_BYTES, "P");

    s %= 60;
    if (d)
        n += snprintf(out + n, ISO_BYTES - (size_t)n, "%lldD", (long long)d);
    if (h || m || s || !d)
        n += snprintf(out + n, ISO_BYTES - (size_t)n, "T");
    if (h)
        n += snprintf(out + n, ISO_BYTES - (size_t)n, "%dH", (int)h);
    if (m)
        n += snprintf(out + n, ISO_BYTES - (size_t)n, "%dM", (int)m);
    if (s || (!d && !h && !m))
        (void)snprintf(out + n, ISO_BYTES - (size_t)n, "%dS", (int)s);
    return out;
}

char *
duration_human(int64_t us, char out[ISO_BYTES])
{
    static const struct {
        int64_t us;
        const char *one, *many;
    } units[] = {{US_PER_DAY, "day", "days"},
                 {US_PER_H, "h", "h"},
                 {US_PER_MIN, "min", "min"},
                 {US_PER_S, "s", "s"}};
    const size_t last = sizeof(units) / sizeof(units[0]) - 1;

    if (us < US_PER_S) {
        (void)snprintf(out, ISO_BYTES, "%.1f s", (double)us / 1e6);
        return out;
    }
    size_t i = 0;
    while (i < last && us < units[i].us)
        i++;
    int64_t v = us / units[i].us, rest = us % units[i].us;
    int n = snprintf(out, ISO_BYTES, "%lld %s", (long long)v,
                     v == 1 ? units[i].one : units[i].many);
    if (i < last && rest >= units[i + 1].us) {
        int64_t w = rest / units[i + 1].us;
        (void)snprintf(out + n, ISO_BYTES - (size_t)n, " %lld %s", (long long)w,
                       w == 1 ? units[i + 1].one : units[i + 1].many);
    }
    return out;
}
