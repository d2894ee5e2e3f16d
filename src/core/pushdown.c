#include "core/pushdown.h"

#include <string.h>

#include "codec/time.h"

enum { NUMBER_MAX_CHARS = 60 };

static bool
is_time(const struct json *v, int64_t *us)
{
    return v->kind == JSON_STRING && iso_parse(v->text, v->n, us, NULL) == OK;
}

/* Numbers are compared to the last digit; floating point is not pushed, since
 * PostgreSQL compares its binary form and we the digits it prints. */
static bool
can_number(const struct json *v)
{
    if (v->kind == JSON_INT)
        return true;
    return v->kind == JSON_DECIMAL && !strpbrk(v->text, "eE") &&
           strlen(v->text) <= NUMBER_MAX_CHARS;
}

/* Text that reads as a time is compared as one, which SQL would not do. */
static bool
can_text(const struct json *v)
{
    int64_t us;

    return v->kind == JSON_STRING && !is_time(v, &us);
}

/* Years that ISO 8601 writes with four digits. */
static bool
can_time(const struct json *v)
{
    int64_t us, first = 0, end = 0;

    return is_time(v, &us) && iso_parse("0001-01-02", 10, &first, NULL) == OK &&
           iso_parse("9999-12-30", 10, &end, NULL) == OK && us >= first &&
           us <= end;
}

/* A string that may stand for a number or a boolean equals those. */
static bool
can_json(const struct json *v)
{
    if (v->kind == JSON_BOOL)
        return true;
    return can_text(v) && strcmp(v->text, "true") != 0 &&
           strcmp(v->text, "false") != 0 && v->n > 0 &&
           !strpbrk(v->text, "0123456789") && strcasecmp(v->text, "nan") != 0 &&
           !strcasestr(v->text, "inf");
}

static bool
has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
can_value(const struct column *c, const char *json_key, const struct json *v)
{
    if (json_key)
        return c->type == COLUMN_JSON && can_json(v);
    switch (c->type) {
    case COLUMN_BOOL:
        return v->kind == JSON_BOOL;
    case COLUMN_INT:
        return can_number(v);
    case COLUMN_NUMERIC:
        return has_prefix(c->type_name, "numeric") && can_number(v);
    case COLUMN_TEXT:
        /* character(n) prints its padding, and a cast to text cuts it. */
        return !has_prefix(c->type_name, "character(") &&
               !has_prefix(c->type_name, "bpchar") && can_text(v);
    case COLUMN_UUID:
    case COLUMN_ENUM:
        return can_text(v);
    case COLUMN_TIMESTAMP:
    case COLUMN_DATE:
        return can_time(v);
    case COLUMN_JSON:
    case COLUMN_OTHER:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return false;
}

static bool
can_list(const struct column *c, const char *json_key, const struct json *list)
{
    if (!list || !json_is(list, JSON_ARRAY))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i]->kind != JSON_NULL &&
            !can_value(c, json_key, list->items[i]))
            return false;
    return true;
}

static bool
can_order(const struct column *c, const char *json_key,
          const struct json *value)
{
    return !json_key && c->type != COLUMN_BOOL && can_value(c, json_key, value);
}

bool
push_can(const struct column *column, const char *json_key, enum op op,
         const struct json *value)
{
    bool null = !value || value->kind == JSON_NULL;
    bool json = json_key != NULL || column->type == COLUMN_JSON;

    if (json_key && column->type != COLUMN_JSON)
        return false;
    switch (op) {
    case OP_IS_NULL:
    case OP_NOT_NULL:
        return true;
    case OP_EQ:
    case OP_NEQ:
        return !null && can_value(column, json_key, value);
    case OP_GT:
    case OP_GTE:
    case OP_LT:
    case OP_LTE:
        return !null && can_order(column, json_key, value);
    case OP_IN:
    case OP_NOT_IN:
        return can_list(column, json_key, value);
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        return !json && !null && value->kind == JSON_STRING &&
               (column->type == COLUMN_UUID || column->type == COLUMN_ENUM ||
                (column->type == COLUMN_TEXT &&
                 can_value(column, NULL,
                           &(struct json){
                               .kind = JSON_STRING, .text = "x", .n = 1})));
    case OP_OLDER_THAN:
    case OP_NEWER_THAN:
    case OP_DUE_IN:
    case OP_DUE_AGO:
    case OP_COUNT:
        break; /* their "now" is the event's own time, a little later */
    }
    return false;
}

