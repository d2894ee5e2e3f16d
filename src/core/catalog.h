/*
 * core/catalog.h - what we know of a customer's database: tables, columns,
 * types, keys. One model for a live database, SQL files and the JSON form
 * that is kept beside a deployment.
 */
#ifndef CORE_CATALOG_H
#define CORE_CATALOG_H

#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "codec/json.h"

enum column_type {
    COLUMN_BOOL,
    COLUMN_INT,
    COLUMN_NUMERIC, /* numeric and floating point */
    COLUMN_TEXT,
    COLUMN_UUID,
    COLUMN_TIMESTAMP, /* with or without zone */
    COLUMN_DATE,
    COLUMN_JSON,
    COLUMN_ENUM,
    COLUMN_OTHER, /* arrays, bytea, geometry, …: captured as text */
    COLUMN_TYPE_COUNT
};

struct column {
    const char *name;
    const char *type_name; /* as format_type() prints it */
    enum column_type type;
    bool not_null;
    bool generated;
    const char *default_expr;       /* NULL when none */
    const char *const *enum_values; /* COLUMN_ENUM; NULL-terminated, or NULL */
};

struct foreign_key {
    const char *column;
    const char *table; /* "schema.table" it points at */
    const char *key;   /* column it points at */
    bool implied;      /* by name, not declared */
};

struct table {
    const char *schema;
    const char *name;
    const char *full;     /* "schema.name" */
    char kind;            /* pg_class.relkind: r p f v m; p = partitioned */
    int64_t row_estimate; /* -1 = unknown */
    const char *owner;
    struct column *columns;
    size_t n_columns;
    const char **key; /* primary-key columns */
    size_t n_key;
    struct foreign_key *fks;
    size_t n_fks;
    /* The rest is optional: older JSON has none of it, SQL files no rights.
     * Lists end with NULL; a NULL list is an empty one. */
    const char *parent;              /* full name: it is a partition of */
    const char *const *publications; /* that replicate the table */
    const char *const *triggers;     /* of others, not ours */
    bool row_security;
    unsigned rights; /* RIGHT_… of the role that looked; 0 = unknown */
};

enum {
    RIGHTS_KNOWN = 1,
    RIGHT_SELECT = 2, /* of the whole table */
    RIGHT_INSERT = 4,
    RIGHT_TRIGGER = 8
};

struct catalog {
    struct table *tables;
    size_t n_tables;
    const char *const *extensions; /* installed; NULL-terminated, or NULL */
    const char *const *notes;      /* what could not be read; as above */
    struct map *by_name;           /* full name -> struct table */
};

/* Builds by_name and adds implied foreign keys (`thing_id` -> things.id, a
 * role such as author_id -> the person table). Call after filling tables. */
CHECKED enum status catalog_finish(struct arena *a, struct catalog *c,
                                   struct error *err);
/* Stable JSON form and back: {"tables":[{"schema","name","kind","rows",
 * "columns":[{"name","type","not_null","default","enum"}],"key":[…],
 * "foreign_keys":[{"column","table","key"}],"partition_of","publications":[…],
 * "triggers":[…],"row_security","rights":["select","insert","trigger"]}],
 * "extensions":[…],"notes":[…]}. Implied keys are not written, nor what is
 * empty from partition_of on ("rights":[] = none, no member = unknown).
 * Errors: E_INPUT with the path in err->field. */
struct json *catalog_to_json(struct arena *a, const struct catalog *c);
CHECKED enum status catalog_from_json(struct arena *a, const struct json *j,
                                      struct catalog **out, struct error *err);

const struct table *catalog_table(const struct catalog *c, const char *full);
const struct column *table_column(const struct table *t, const char *name);
const struct foreign_key *table_fk(const struct table *t, const char *column);
/* The nearest existing name for a message, or NULL. */
const char *catalog_nearest_table(const struct catalog *c, const char *full);
const char *table_nearest_column(const struct table *t, const char *name);
/* Type of a column from its name as format_type() prints it. */
enum column_type column_type_of(const char *type_name, bool has_enum);
/* Column that tells when a row was made (created_at, inserted_at, the only
 * timestamp that defaults to now()), or NULL. */
const char *table_created_column(const struct table *t);
/* True for columns that never leave the database: password, token, secret. */
bool column_is_secret(const char *name);

#endif
