#include "target/introspect.h"

#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "target/target_internal.h"
#include "target_sql_introspect.h"

enum { KEY_MAX_BYTES = 64 * 1024, OIDS_MAX_BYTES = 16 * 1024 * 1024 };

/* One row of catalog_tables.sql. */
enum {
    T_OID,
    T_SCHEMA,
    T_NAME,
    T_KIND,
    T_ROWS,
    T_OWNER,
    T_KEY,
    T_PARENT,
    T_ROW_SECURITY,
    T_TRIGGERS,
    T_SELECT,
    T_INSERT,
    T_TRIGGER
};
enum {
    C_OID,
    C_NAME,
    C_TYPE,
    C_KIND,
    C_NOT_NULL,
    C_GENERATED,
    C_DEFAULT,
    C_TYPE_OID
};
enum { F_OID, F_COLUMN, F_TABLE, F_KEY };

static bool
is_true(const char *cell)
{
    return cell && cell[0] == '1';
}

static int64_t
number(const char *cell)
{
    return cell ? strtoll(cell, NULL, 10) : 0;
}

static enum column_type
type_of(char letter)
{
    static const enum column_type types[] = {
        ['b'] = COLUMN_BOOL, ['i'] = COLUMN_INT,  ['n'] = COLUMN_NUMERIC,
        ['t'] = COLUMN_TEXT, ['u'] = COLUMN_UUID, ['s'] = COLUMN_TIMESTAMP,
        ['d'] = COLUMN_DATE, ['j'] = COLUMN_JSON, ['e'] = COLUMN_ENUM,
        ['o'] = COLUMN_OTHER};

    return types[(unsigned char)letter];
}

/* A JSON array of names as a list that ends with NULL. */
static enum status
read_names(struct arena *a, const char *text, const char ***out, size_t *n,
           struct error *err)
{
    struct json *j = NULL;
    enum status rc = json_parse(a, text, strlen(text), KEY_MAX_BYTES, &j, err);

    if (rc != OK)
        return rc;
    *out = arena_array(a, j->n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "catalogue");
    *n = j->n;
    for (uint32_t i = 0; i < j->n; i++)
        (*out)[i] = json_str(j->items[i], "");
    return OK;
}

static enum status
read_optional(struct arena *a, const struct target_rows *rows, size_t i,
              struct table *t, struct error *err)
{
    const char **triggers = NULL;
    size_t n = 0;

    t->parent = target_cell(rows, i, T_PARENT);
    t->row_security = is_true(target_cell(rows, i, T_ROW_SECURITY));
    t->rights = RIGHTS_KNOWN;
    if (is_true(target_cell(rows, i, T_SELECT)))
        t->rights |= RIGHT_SELECT;
    if (is_true(target_cell(rows, i, T_INSERT)))
        t->rights |= RIGHT_INSERT;
    if (is_true(target_cell(rows, i, T_TRIGGER)))
        t->rights |= RIGHT_TRIGGER;
    enum status rc =
        read_names(a, target_cell(rows, i, T_TRIGGERS), &triggers, &n, err);
    t->triggers = triggers;
    return rc;
}

static enum status
read_tables(struct arena *a, const struct target_rows *rows, struct catalog *c,
            struct error *err)
{
    c->tables = arena_array(a, rows->n + 1, sizeof(*c->tables));
    if (!c->tables)
        return fail(err, E_NOMEM, "catalogue");
    c->n_tables = rows->n;
    for (size_t i = 0; i < rows->n; i++) {
        struct table *t = &c->tables[i];
        t->schema = target_cell(rows, i, T_SCHEMA);
        t->name = target_cell(rows, i, T_NAME);
        t->kind = target_cell(rows, i, T_KIND)[0];
        t->row_estimate = number(target_cell(rows, i, T_ROWS));
        t->owner = target_cell(rows, i, T_OWNER);
        t->full = arena_printf(a, "%s.%s", t->schema, t->name);
        if (!t->full)
            return fail(err, E_NOMEM, "catalogue");
        enum status rc =
            read_names(a, target_cell(rows, i, T_KEY), &t->key, &t->n_key, err);
        if (rc == OK)
            rc = read_optional(a, rows, i, t, err);
        if (rc != OK)
            return rc;
    }
    return OK;
}

/* Rows of both lists are in the order of the table's oid. Returns the number
 * of rows from *at on that belong to the oid. */
static size_t
rows_of(const struct target_rows *rows, size_t at, const char *oid)
{
    size_t n = 0;

    while (at + n < rows->n && strcmp(target_cell(rows, at + n, 0), oid) == 0)
        n++;
    return n;
}

static const char *const *
labels_of(struct arena *a, const struct target_rows *enums, const char *oid)
{
    size_t at = 0;

    while (at < enums->n && strcmp(target_cell(enums, at, 0), oid) != 0)
        at++;
    size_t n = rows_of(enums, at, oid);
    const char **labels = arena_array(a, n + 1, sizeof(*labels));
    for (size_t i = 0; labels && i < n; i++)
        labels[i] = target_cell(enums, at + i, 1);
    return labels;
}