struct pushing {
    struct arena *a;
    const struct table *table;
    struct error *err;
};

static bool
add(struct pushing *p, struct push *list, struct push one)
{
    struct push *items = arena_array(p->a, list->n + 1, sizeof(*items));

    if (!items)
        return false;
    if (list->n)
        memcpy(items, list->sub, list->n * sizeof(*items));
    items[list->n] = one;
    list->sub = items;
    list->n++;
    return true;
}

/* *whole tells whether the predicate was taken as it is. */
static bool
add_predicate(struct pushing *p, struct push *list, const struct predicate *q,
              bool *whole)
{
    struct push any = {.kind = PUSH_ANY};
    bool ok = true;

    *whole = false;
    if (q->kind == PREDICATE_COLUMN && path_is_local(&q->path)) {
        const struct path_hop *hop = &q->path.hops[0];
        const struct column *c = table_column(p->table, hop->column);
        if (!c || column_is_secret(c->name) ||
            !push_can(c, hop->json_key, q->op, q->value))
            return true;
        *whole = true;
        return add(p, list,
                   (struct push){.kind = PUSH_COMPARE,
                                 .column = c,
                                 .json_key = hop->json_key,
                                 .op = q->op,
                                 .value = q->value});
    }
    if (q->kind != PREDICATE_ANY || q->sub.n == 0)
        return true;
    for (size_t i = 0; ok && i < q->sub.n; i++) {
        bool one = false;
        ok = add_predicate(p, &any, &q->sub.items[i], &one);
        if (!one) /* an alternative that only core can decide */
            return ok;
    }
    *whole = ok;
    return ok && add(p, list, any);
}

static bool
add_match(struct pushing *p, struct push *list, const struct column *c,
          const struct match *m, bool old, bool negated)
{
    if (!m->set || !push_can(c, NULL, m->op, m->value))
        return true;
    return add(p, list,
               (struct push){.kind = PUSH_COMPARE,
                             .column = c,
                             .op = m->op,
                             .value = m->value,
                             .old = old,
                             .negated = negated});
}

/* M3. */
static bool
add_update(struct pushing *p, struct push *list, const struct feature *f)
{
    const struct column *c = table_column(p->table, f->column);

    if (!c || column_is_secret(c->name))
        return true;
    return add(p, list, (struct push){.kind = PUSH_CHANGED, .column = c}) &&
           add_match(p, list, c, &f->from, true, false) &&
           add_match(p, list, c, &f->to, false, false) &&
           add_match(p, list, c, &f->to, true, true);
}

enum status
push_of(struct arena *a, const struct table *t, const struct feature *f,
        struct push *out, struct error *err)
{
    struct pushing p = {.a = a, .table = t, .err = err};
    bool ok = true, whole;

    *out = (struct push){.kind = PUSH_ALL};
    if (f->op == ROW_UPDATE && f->column)
        ok = add_update(&p, out, f);
    /* A rematch waits for a row on which the conditions do not hold. */
    if (f->mode != ENTRY_REMATCH)
        for (size_t i = 0; ok && i < f->conditions.n; i++)
            ok = add_predicate(&p, out, &f->conditions.items[i], &whole);
    return ok ? OK : fail(err, E_NOMEM, "conditions of %s", f->key);
}

static size_t
value_bytes(const struct json *v)
{
    size_t n = 60;

    if (v && v->kind == JSON_STRING)
        n += (size_t)2 * v->n;
    if (v && v->kind == JSON_ARRAY)
        for (uint32_t i = 0; i < v->n; i++)
            n += value_bytes(v->items[i]);
    return n;
}

size_t
push_bytes(const struct push *p)
{
    /* A name of 63 bytes may be written three times, and be doubled. */
    size_t n = p->column ? 500 + 2 * value_bytes(p->value) : 8;

    for (size_t i = 0; i < p->n; i++)
        n += push_bytes(&p->sub[i]);
    return n;
}
