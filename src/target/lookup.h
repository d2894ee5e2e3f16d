/*
 * target/lookup.h - answers the needs of decisions (core/facts.h) from the
 * customer's live rows, a batch in as few queries as possible; and pages of a
 * schedule's scan.
 */
#ifndef TARGET_LOOKUP_H
#define TARGET_LOOKUP_H

#include "core/facts.h"
#include "target/target.h"

/* Fetches everything wanted in `f` and puts the answers: needs of the same
 * shape (table and path; count with the same table, link, where) share one
 * query through arrays. A row that is gone answers JSON null.
 * Errors: E_NET, E_DB (what failed: table and path); facts got so far stay. */
CHECKED enum status lookup_facts(struct target *t, struct arena *a,
                                 const struct catalog *c, struct facts *f,
                                 struct error *err);

struct scanned_row {
    const char *key;           /* primary key as text; composite: JSON array */
    const struct json *record; /* the columns asked for */
};
/* One page of a table in key order, after a key (NULL = from the start).
 * `columns` are local column names. Errors: E_UNSUPPORTED when the table has
 * no primary key. */
CHECKED enum status lookup_scan(struct target *t, struct arena *a,
                                const struct catalog *c, const char *table,
                                const char *const *columns, size_t n_columns,
                                const char *after_key, int limit,
                                struct scanned_row **out, size_t *n,
                                struct error *err);

/* Rows of a table whose path leads to a value, the newest first (by the
 * column that tells when a row was made, else by key). Errors:
 * E_UNSUPPORTED when the path ends inside a JSON value, or the table has no
 * key. */
CHECKED enum status lookup_rows_of(struct target *t, struct arena *a,
                                   const struct catalog *c, const char *table,
                                   const struct path *path, const char *value,
                                   const char *const *columns, size_t n_columns,
                                   int limit, struct scanned_row **out,
                                   size_t *n, struct error *err);

#endif
