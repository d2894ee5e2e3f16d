#include <string.h>

#include "target/lookup.h"
#include "target/lookup_sql.h"

enum {
    RECORD_MAX_BYTES = 4 * 1024 * 1024,
    KEY_MAX_BYTES = 64 * 1024,
    PAGE_MAX = 10000
};

/* " where (t0.a, t0.b) > ($1, $2)": the parameters take the columns' types. */
static enum status
after(struct lookup_sql *s, const struct table *t, const char *key,
      struct error *err)
{
    struct json *parts = NULL;

    if (t->n_key > 1) {
        enum status rc =
            json_parse(s->a, key, strlen(key), KEY_MAX_BYTES, &parts, err);
        if (rc != OK)
            return rc;
        if (!json_is(parts, JSON_ARRAY) || parts->n != t->n_key)
            return fail(err, E_INPUT, "a position in %s has %zu parts", t->full,
                        t->n_key);
    }
    buf_puts(&s->text, "\nwhere (");
    for (size_t i = 0; i < t->n_key; i++)
        buf_printf(&s->text, "%st0.%s", i > 0 ? ", " : "",
                   sql_ident(s->a, t->key[i]));
    buf_puts(&s->text, ") > (");
    for (size_t i = 0; i < t->n_key; i++) {
        const struct json *part = parts ? parts->items[i] : NULL;
        const char *value = !part                       ? key
                            : part->kind == JSON_STRING ? part->text
                                                        : json_text(s->a, part);
        buf_printf(&s->text, "%s$%d", i > 0 ? ", " : "",
                   lookup_param(s, value));
    }
    buf_putc(&s->text, ')');
    return OK;
}

/* "select key, (record)::text from table t0" */
static enum status
select_rows(struct lookup_sql *s, const struct table *t,
            const char *const *columns, size_t n_columns, struct error *err)
{
    const struct column **list =
        arena_array(s->a, n_columns + 1, sizeof(const struct column *));

    if (!list)
        return fail(err, E_NOMEM, "scan");
    for (size_t i = 0; i < n_columns; i++) {
        if (column_is_secret(columns[i]))
            return fail(err, E_FORBIDDEN, "%s.%s never leaves the database",
                        t->full, columns[i]);
        list[i] = table_column(t, columns[i]);
        if (!list[i])
            return fail(err, E_INVALID, "%s has no column %s", t->full,
                        columns[i]);
    }
    buf_puts(&s->text, "select ");
    sql_key(s->a, &s->text, "t0", t->key, t->n_key);
    buf_puts(&s->text, ", (");
    sql_object(s->a, &s->text, "t0", list, n_columns);
    buf_printf(&s->text, ")::text\nfrom %s.%s t0", sql_ident(s->a, t->schema),
               sql_ident(s->a, t->name));
    return OK;
}

static void
order(struct lookup_sql *s, const struct table *t, const char *first,
      const char *how, int limit)
{
    const char *between = "\norder by";

    if (first) {
        buf_printf(&s->text, "%s t0.%s%s", between, sql_ident(s->a, first),
                   how);
        between = ",";
    }
    for (size_t i = 0; i < t->n_key; i++) {
        buf_printf(&s->text, "%s t0.%s%s", between, sql_ident(s->a, t->key[i]),
                   how);
        between = ",";
    }
    buf_printf(&s->text, "\nlimit %d", limit < PAGE_MAX ? limit : PAGE_MAX);
}

static enum status
scan_sql(struct lookup_sql *s, const struct table *t,
         const char *const *columns, size_t n_columns, const char *after_key,
         int limit, struct error *err)
{
    enum status rc = select_rows(s, t, columns, n_columns, err);

    if (rc == OK && after_key)
        rc = after(s, t, after_key, err);
    if (rc != OK)
        return rc;
    order(s, t, NULL, "", limit);
    return lookup_sql_check(s, err);
}

