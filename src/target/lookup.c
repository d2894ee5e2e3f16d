#include "target/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "target/lookup_sql.h"

enum { VALUE_MAX_BYTES = 1024 * 1024 };

static const struct json null_value = {.kind = JSON_NULL};

static bool
same_text(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

/* Needs of one shape differ only in values that travel as arrays. */
static bool
same_shape(const struct fact_need *x, const struct fact_need *y)
{
    if (x->kind != y->kind || !same_text(x->table, y->table) ||
        !same_text(x->path->text, y->path->text))
        return false;
    if (x->kind == FACT_PATH)
        return true;
    if ((x->since_us == 0) != (y->since_us == 0) ||
        (x->until_us == 0) != (y->until_us == 0))
        return false;
    return x->where == y->where ||
           (x->where && y->where && json_equal(x->where, y->where));
}

/* ---- paths ---- */

/* An entity's key as the trigger wrote it, against the key columns. */
static void
key_condition(struct lookup_sql *s, const struct table *table)
{
    for (size_t i = 0; i < table->n_key; i++) {
        const struct column *col = table_column(table, table->key[i]);
        const char *value =
            table->n_key == 1 ? "k.key"
                              : arena_printf(s->a, "(k.key::jsonb ->> %zu)", i);
        if (!col || !value) {
            s->text.failed = true;
            return;
        }
        if (i > 0)
            buf_puts(&s->text, " and ");
        lookup_equals(s, "t0", col, value);
    }
}

static enum status
path_sql(struct lookup_sql *s, const struct catalog *c,
         const struct lookup_batch *batch, struct error *err)
{
    const struct fact_need *need = batch->needs[0];
    const struct table *table = catalog_table(c, need->table);
    struct path_resolved r;

    const char **keys = arena_array(s->a, batch->n, sizeof(*keys));
    if (!keys)
        return fail(err, E_NOMEM, "lookup");
    for (size_t i = 0; i < batch->n; i++)
        keys[i] = batch->needs[i]->row_key;
    enum status rc = path_resolve(c, table, need->path, &r, err);
    if (rc != OK)
        return rc;
    /* The select list comes before the joins that name its alias: the alias
     * of the last table is known from the number of joins. */
    const char *last = r.n_joins ? arena_printf(s->a, "t%zu", r.n_joins) : "t0";
    const char *column = sql_ident(s->a, r.column->name);
    int array = lookup_param(s, sql_array(s->a, keys, batch->n));
    if (!last || !column)
        return fail(err, E_NOMEM, "lookup");
    buf_printf(&s->text, "select k.i::text, to_json(%s.%s%s", last, column,
               r.column->type == COLUMN_OTHER ? "::text" : "");
    if (r.json_key)
        buf_printf(&s->text, " -> $%d::text", lookup_param(s, r.json_key));
    buf_printf(&s->text,
               ")::text\nfrom unnest($%d::text[]) with ordinality k(key, i)"
               "\njoin %s.%s t0 on ",
               array, sql_ident(s->a, table->schema),
               sql_ident(s->a, table->name));
    key_condition(s, table);
    (void)lookup_joins(s, &r, "t0", "t");
    return lookup_sql_check(s, err);
}

/* A value that cannot be held as JSON (U+0000 in a json column, a megabyte of
 * text) is answered as null: nothing can be decided on it. */
static const struct json *
value_of(struct arena *a, const char *text)
{
    struct json *j = NULL;

    if (!text ||
        json_parse(a, text, strlen(text), VALUE_MAX_BYTES, &j, NULL) != OK)
        return &null_value;
    return j;
}

static enum status
put_all(struct facts *f, const struct lookup_batch *batch,
        const struct json *value, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < batch->n; i++)
        rc = facts_put(f, batch->needs[i]->key, value, err);
    return rc;
}

enum status
lookup_paths(struct target *t, struct arena *a, const struct catalog *c,
             struct facts *f, const struct lookup_batch *batch,
             struct error *err)
{
    const struct fact_need *need = batch->needs[0];
    const struct table *table = catalog_table(c, need->table);
    struct target_rows rows;

    if (!table)
        return fail(err, E_INVALID, "there is no table %s", need->table);
    if (table->n_key == 0)
        return put_all(f, batch, &null_value, err);
    struct lookup_sql s = lookup_sql_new(a);
    enum status rc = path_sql(&s, c, batch, err);
    if (rc == OK)
        rc = target_query(t, a, s.text.data, s.params, s.n_params, &rows, err);
    buf_free(&s.text);
    if (rc == OK)
        rc = put_all(f, batch, &null_value, err); /* rows that are gone */
    for (size_t i = 0; rc == OK && i < rows.n; i++) {
        size_t k = (size_t)strtoull(target_cell(&rows, i, 0), NULL, 10) - 1;
        rc = facts_put(f, batch->needs[k]->key,
                       value_of(a, target_cell(&rows, i, 1)), err);
    }
    return rc;
}

/* ---- batches ---- */

static enum status
run_batch(struct target *t, struct arena *a, const struct catalog *c,
          struct facts *f, const struct lookup_batch *batch, struct error *err)
{
    return batch->needs[0]->kind == FACT_COUNT
               ? lookup_counts(t, a, c, f, batch, err)
               : lookup_paths(t, a, c, f, batch, err);
}

static bool
bad_value(enum status rc, const struct error *err)
{
    return rc == E_DB && strncmp(err->sqlstate, "22", 2) == 0;
}

/* A key that is no uuid makes the whole query fail: the others must not pay.
 * Alone, what cannot be a key of the table names no row. */
static enum status
run_shape(struct target *t, struct arena *a, const struct catalog *c,
          struct facts *f, const struct lookup_batch *batch, struct error *err)
{
    static const struct json zero = {.kind = JSON_INT};
    const struct fact_need *first = batch->needs[0];
    struct error why = {0};
    enum status rc = run_batch(t, a, c, f, batch, &why);

    for (size_t i = 0; bad_value(rc, &why) && i < batch->n; i++) {
        struct lookup_batch one = {&batch->needs[i], 1};
        struct error inner = {0};
        enum status each =
            batch->n == 1 ? rc : run_batch(t, a, c, f, &one, &inner);
        if (bad_value(each, batch->n == 1 ? &why : &inner))
            each = put_all(f, &one,
                           first->kind == FACT_COUNT ? &zero : &null_value,
                           &inner);
        if (each != OK) {
            rc = each;
            why = inner;
        } else if (i + 1 == batch->n) {
            return OK;
        }
    }
    if (rc == OK)
        return OK;
    if (err)
        *err = why;
    return error_wrap(err, "lookup of %s in %s", first->path->text,
                      first->table);
}

static bool
done(struct facts *f, const struct fact_need *need)
{
    return need->kind == FACT_ROWS || facts_get(f, need->key);
}

enum status
lookup_facts(struct target *t, struct arena *a, const struct catalog *c,
             struct facts *f, struct error *err)
{
    const struct fact_need *const *wanted;
    size_t n = facts_wanted(f, &wanted);
    const struct fact_need **shape =
        arena_array(a, LOOKUP_BATCH, sizeof(const struct fact_need *));

    if (!shape)
        return fail(err, E_NOMEM, "lookup");
    for (size_t i = 0; i < n; i++) {
        if (done(f, wanted[i]))
            continue;
        struct lookup_batch batch = {shape, 0};
        for (size_t k = i; k < n && batch.n < LOOKUP_BATCH; k++)
            if (!done(f, wanted[k]) && same_shape(wanted[i], wanted[k]))
                shape[batch.n++] = wanted[k];
        enum status rc = run_shape(t, a, c, f, &batch, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}
