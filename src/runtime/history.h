/*
 * runtime/history.h - what was known when: the facts that stored decisions
 * rest on, when they were made, and rows as events brought them. A backtest
 * decides with these and asks the database only for the rest.
 */
#ifndef RUNTIME_HISTORY_H
#define RUNTIME_HISTORY_H

#include "core/facts.h"
#include "runtime/runtime.h"

struct history; /* opaque; in an arena */

/* Reads the decisions of a feature in [since, until).
 * Errors: E_TOOBIG when the arena cannot hold them. */
CHECKED enum status history_load(struct runtime *rt, struct arena *a,
                                 const char *workspace_id,
                                 const char *feature_key, int64_t since_us,
                                 int64_t until_us, struct history **out,
                                 struct error *err);
/* When an event was decided; `otherwise` when it never was. */
int64_t history_decided_us(const struct history *h, const char *event_id,
                           int64_t otherwise);
/* When a run that is due was looked at, by the event that began it (a
 * schedule's: by its subject); due_us when that is not known. */
int64_t history_looked_us(const struct history *h, const char *event_id,
                          const char *subject_key, int64_t due_us);
/* A row as an event told of it: from now on its columns are known. */
CHECKED enum status history_row(struct history *h, const char *table,
                                const char *key, const struct json *record,
                                struct error *err);
/* The newest value known at that time, else the first one after; NULL. */
const struct json *history_answer(const struct history *h,
                                  const struct fact_need *need, int64_t at_us);

#endif
