/* A row changes, and what the deployed triggers would write of it. */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "codec/time.h"
#include "flow.h"

enum { SEED_BYTES = 64 };

static struct json *
captured(struct world *w, const struct capture *c, const struct json *row)
{
    struct json *o = json_object(w->a);

    for (size_t i = 0; i < c->n_columns; i++) {
        const struct json *v = json_get(row, c->columns[i]);
        o = json_put(w->a, o, c->columns[i],
                     v ? json_clone(w->a, v) : json_null(w->a));
    }
    return o;
}

static bool
worth_telling(const struct capture *c, const struct json *row,
              const struct json *old)
{
    const char **names = c->n_changed ? c->changed : c->columns;
    size_t n = c->n_changed ? c->n_changed : c->n_columns;

    for (size_t i = 0; i < n; i++)
        if (!json_equal(json_get(row, names[i]), json_get(old, names[i])))
            return true;
    return c->op != ROW_UPDATE;
}

/* What the trigger in the database would write. */
static enum status
capture(struct world *w, enum row_op op, const struct table *t,
        const struct json *row, const struct json *old)
{
    const struct capture *c = NULL;
    char seed[SEED_BYTES];

    for (size_t i = 0; i < w->n_captures; i++)
        if (w->captures[i].op == op &&
            strcmp(w->captures[i].table, t->full) == 0)
            c = &w->captures[i];
    if (!c || !worth_telling(c, row, old))
        return OK;
    struct event *e = arena_alloc(w->a, sizeof(*e));
    if (!e)
        return fail(w->err, E_NOMEM, "event");
    int n = snprintf(seed, sizeof(seed), "flow|epoch|%lld",
                     (long long)++w->next_source_id);
    struct id id = id_derive(w->now_us, seed, (size_t)n);
    *e = (struct event){.id = arena_strdup(w->a, id.text),
                        .workspace = "workspace",
                        .integration = "integration",
                        .table = t->full,
                        .op = op,
                        .key = db_key(w->a, t, row),
                        .record = captured(w, c, row),
                        .occurred_us = w->now_us};
    if (op == ROW_UPDATE)
        e->old = captured(w, c, old);
    return e->id ? world_receive(w, e) : fail(w->err, E_NOMEM, "event");
}

/* A copy of the row with the values set; other columns null. */
static struct json *
row_with(struct world *w, const struct table *t, const struct json *base,
         const struct json *values)
{
    struct json *row = base ? json_clone(w->a, base) : json_object(w->a);
    const char *created = table_created_column(t);
    char iso[ISO_BYTES];

    for (size_t i = 0; !base && i < t->n_columns; i++)
        row = json_put(w->a, row, t->columns[i].name, json_null(w->a));
    if (!base && created)
        row = json_put(w->a, row, created,
                       json_string(w->a, iso_write(w->now_us, iso)));
    for (uint32_t i = 0; i < values->n; i++)
        row = json_put(w->a, row, values->members[i].key,
                       values->members[i].value);
    return row;
}

enum status
world_change(struct world *w, enum row_op op, struct db_table *t,
             const char *key, const struct json *values)
{
    int at = op == ROW_INSERT ? -1 : db_find(w->db, t, key);
    struct json *row, *old;

    if (op != ROW_INSERT && at < 0)
        return fail(w->err, E_INPUT, "no row %s in %s", key, t->t->full);
    if (op == ROW_INSERT && t->n == ROWS_MAX)
        return fail(w->err, E_TOOBIG, "over %d rows", ROWS_MAX);
    old = at < 0 ? NULL : t->rows[at];
    row = op == ROW_DELETE ? old : row_with(w, t->t, old, values);
    if (op == ROW_DELETE)
        memmove(&t->rows[at], &t->rows[at + 1],
                (--t->n - (size_t)at) * sizeof(struct json *));
    else
        t->rows[at < 0 ? (int)t->n++ : at] = row;
    return capture(w, op, t->t, row, old);
}
