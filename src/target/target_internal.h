/*
 * target/target_internal.h - what the files of this folder share about a
 * target; nobody else includes it.
 */
#ifndef TARGET_INTERNAL_H
#define TARGET_INTERNAL_H

#include "base/id.h"
#include "target/channel.h"
#include "target/pq_auto.h"
#include "target/target.h"

struct target {
    PGconn *conn;                /* NULL: closed, or over a channel */
    struct sql_channel *channel; /* NULL: over libpq */
    bool read_only;
    /* Behind a transaction pooler nothing of a session survives a statement:
     * settings go into each transaction, LISTEN and session locks cannot be. */
    bool pooled;
    bool in_tx; /* inside deploy's own transaction: no wrapping */
    int statement_timeout_ms;
    char drain_owner[ID_TEXT_BYTES]; /* pooled: of the lease on draining */
    int64_t lease_until_us;          /* monotonic: renewed from then on */
};

/* Fills err from the result, or from the connection when it broke. */
enum status target_fail(struct target *t, const PGresult *result,
                        struct error *err);
/* channel.c: what target_query and target_script do over a channel. */
CHECKED enum status channel_query(struct target *t, struct arena *a,
                                  const char *sql, const char *const *params,
                                  int n_params, struct target_rows *out,
                                  struct error *err);
CHECKED enum status channel_script(struct target *t, const char *sql,
                                   struct error *err);
/* Runs one simple query (no parameters). Blocks up to the time limit. */
CHECKED enum status target_simple(struct target *t, const char *sql,
                                  struct error *err);
/* Rolls back; a connection on which that fails is closed, and then the server
 * rolls back. */
void target_undo(struct target *t);

#endif
