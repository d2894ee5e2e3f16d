/*
 * runtime/engine.h - decides a batch of work and applies it in one
 * transaction: decisions, runs, stages, pending actions and "done" exist
 * together or not at all.
 *
 * An engine belongs to one thread. Order of one batch: read what is stored,
 * evaluate without applying until no fact is missing (fetching the missing
 * ones of all items together), then decide item by item and write.
 */
#ifndef RUNTIME_ENGINE_H
#define RUNTIME_ENGINE_H

#include "runtime/registry.h"
#include "target/lookup.h"

struct engine; /* opaque */

struct engine *engine_new(struct runtime *rt); /* NULL: out of memory */
void engine_free(struct engine *en);

/* Decides up to `limit` queued events and as many due runs of the shards
 * [from, to]. *done = items handled; 0 = nothing was ready.
 * Errors: E_CONFLICT somebody else wrote a row in between: call again;
 *         E_STORE, E_NOMEM: nothing was changed. */
CHECKED enum status engine_run(struct engine *en, int from, int to,
                               size_t limit, size_t *done, struct error *err);

/* Decides one page of a schedule's scan and stores the scan's position with
 * it. Errors: as engine_run(); E_NET, E_DB when facts could not be had. */
CHECKED enum status engine_rows(struct engine *en,
                                const struct live_integration *li,
                                const struct live_feature *lf,
                                const struct scanned_row *rows, size_t n,
                                const struct schedule_row *position,
                                struct error *err);

/* This engine's connections, for the scanner's pages. */
struct lookups *engine_lookups(struct engine *en);

#endif
