/*
 * runtime/backfill.h - lets rows that exist already enter a feature, once,
 * after its trigger is deployed. For the scanner's thread.
 *
 * Source: docs/spec.md, backfill.
 */
#ifndef RUNTIME_BACKFILL_H
#define RUNTIME_BACKFILL_H

#include <stdatomic.h>

#include "runtime/engine.h"
#include "runtime/registry.h"

/* Where the scan of a feature's table stands; scanner.c. */
CHECKED enum status scan_position_get(struct runtime *rt, struct arena *a,
                                      const char *feature_id,
                                      struct schedule_row *out,
                                      struct error *err);
CHECKED enum status scan_position_put(struct runtime *rt,
                                      const struct schedule_row *row,
                                      struct error *err);

/* Begins, goes on, or does nothing when it is done, not deployed yet or told
 * to try later; while the feature is paused it waits where it is. Blocks; ends
 * early when *stop becomes true. */
CHECKED enum status backfill_look(struct runtime *rt, struct engine *engine,
                                  const struct live_integration *li,
                                  const struct live_feature *lf,
                                  const atomic_bool *stop, struct error *err);

#endif
