/*
 * Order of numbers by their digits: PostgreSQL's numeric and bigint have more
 * of them than a double.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"

enum { INT_BYTES = 24 };
static const int64_t SCALE_MAX = INT64_C(1) << 40; /* over any text's length */

/* Value = 0.d1d2d3… * 10^scale, d1 being the first digit that is not 0. */
struct digits {
    const char *p, *end; /* p is NULL for zero */
    int64_t scale;
    bool minus;
};

static struct digits
digits_of(const char *text)
{
    struct digits d = {.minus = *text == '-'};
    const char *s = text + d.minus;
    bool point = false;

    for (; *s && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            point = true;
        } else if (!d.p && *s == '0') {
            d.scale -= point;
        } else {
            if (!d.p)
                d.p = s;
            d.scale += !point;
        }
    }
    d.end = s;
    if (*s) {
        long long e = strtoll(s + 1, NULL, 10);
        d.scale += e > SCALE_MAX ? SCALE_MAX : e < -SCALE_MAX ? -SCALE_MAX : e;
    }
    return d;
}

static int
next_digit(struct digits *d)
{
    if (d->p < d->end && *d->p == '.')
        d->p++;
    return d->p < d->end ? *d->p++ - '0' : 0;
}

static int
magnitude_order(struct digits x, struct digits y)
{
    if (!x.p || !y.p)
        return (x.p != NULL) - (y.p != NULL);
    if (x.scale != y.scale)
        return x.scale < y.scale ? -1 : 1;
    while (x.p < x.end || y.p < y.end) {
        int a = next_digit(&x), b = next_digit(&y);
        if (a != b)
            return a < b ? -1 : 1;
    }
    return 0;
}

static bool
text_of(const struct json *j, char own[INT_BYTES], const char **out)
{
    if (json_is(j, JSON_DECIMAL)) {
        *out = j->text;
        return true;
    }
    (void)snprintf(own, INT_BYTES, "%lld", (long long)json_int(j, 0));
    *out = own;
    return json_is(j, JSON_INT);
}

int
json_number_order(const struct json *x, const struct json *y)
{
    char x_own[INT_BYTES], y_own[INT_BYTES];
    const char *x_text, *y_text;

    if (json_is(x, JSON_INT) && json_is(y, JSON_INT))
        return (x->integer > y->integer) - (x->integer < y->integer);
    if (!text_of(x, x_own, &x_text) || !text_of(y, y_own, &y_text))
        return 0;
    struct digits a = digits_of(x_text), b = digits_of(y_text);
    if (!a.p && !b.p)
        return 0; /* -0 is 0 */
    if (a.minus != b.minus)
        return a.minus ? -1 : 1;
    int order = magnitude_order(a, b);
    return a.minus ? -order : order;
}
