/*
 * tests/unit/store/fixture.h - a store in a folder of its own, with one
 * workspace, and short ways to write rows.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "../test.h"

#include "base/clock.h"
#include "store/store.h"

#define T0 ((int64_t)1767600000 * US_PER_S) /* 2026-01-05 08:00 */

struct fixture {
    struct arena *a;
    struct store *s;
    char folder[64];
    char path[80];
    const char *workspace;
    const char *integration;
};

/* cmocka's setup and teardown. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Closes the store and opens the same file again. */
void fixture_reopen(struct fixture *f);

struct store_tx *begin(struct fixture *f, bool write);
void commit(struct store_tx *tx);

/* A fresh id at an instant, in the fixture's arena. */
const char *new_id(struct fixture *f, int64_t at_us);
/* Event number n, 1 s after the one before, queued in shard 7. */
struct event_row event_of(struct fixture *f, int n);
/* Inserts and commits it; returns it. */
struct event_row event_put(struct fixture *f, int n);
struct run_row run_of(struct fixture *f, const char *feature_id,
                      const char *subject);
struct action_row action_of(struct fixture *f, const char *key, int64_t due_us);

#endif
