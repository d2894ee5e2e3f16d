/*
 * One value against another, with SQL's meaning of NULL.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/time.h"
#include "core/predicate.h"

static bool
is_null(const struct json *v)
{
    return !v || v->kind == JSON_NULL;
}

static bool
is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_DECIMAL;
}

static bool
as_time(const struct json *v, int64_t *us)
{
    return v->kind == JSON_STRING && iso_parse(v->text, v->n, us, NULL) == OK;
}

static int
sign(double p, double q)
{
    return (p > q) - (p < q);
}

/* A number or bool against its text: '5' and 5 are the same to SQL. */
static bool
order_text(const struct json *text, const struct json *other, int *out)
{
    char *end = NULL;

    if (other->kind == JSON_BOOL) {
        *out = strcmp(text->text, other->boolean ? "true" : "false");
        return true;
    }
    if (!is_number(other))
        return false;
    double number = strtod(text->text, &end);
    /* PostgreSQL prints NaN as text and sorts it above all numbers. */
    *out = number != number ? 1 : sign(number, json_double(other, 0));
    return end != text->text && !*end;
}

static void
order_texts(const struct json *x, const struct json *y, int *out)
{
    int64_t a, b;

    if (as_time(x, &a) && as_time(y, &b))
        *out = (a > b) - (a < b);
    else
        *out = strcmp(x->text, y->text);
}

/* Text that PostgreSQL prints for a number, bool or date is compared as what
 * it is: the record's kind decides. False when the two cannot be ordered. */
static bool
order(const struct json *x, const struct json *y, int *out)
{
    bool x_text = x->kind == JSON_STRING, y_text = y->kind == JSON_STRING;
    bool done = true;

    if (is_number(x) && is_number(y)) {
        *out = json_number_order(x, y);
    } else if (x_text && y_text) {
        order_texts(x, y, out);
    } else if (x->kind == JSON_BOOL && y->kind == JSON_BOOL) {
        *out = (int)x->boolean - (int)y->boolean;
    } else if (x_text) {
        done = order_text(x, y, out);
    } else {
        done = y_text && order_text(y, x, out);
        *out = -*out;
    }
    return done;
}

static bool
same(const struct json *x, const struct json *y)
{
    int c = 1;

    return order(x, y, &c) ? c == 0 : json_equal(x, y);
}

static bool
in_list(const struct json *v, const struct json *list)
{
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
        if (!is_null(list->items[i]) && same(v, list->items[i]))
            return true;
    return false;
}

static bool
text_op(enum op op, const struct json *v, const struct json *expected)
{
    const char *text = json_str(v, NULL), *part = json_str(expected, "");
    size_t n = strlen(part), len = text ? strlen(text) : 0;

    if (!text || n > len)
        return false;
    if (op == OP_STARTS_WITH)
        return memcmp(text, part, n) == 0;
    if (op == OP_ENDS_WITH)
        return memcmp(text + len - n, part, n) == 0;
    return strstr(text, part) != NULL;
}

/* Whole days between the dates of two instants, UTC. */
static int64_t
day_of(int64_t us)
{
    int64_t d = us / US_PER_DAY;

    return us % US_PER_DAY < 0 ? d - 1 : d;
}

static enum status
period_op(enum op op, const struct json *v, const struct json *expected,
          int64_t now_us, bool *holds, struct error *err)
{
    int64_t at, span;
    enum status rc = duration_parse(json_str(expected, ""), &span, err);

    if (rc != OK)
        return rc;
    if (!as_time(v, &at))
        return fail(err, E_INVALID, "'%.40s' is not a time",
                    json_str(v, "a value"));
    *holds = op == OP_OLDER_THAN   ? now_us - at > span
             : op == OP_NEWER_THAN ? now_us - at <= span
             : op == OP_DUE_IN     ? day_of(at) == day_of(now_us + span)
                                   : day_of(at) == day_of(now_us - span);
    return OK;
}

static bool
order_op(enum op op, const struct json *v, const struct json *expected)
{
    int c = 0;

    if (is_null(expected) || !order(v, expected, &c))
        return false;
    return op == OP_GT    ? c > 0
           : op == OP_GTE ? c >= 0
           : op == OP_LT  ? c < 0
                          : c <= 0;
}

enum status
op_eval(enum op op, const struct json *actual, const struct json *expected,
        int64_t now_us, enum truth *out, struct error *err)
{
    bool null = is_null(actual), holds = false;
    enum status rc = OK;

    switch (op) {
    case OP_IS_NULL:
        holds = null;
        break;
    case OP_NOT_NULL:
        holds = !null;
        break;
    case OP_EQ:
        holds = !null && !is_null(expected) && same(actual, expected);
        break;
    case OP_NEQ:
        holds = null || is_null(expected) ? null != is_null(expected)
                                          : !same(actual, expected);
        break;
    case OP_GT:
    case OP_GTE:
    case OP_LT:
    case OP_LTE:
        holds = !null && order_op(op, actual, expected);
        break;
    case OP_IN:
        holds = !null && in_list(actual, expected);
        break;
    case OP_NOT_IN:
        holds = !null && !in_list(actual, expected);
        break;
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        holds = !null && text_op(op, actual, expected);
        break;
    case OP_OLDER_THAN:
    case OP_NEWER_THAN:
    case OP_DUE_IN:
    case OP_DUE_AGO:
        if (!null)
            rc = period_op(op, actual, expected, now_us, &holds, err);
        break;
    case OP_COUNT:
        return fail(err, E_BUG, "not an operator");
    }
    *out = holds ? TRUTH_YES : TRUTH_NO;
    return rc;
}
