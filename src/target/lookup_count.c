#include <string.h>

#include "target/lookup_sql.h"

#define EPOCH "(timestamptz 'epoch' + k.%s * interval '1 microsecond')"

static enum status
window(struct lookup_sql *s, const struct table *t,
       const struct fact_need *need, struct error *err)
{
    const char *created = table_created_column(t);
    const char *name = created ? sql_ident(s->a, created) : NULL;

    if (!created) {
        /* A bound by the event's time is a nicety; one by a window is what
         * was asked. */
        if (need->since_us == 0)
            return OK;
        (void)error_hint(err, "add a created_at column, or count without a "
                              "window");
        return fail(err, E_INVALID,
                    "%s has no column that tells when a row was made", t->full);
    }
    if (!name)
        return fail(err, E_NOMEM, "count");
    if (need->since_us)
        buf_printf(&s->text, " and t0.%s >= " EPOCH, name, "since");
    if (need->until_us)
        buf_printf(&s->text, " and t0.%s <= " EPOCH, name, "until");
    return OK;
}

/* Joins of the conditions come before their text: resolved twice. */
static enum status
resolve_where(const struct catalog *c, struct arena *a, const struct table *t,
              const struct json *item, struct path_resolved *out,
              struct error *err)
{
    struct path path;
    enum status rc = path_parse(a, json_get_str(item, "path", ""), &path, err);

    return rc == OK ? path_resolve(c, t, &path, out, err) : rc;
}

static enum status
where_joins(struct lookup_sql *s, const struct catalog *c,
            const struct table *t, const struct json *where, struct error *err)
{
    for (uint32_t i = 0; where && i < where->n; i++) {
        struct path_resolved r;
        const char *prefix = arena_printf(s->a, "w%u_", i);
        enum status rc = resolve_where(c, s->a, t, where->items[i], &r, err);
        if (rc != OK)
            return rc;
        if (!prefix || !lookup_joins(s, &r, "t0", prefix))
            return fail(err, E_NOMEM, "count");
    }
    return OK;
}

static enum status
where_conditions(struct lookup_sql *s, const struct catalog *c,
                 const struct table *t, const struct fact_need *need,
                 struct error *err)
{
    const struct json *where = need->where;
    const char *now = need->until_us ? "(timestamptz 'epoch' + k.until *"
                                       " interval '1 microsecond')"
                                     : "clock_timestamp()";

    for (uint32_t i = 0; where && i < where->n; i++) {
        const struct json *item = where->items[i];
        struct path_resolved r;
        enum op op;
        enum status rc = resolve_where(c, s->a, t, item, &r, err);
        if (rc != OK)
            return rc;
        if (!op_parse(json_get_str(item, "op", ""), &op))
            return fail(err, E_INVALID, "a where without an operator");
        const char *alias =
            r.n_joins ? arena_printf(s->a, "w%u_%zu", i, r.n_joins) : "t0";
        if (!alias)
            return fail(err, E_NOMEM, "count");
        buf_puts(&s->text, "\n  and ");
        rc = lookup_condition(s, alias, &r, op, json_get(item, "value"), now,
                              err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

static enum status
arrays(struct lookup_sql *s, const struct lookup_batch *batch,
       struct error *err)
{
    const char **links = arena_array(s->a, batch->n, sizeof(*links));
    int64_t *since = arena_array(s->a, batch->n, sizeof(*since));
    int64_t *until = arena_array(s->a, batch->n, sizeof(*until));

    if (!links || !since || !until)
        return fail(err, E_NOMEM, "count");
    for (size_t i = 0; i < batch->n; i++) {
        links[i] = batch->needs[i]->link_value;
        since[i] = batch->needs[i]->since_us;
        until[i] = batch->needs[i]->until_us;
    }
    (void)lookup_param(s, sql_array(s->a, links, batch->n));
    (void)lookup_param(s, sql_int_array(s->a, since, batch->n));
    (void)lookup_param(s, sql_int_array(s->a, until, batch->n));
    return OK;
}

static enum status
count_sql(struct lookup_sql *s, const struct catalog *c, const struct table *t,
          const struct lookup_batch *batch, struct error *err)
{
    const struct fact_need *need = batch->needs[0];
    struct path_resolved r;
    enum status rc = path_resolve(c, t, need->path, &r, err);

    if (rc == OK)
        rc = arrays(s, batch, err);
    if (rc != OK)
        return rc;
    buf_printf(&s->text, "select (select count(*) from %s.%s t0",
               sql_ident(s->a, t->schema), sql_ident(s->a, t->name));
    const char *last = lookup_joins(s, &r, "t0", "t");
    if (!last)
        return fail(err, E_NOMEM, "count");
    rc = where_joins(s, c, t, need->where, err);
    if (rc != OK)
        return rc;
    buf_puts(&s->text, "\nwhere ");
    lookup_equals(s, last, r.column, "k.link");
    rc = window(s, t, need, err);
    if (rc == OK)
        rc = where_conditions(s, c, t, need, err);
    buf_puts(&s->text, ")::text\nfrom unnest($1::text[], $2::bigint[],"
                       " $3::bigint[]) with ordinality"
                       " k(link, since, until, i)\norder by k.i");
    return rc == OK ? lookup_sql_check(s, err) : rc;
}

enum status
lookup_counts(struct target *t, struct arena *a, const struct catalog *c,
              struct facts *f, const struct lookup_batch *batch,
              struct error *err)
{
    const struct table *table = catalog_table(c, batch->needs[0]->table);
    struct target_rows rows;

    if (!table)
        return fail(err, E_INVALID, "there is no table %s",
                    batch->needs[0]->table);
    struct lookup_sql s = lookup_sql_new(a);
    enum status rc = count_sql(&s, c, table, batch, err);
    if (rc == OK)
        rc = target_query(t, a, s.text.data, s.params, s.n_params, &rows, err);
    buf_free(&s.text);
    if (rc == OK && rows.n != batch->n)
        return fail(err, E_BUG, "%zu counts for %zu", rows.n, batch->n);
    for (size_t i = 0; rc == OK && i < batch->n; i++) {
        const char *text = target_cell(&rows, i, 0);
        struct json *v = NULL;
        rc = json_parse(a, text, strlen(text), 64, &v, err);
        if (rc == OK)
            rc = facts_put(f, batch->needs[i]->key, v, err);
    }
    return rc;
}
