#include "store/fields.h"

void
fields_read(const struct field *fields, size_t n, const struct db_rows *rows,
            size_t row, int first, void *out)
{
    for (size_t i = 0; i < n; i++) {
        char *at = (char *)out + fields[i].offset;
        int column = first + (int)i;
        switch (fields[i].kind) {
        case FIELD_TEXT:
            *(const char **)(void *)at = db_str(rows, row, column);
            break;
        case FIELD_INT64:
            *(int64_t *)(void *)at = db_int(rows, row, column);
            break;
        case FIELD_INT:
            *(int *)(void *)at = (int)db_int(rows, row, column);
            break;
        case FIELD_BOOL:
            *(bool *)(void *)at = db_int(rows, row, column) != 0;
            break;
        }
    }
}

void
fields_write(const struct field *fields, size_t n, const void *in,
             struct db_value *params)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = (const char *)in + fields[i].offset;
        switch (fields[i].kind) {
        case FIELD_TEXT:
            params[i] = DB_S(*(const char *const *)(const void *)at);
            break;
        case FIELD_INT64:
            params[i] = DB_I(*(const int64_t *)(const void *)at);
            break;
        case FIELD_INT:
            params[i] = DB_I(*(const int *)(const void *)at);
            break;
        case FIELD_BOOL:
            params[i] = DB_I(*(const bool *)(const void *)at);
            break;
        }
    }
}

enum status
fields_query(struct store_tx *tx, struct arena *a, int sql,
             const struct db_value *params, size_t n,
             const struct field *fields, size_t n_fields, size_t size,
             void **out, size_t *out_n, struct error *err)
{
    struct db_rows rows;
    enum status rc = tx_query(tx, a, sql, params, n, &rows, err);

    if (rc != OK)
        return rc;
    char *items = arena_array(a, rows.n + 1, size);
    if (!items)
        return fail(err, E_NOMEM, "%zu rows", rows.n);
    for (size_t i = 0; i < rows.n; i++)
        fields_read(fields, n_fields, &rows, i, 0, items + i * size);
    *out = items;
    *out_n = rows.n;
    return OK;
}

enum status
fields_one(struct store_tx *tx, struct arena *a, int sql,
           const struct db_value *params, size_t n, const struct field *fields,
           size_t n_fields, void *out, const char *what, struct error *err)
{
    struct db_rows rows;
    enum status rc = tx_query(tx, a, sql, params, n, &rows, err);

    if (rc == OK && rows.n == 0)
        rc = fail(err, E_NOTFOUND, "no %s", what);
    if (rc == OK)
        fields_read(fields, n_fields, &rows, 0, 0, out);
    return rc;
}
