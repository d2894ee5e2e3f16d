/*
 * target/enrich_sql.h - the rules of enrichment_map: read from the database,
 * and written as the function skene_growth.enrich().
 */
#ifndef TARGET_ENRICH_SQL_H
#define TARGET_ENRICH_SQL_H

#include "base/buf.h"
#include "core/enrich.h"
#include "target/target.h"

/* The rows of enrichment_map; none when nothing is deployed yet.
 * Errors: E_INVALID, naming the row. */
CHECKED enum status enrich_rules(struct target *t, struct arena *a,
                                 struct enrichment **out, size_t *n,
                                 struct error *err);
/* The function for rules that enrich_check() has passed: static SQL, a block
 * per join, so that one that fails loses its context only. */
CHECKED enum status enrich_function_sql(struct arena *a,
                                        const struct catalog *c,
                                        const struct enrichment *rules,
                                        size_t n, struct buf *out,
                                        struct error *err);

#endif