static enum status
read_rows(struct arena *a, const struct target_rows *rows,
          struct scanned_row **out, struct error *err)
{
    struct scanned_row *list = arena_array(a, rows->n + 1, sizeof(*list));

    if (!list)
        return fail(err, E_NOMEM, "scan");
    for (size_t i = 0; i < rows->n; i++) {
        const char *text = target_cell(rows, i, 1);
        struct json *record = NULL;
        enum status rc =
            json_parse(a, text, strlen(text), RECORD_MAX_BYTES, &record, err);
        if (rc != OK)
            return error_wrap(err, "row %s", target_cell(rows, i, 0));
        list[i] = (struct scanned_row){target_cell(rows, i, 0), record};
    }
    *out = list;
    return OK;
}

/* Runs the query and reads its rows. */
static enum status
rows_query(struct target *t, struct lookup_sql *s, enum status rc,
           struct scanned_row **out, size_t *n, struct error *err)
{
    struct target_rows rows = {0};

    if (rc == OK)
        rc = target_query(t, s->a, s->text.data, s->params, s->n_params, &rows,
                          err);
    if (rc == OK)
        rc = read_rows(s->a, &rows, out, err);
    buf_free(&s->text);
    *n = rc == OK ? rows.n : 0;
    return rc;
}

static enum status
keyed_table(const struct catalog *c, const char *name, const struct table **out,
            struct error *err)
{
    *out = catalog_table(c, name);
    if (!*out)
        return fail(err, E_INVALID, "there is no table %s", name);
    if ((*out)->n_key == 0)
        return fail(err, E_UNSUPPORTED,
                    "%s has no primary key: a scan has no order to follow",
                    name);
    return OK;
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
lookup_scan(struct target *t, struct arena *a, const struct catalog *c,
            const char *table, const char *const *columns, size_t n_columns,
            const char *after_key, int limit, struct scanned_row **out,
            size_t *n, struct error *err)
{
    const struct table *tab = NULL;
    struct lookup_sql s = lookup_sql_new(a);
    enum status rc = keyed_table(c, table, &tab, err);

    *n = 0;
    if (rc == OK)
        rc = scan_sql(&s, tab, columns, n_columns, after_key, limit, err);
    rc = rows_query(t, &s, rc, out, n, err);
    return rc == OK ? OK : error_wrap(err, "scan of %s", table);
}

static enum status
rows_of_sql(struct lookup_sql *s, const struct catalog *c,
            const struct table *t, const struct path *path, const char *value,
            int limit, struct error *err)
{
    struct path_resolved r;
    enum status rc = path_resolve(c, t, path, &r, err);

    if (rc != OK)
        return rc;
    if (r.json_key)
        return fail(err, E_UNSUPPORTED,
                    "%s ends inside a JSON value: rows cannot be found by it",
                    path->text);
    const char *last = lookup_joins(s, &r, "t0", "t");
    const char *param = arena_printf(s->a, "$%d", lookup_param(s, value));
    if (!last || !param)
        return fail(err, E_NOMEM, "rows of a subject");
    buf_puts(&s->text, "\nwhere ");
    lookup_equals(s, last, r.column, param);
    order(s, t, table_created_column(t), " desc", limit);
    return lookup_sql_check(s, err);
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
lookup_rows_of(struct target *t, struct arena *a, const struct catalog *c,
               const char *table, const struct path *path, const char *value,
               const char *const *columns, size_t n_columns, int limit,
               struct scanned_row **out, size_t *n, struct error *err)
{
    const struct table *tab = NULL;
    struct lookup_sql s = lookup_sql_new(a);
    enum status rc = keyed_table(c, table, &tab, err);

    *n = 0;
    if (rc == OK)
        rc = select_rows(&s, tab, columns, n_columns, err);
    if (rc == OK)
        rc = rows_of_sql(&s, c, tab, path, value, limit, err);
    rc = rows_query(t, &s, rc, out, n, err);
    return rc == OK ? OK : error_wrap(err, "rows of %s", table);
}