static enum status
read_columns(struct arena *a, const struct target_rows *tables,
             const struct target_rows *rows, const struct target_rows *enums,
             struct catalog *c, struct error *err)
{
    for (size_t i = 0, at = 0; i < c->n_tables; i++) {
        struct table *t = &c->tables[i];
        size_t n = rows_of(rows, at, target_cell(tables, i, T_OID));
        t->columns = arena_array(a, n + 1, sizeof(*t->columns));
        if (!t->columns)
            return fail(err, E_NOMEM, "catalogue");
        t->n_columns = n;
        for (size_t k = 0; k < n; k++, at++) {
            struct column *col = &t->columns[k];
            col->name = target_cell(rows, at, C_NAME);
            col->type_name = target_cell(rows, at, C_TYPE);
            col->type = type_of(target_cell(rows, at, C_KIND)[0]);
            col->not_null = is_true(target_cell(rows, at, C_NOT_NULL));
            col->generated = is_true(target_cell(rows, at, C_GENERATED));
            col->default_expr = target_cell(rows, at, C_DEFAULT);
            if (col->type == COLUMN_ENUM)
                col->enum_values =
                    labels_of(a, enums, target_cell(rows, at, C_TYPE_OID));
        }
    }
    return OK;
}

static enum status
read_fks(struct arena *a, const struct target_rows *tables,
         const struct target_rows *rows, struct catalog *c, struct error *err)
{
    for (size_t i = 0, at = 0; i < c->n_tables; i++) {
        struct table *t = &c->tables[i];
        size_t n = rows_of(rows, at, target_cell(tables, i, T_OID));
        t->fks = arena_array(a, n + 1, sizeof(*t->fks));
        if (!t->fks)
            return fail(err, E_NOMEM, "catalogue");
        t->n_fks = n;
        for (size_t k = 0; k < n; k++, at++)
            t->fks[k] =
                (struct foreign_key){.column = target_cell(rows, at, F_COLUMN),
                                     .table = target_cell(rows, at, F_TABLE),
                                     .key = target_cell(rows, at, F_KEY)};
    }
    return OK;
}

static const char *const *
cells_of(struct arena *a, const struct target_rows *rows, size_t at, size_t n,
         int column)
{
    const char **list = arena_array(a, n + 1, sizeof(*list));

    for (size_t i = 0; list && i < n; i++)
        list[i] = target_cell(rows, at + i, column);
    return list;
}

/* Publications are sorted by the text of the oid; few tables have any. */
static enum status
read_publications(struct target *t, struct arena *a, const char *const *oids,
                  const struct target_rows *tables, struct catalog *c,
                  struct error *err)
{
    struct map *by_oid = map_new(a);
    struct target_rows rows;
    enum status rc =
        target_query(t, a, SQL_CATALOG_PUBLICATIONS, oids, 1, &rows, err);

    if (rc == OK && !by_oid)
        return fail(err, E_NOMEM, "catalogue");
    for (size_t i = 0; rc == OK && rows.n && i < c->n_tables; i++)
        rc = map_put(by_oid, target_cell(tables, i, T_OID), &c->tables[i], err);
    for (size_t at = 0, n; rc == OK && at < rows.n; at += n) {
        const char *oid = target_cell(&rows, at, 0);
        struct table *to = map_get(by_oid, oid);
        n = rows_of(&rows, at, oid);
        if (to && !(to->publications = cells_of(a, &rows, at, n, 1)))
            rc = fail(err, E_NOMEM, "catalogue");
    }
    return rc;
}

static enum status
read_extensions(struct target *t, struct arena *a, struct catalog *c,
                struct error *err)
{
    struct target_rows rows;
    enum status rc =
        target_query(t, a, SQL_CATALOG_EXTENSIONS, NULL, 0, &rows, err);

    if (rc == OK && !(c->extensions = cells_of(a, &rows, 0, rows.n, 0)))
        rc = fail(err, E_NOMEM, "catalogue");
    return rc;
}

static const char *
oid_array(struct arena *a, const struct target_rows *tables)
{
    AUTO_BUF b = buf_new(OIDS_MAX_BYTES);

    buf_putc(&b, '{');
    for (size_t i = 0; i < tables->n; i++)
        buf_printf(&b, "%s%s", i > 0 ? "," : "", target_cell(tables, i, T_OID));
    buf_putc(&b, '}');
    return buf_ok(&b) ? arena_strndup(a, b.data, b.len) : NULL;
}

static int
by_full_name(const void *x, const void *y)
{
    const struct table *tx = x, *ty = y;

    return strcmp(tx->full, ty->full);
}

enum status
introspect(struct target *t, struct arena *a, bool all, struct catalog **out,
           struct error *err)
{
    struct target_rows tables, columns, enums, fks;
    const char *params[] = {all ? "t" : "f"};
    struct catalog *c = arena_alloc(a, sizeof(*c));

    if (!c)
        return fail(err, E_NOMEM, "catalogue");
    enum status rc =
        target_query(t, a, SQL_CATALOG_TABLES, params, 1, &tables, err);
    if (rc != OK)
        return error_wrap(err, "introspection: tables");
    const char *oids[] = {oid_array(a, &tables)};
    if (!oids[0])
        return fail(err, E_NOMEM, "catalogue");
    rc = target_query(t, a, SQL_CATALOG_COLUMNS, oids, 1, &columns, err);
    if (rc == OK)
        rc = target_query(t, a, SQL_CATALOG_ENUMS, NULL, 0, &enums, err);
    if (rc == OK)
        rc = target_query(t, a, SQL_CATALOG_FKS, oids, 1, &fks, err);
    if (rc != OK)
        return error_wrap(err, "introspection");
    rc = read_tables(a, &tables, c, err);
    if (rc == OK)
        rc = read_columns(a, &tables, &columns, &enums, c, err);
    if (rc == OK)
        rc = read_fks(a, &tables, &fks, c, err);
    if (rc == OK)
        rc = read_publications(t, a, oids, &tables, c, err);
    if (rc == OK)
        rc = read_extensions(t, a, c, err);
    if (rc != OK)
        return rc;
    qsort(c->tables, c->n_tables, sizeof(*c->tables), by_full_name);
    rc = catalog_finish(a, c, err);
    if (rc == OK)
        *out = c;
    return rc;
}
