/*
 * target/target.h - a customer's database: a connection through libpq, or a
 * channel that takes SQL as text (target/channel.h).
 *
 * Statements go out unnamed with $n parameters and text results, so they work
 * through a transaction pooler. A read-only target refuses every write here,
 * before SQL is sent, and opens its sessions read only as well.
 *
 * Threads: a target belongs to one thread at a time.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdint.h>

#include "base/arena.h"

struct target; /* opaque */

struct target_config {
    const char *conninfo; /* URL or key=value */
    bool read_only;
    int connect_timeout_s;    /* 0 = 10 */
    int statement_timeout_ms; /* 0 = 10,000 */
    const char *application;  /* NULL = "skene" */
};

struct target_rows {
    size_t n;
    int columns;
    const char **values; /* row-major; NULL = SQL NULL */
};

/* Owns: caller; target_close(). Blocks up to the connect timeout.
 * Errors: E_NET (unreachable, with host and port), E_AUTH (password, no
 *         pg_hba entry), E_DB. Never shows the password. */
CHECKED enum status target_open(const struct target_config *config,
                                struct target **out, struct error *err);
void target_close(struct target *t); /* NULL is allowed */
bool target_alive(const struct target *t);
bool target_read_only(const struct target *t);
int target_version(const struct target *t); /* 150004 */

/* Errors: E_DB with err->sqlstate; E_NET when the connection broke. */
CHECKED enum status target_query(struct target *t, struct arena *a,
                                 const char *sql, const char *const *params,
                                 int n_params, struct target_rows *out,
                                 struct error *err);
/* Several statements in one simple query; E_FORBIDDEN when read only. */
CHECKED enum status target_script(struct target *t, const char *sql,
                                  struct error *err);
/* From here on everything is read from one snapshot, until the connection is
 * closed: it writes nothing any more. Errors: as target_query. */
CHECKED enum status target_snapshot(struct target *t, struct error *err);
/* "a"."b" of a "schema.table" or of one name; the only function that puts a
 * name into SQL. Literals of generated functions go through sql_literal. */
const char *sql_ident(struct arena *a, const char *name);
const char *sql_table(struct arena *a, const char *full);
const char *sql_literal(struct arena *a, const char *text);

static inline const char *
target_cell(const struct target_rows *r, size_t row, int column)
{
    return r->values[row * (size_t)r->columns + (size_t)column];
}

#endif
