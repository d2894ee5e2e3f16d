/*
 * store/store_tx.h - what the store's files share. Not for others.
 */
#ifndef STORE_STORE_TX_H
#define STORE_STORE_TX_H

#include "store/db.h"
#include "store/store.h"
#include "store_sql.h"

struct store_tx {
    struct store *store;
    struct db *db;
    bool write;
};

#define N_OF(params) (sizeof(params) / sizeof((params)[0]))

/* A text above every id: the cursor of the first page. */
#define ID_ABOVE_ALL "~"

/* Next place in the queue; the writer alone asks. */
int64_t store_next_seq(struct store *s);

/* The file grows to so many pages at most: for tests of a full disk. No write
 * transaction may be open. */
CHECKED enum status store_limit_pages(struct store *s, int pages,
                                      struct error *err);

/* Runs a statement in the transaction. */
CHECKED enum status tx_exec(struct store_tx *tx, int sql,
                            const struct db_value *params, size_t n,
                            int64_t *changed, struct error *err);
CHECKED enum status tx_query(struct store_tx *tx, struct arena *a, int sql,
                             const struct db_value *params, size_t n,
                             struct db_rows *out, struct error *err);
/* Says that a definition changed. */
CHECKED enum status tx_changed(struct store_tx *tx, struct error *err);

#endif
