/*
 * target/capture_sql.h - the text of one capture: its trigger function and
 * its trigger. Pure and deterministic.
 *
 * Source: docs/spec.md, capture 2 to 5 and 10.
 */
#ifndef TARGET_CAPTURE_SQL_H
#define TARGET_CAPTURE_SQL_H

#include "base/buf.h"
#include "core/capture.h"

struct capture_names {
    const char *function; /* "skene_growth_fn_public_users_insert" */
    const char *trigger;  /* "skene_growth_trg_public_users_insert" */
};

/* Names of at most 63 bytes. A name that was cut, or that another table could
 * have too, ends in a hash of the exact name.
 * Errors: E_NOMEM. */
CHECKED enum status capture_names(struct arena *a, const struct capture *c,
                                  struct capture_names *out, struct error *err);

/* Errors: E_INVALID for a table or column that is not in the catalogue,
 *         E_FORBIDDEN for a secret column. */
CHECKED enum status capture_function_sql(struct arena *a,
                                         const struct catalog *catalog,
                                         const struct capture *c,
                                         const struct capture_names *names,
                                         bool push, struct buf *out,
                                         struct error *err);
/* PostgreSQL 13 has no CREATE OR REPLACE TRIGGER. */
void capture_trigger_sql(struct arena *a, const struct capture *c,
                         const struct capture_names *names, int server_version,
                         struct buf *out);

#endif
