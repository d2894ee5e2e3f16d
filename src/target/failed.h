/*
 * target/failed.h - skene_growth.failed_events: captures that went wrong and
 * events that could not be taken over.
 */
#ifndef TARGET_FAILED_H
#define TARGET_FAILED_H

#include "target/target.h"

struct failed_event {
    int64_t id;
    const char *event_type;
    const char *entity_id; /* NULL when unknown */
    const char *payload;   /* JSON text, cut at 2,000 characters */
    const char *reason;
    int64_t moved_us;
};

/* Newest first, `limit` at most, with ids below `before` (0 = from the top).
 * Errors: E_NOTFOUND nothing is deployed. */
CHECKED enum status failed_list(struct target *t, struct arena *a, int limit,
                                int64_t before, struct failed_event **out,
                                size_t *n, struct error *err);
/* Puts one (or all: id 0) back into event_log under new ids. Failures whose
 * keys became events already are not repeated. *n = events put back.
 * Errors: E_FORBIDDEN read only; E_NOTFOUND nothing is deployed. */
CHECKED enum status failed_replay(struct target *t, struct arena *a, int64_t id,
                                  int64_t *n, struct error *err);
/* Removes those older than `days`. */
CHECKED enum status failed_forget(struct target *t, int days,
                                  struct error *err);

#endif
