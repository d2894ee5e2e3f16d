/*
 * store/fields.h - rows to structs and back by tables: one field a column, in
 * the order of the SQL file's column list.
 */
#ifndef STORE_FIELDS_H
#define STORE_FIELDS_H

#include <stddef.h>

#include "store/store_tx.h"

enum field_kind { FIELD_TEXT, FIELD_INT64, FIELD_INT, FIELD_BOOL };

struct field {
    enum field_kind kind;
    size_t offset;
};

#define TEXT_OF(type, member)                     \
    {                                             \
        FIELD_TEXT, offsetof(struct type, member) \
    }
#define INT64_OF(type, member)                     \
    {                                              \
        FIELD_INT64, offsetof(struct type, member) \
    }
#define INT_OF(type, member)                     \
    {                                            \
        FIELD_INT, offsetof(struct type, member) \
    }
#define BOOL_OF(type, member)                     \
    {                                             \
        FIELD_BOOL, offsetof(struct type, member) \
    }

/* Fills *out from columns first, first + 1, … of a row. */
void fields_read(const struct field *fields, size_t n,
                 const struct db_rows *rows, size_t row, int first, void *out);
/* Parameters from a struct. */
void fields_write(const struct field *fields, size_t n, const void *in,
                  struct db_value *params);
/* A query whose rows become an array of structs of `size` bytes. */
CHECKED enum status fields_query(struct store_tx *tx, struct arena *a, int sql,
                                 const struct db_value *params, size_t n,
                                 const struct field *fields, size_t n_fields,
                                 size_t size, void **out, size_t *out_n,
                                 struct error *err);
/* The same for exactly one; E_NOTFOUND says `what`. */
CHECKED enum status fields_one(struct store_tx *tx, struct arena *a, int sql,
                               const struct db_value *params, size_t n,
                               const struct field *fields, size_t n_fields,
                               void *out, const char *what, struct error *err);

#endif
