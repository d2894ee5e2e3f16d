/*
 * target/backfill.h - rows that were there before a feature's trigger was.
 */
#ifndef TARGET_BACKFILL_H
#define TARGET_BACKFILL_H

#include "core/feature.h"
#include "target/lookup.h"

/* Whether the trigger that captures the feature's new rows is deployed. */
CHECKED enum status backfill_ready(struct target *t, struct arena *a,
                                   const struct feature *f, bool *out,
                                   struct error *err);
/* Leaves out the rows whose insert still waits in event_log: they enter with
 * their event. Ask in the snapshot the rows were read in. */
CHECKED enum status backfill_new_rows_out(struct target *t, struct arena *a,
                                          const struct feature *f,
                                          struct scanned_row *rows, size_t *n,
                                          struct error *err);

struct backfill_preview {
    int64_t rows;     /* of the table */
    int64_t matching; /* fulfil the conditions that SQL can tell */
    bool exact;       /* that is all of the conditions */
};
/* Counts; reads the whole table. */
CHECKED enum status backfill_preview(struct target *t, struct arena *a,
                                     const struct catalog *c,
                                     const struct feature *f,
                                     struct backfill_preview *out,
                                     struct error *err);

#endif
