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

/* Begins, goes on, or does nothing when it is done, not deployed yet or told
 * to try later. Blocks; ends early when *stop becomes true. */
CHECKED enum status backfill_look(struct runtime *rt, struct engine *engine,
                                  const struct live_integration *li,
                                  const struct live_feature *lf,
                                  const atomic_bool *stop, struct error *err);

#endif
