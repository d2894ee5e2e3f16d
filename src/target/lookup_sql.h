/*
 * target/lookup_sql.h - SQL of lookups: joins along a path, conditions, and
 * the list of parameters that goes with the text.
 */
#ifndef TARGET_LOOKUP_SQL_H
#define TARGET_LOOKUP_SQL_H

#include "core/facts.h"
#include "target/sql_text.h"

enum { LOOKUP_PARAMS = 60, LOOKUP_BATCH = 1000, LOOKUP_SQL_BYTES = 65536 };

struct lookup_sql {
    struct arena *a;
    struct buf text;
    const char *params[LOOKUP_PARAMS];
    int n_params;
    bool too_many;
};

/* Owns: the caller frees text with buf_free(). */
struct lookup_sql lookup_sql_new(struct arena *a);
/* Adds a value and returns its number: "$3". A NULL value is SQL NULL. */
int lookup_param(struct lookup_sql *s, const char *value);
CHECKED enum status lookup_sql_check(const struct lookup_sql *s,
                                     struct error *err);

/* " left join …" for every hop, from alias `base`; the aliases are `prefix`
 * and a number. Returns the alias of the last table, NULL when out of memory.
 * A hop to many rows takes the first in key order. */
const char *lookup_joins(struct lookup_sql *s, const struct path_resolved *r,
                         const char *base, const char *prefix);
/* Writes "alias.col = value::type" so that an index serves. */
void lookup_equals(struct lookup_sql *s, const char *alias,
                   const struct column *column, const char *value);
/* Writes the condition on alias.column; `now` is SQL for the instant that
 * durations count from. Source: docs/spec.md, predicates: the same meaning as
 * op_eval() of core.
 * Errors: E_INVALID for an operator that needs another value. */
CHECKED enum status lookup_condition(struct lookup_sql *s, const char *alias,
                                     const struct path_resolved *r, enum op op,
                                     const struct json *value, const char *now,
                                     struct error *err);

/* One batch of needs of one shape; every answer goes into `f`. */
struct lookup_batch {
    const struct fact_need **needs;
    size_t n;
};
CHECKED enum status lookup_paths(struct target *t, struct arena *a,
                                 const struct catalog *c, struct facts *f,
                                 const struct lookup_batch *batch,
                                 struct error *err);
CHECKED enum status lookup_counts(struct target *t, struct arena *a,
                                  const struct catalog *c, struct facts *f,
                                  const struct lookup_batch *batch,
                                  struct error *err);

#endif
