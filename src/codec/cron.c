#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "codec/civil.h"

struct field {
    const char *name;
    int min, max;
    const char *const *words; /* names from `min` on */
    int n_words;
};

static const char *const month_words[] = {"jan", "feb", "mar", "apr",
                                          "may", "jun", "jul", "aug",
                                          "sep", "oct", "nov", "dec"};
static const char *const day_words[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};
static const struct field fields[] = {
    {.name = "minute", .min = 0, .max = 59},
    {.name = "hour", .min = 0, .max = 23},
    {.name = "day", .min = 1, .max = 31},
    {.name = "month", .min = 1, .max = 12, .words = month_words, .n_words = 12},
    {.name = "weekday", .min = 0, .max = 7, .words = day_words, .n_words = 7},
};

static bool
read_value(const char **p, const struct field *f, int *out)
{
    int v = 0, n = 0;

    for (int i = 0; i < f->n_words; i++) {
        if (strncasecmp(*p, f->words[i], 3) == 0) {
            *p += 3;
            *out = f->min + i;
            return true;
        }
    }
    for (; isdigit((unsigned char)**p) && n < 3; n++)
        v = v * 10 + (*(*p)++ - '0');
    *out = v;
    return n > 0 && v >= f->min && v <= f->max;
}

/* One item of a list: "*", "a", "a-b", each with an optional step. */
static bool
read_item(const char **p, const struct field *f, uint64_t *bits)
{
    int from = f->min, to = f->max, step = 1;

    if (**p == '*') {
        ++*p;
    } else {
        if (!read_value(p, f, &from))
            return false;
        to = from;
        if (**p == '-') {
            ++*p;
            if (!read_value(p, f, &to) || to < from)
                return false;
        } else if (**p == '/') {
            to = f->max;
        }
    }
    if (**p == '/') {
        step = 0;
        ++*p;
        for (int n = 0; isdigit((unsigned char)**p) && n < 3; n++)
            step = step * 10 + (*(*p)++ - '0');
        if (step < 1)
            return false;
    }
    for (int v = from; v <= to; v += step)
        *bits |= UINT64_C(1) << v;
    return true;
}

static enum status
read_field(const char **p, const struct field *f, uint64_t *bits, bool *any,
           struct error *err)
{
    const char *start = *p + strspn(*p, " ");

    *p = start;
    *bits = 0;
    *any = *start == '*'; /* with a step too: that is Vixie's rule */
    do {
        if (**p == ',')
            ++*p;
        if (!read_item(p, f, bits))
            return fail(err, E_INPUT, "cron: bad %s '%.*s'", f->name,
                        (int)strcspn(start, " "), start);
    } while (**p == ',');
    if (**p != ' ' && **p != '\0')
        return fail(err, E_INPUT, "cron: bad %s '%.*s'", f->name,
                    (int)strcspn(start, " "), start);
    return OK;
}

enum status
cron_parse(const char *text, struct cron *out, struct error *err)
{
    const char *p = text;
    uint64_t bits[5] = {0};
    bool any[5];

    for (size_t i = 0; i < 5; i++) {
        enum status rc = read_field(&p, &fields[i], &bits[i], &any[i], err);
        if (rc != OK)
            return rc;
    }
    if (p[strspn(p, " ")])
        return fail(err, E_INPUT,
                    "cron: five fields wanted (minute hour day month "
                    "weekday), got '%.80s'",
                    text);
    if (bits[4] & 128) /* 7 is Sunday too */
        bits[4] |= 1;
    *out = (struct cron){.minutes = bits[0],
                         .hours = (uint32_t)bits[1],
                         .days = (uint32_t)bits[2],
                         .months = (uint32_t)bits[3],
                         .weekdays = (uint32_t)bits[4] & 127,
                         .any_day = any[2],
                         .any_weekday = any[4]};
    return OK;
}

static bool
day_matches(const struct cron *c, const struct civil *t)
{
    bool day = c->days >> t->day & 1;
    bool weekday = c->weekdays >> t->weekday & 1;

    if (!(c->months >> t->month & 1))
        return false;
    /* Both restricted: either will do (Vixie). */
    if (!c->any_day && !c->any_weekday)
        return day || weekday;
    return day && weekday;
}

/* First matching local minute of the day at or after (hour, minute). */
static bool
minute_of_day(const struct cron *c, int from, int *out)
{
    for (int m = from; m < 24 * 60; m++) {
        if ((c->hours >> (m / 60) & 1) && (c->minutes >> (m % 60) & 1)) {
            *out = m;
            return true;
        }
    }
    return false;
}

int64_t
cron_next(const struct cron *c, const struct zone *z, int64_t after_us)
{
    struct civil start = zone_civil(z, after_us);
    int64_t first = days_of(start.year, start.month, start.day);

    /* 29 February on a Monday comes within 28 years, 40 over 2100. */
    for (int64_t day = first; day < first + INT64_C(366) * 40; day++) {
        struct civil t = civil_of(day * 86400);
        int m = 0;
        if (!day_matches(c, &t))
            continue;
        /* From midnight: around a change of the clocks a local minute that is
         * past may still lie ahead as an instant. */
        while (minute_of_day(c, m, &m)) {
            t.hour = m / 60;
            t.minute = m % 60;
            int64_t at = zone_instant(z, &t);
            if (at > after_us)
                return at;
            m++;
        }
    }
    return INT64_MAX;
}
