/*
 * A runtime without its threads, for tests of one part: a store in a temporary
 * folder, a clock that is moved by hand, and answers of the other parts.
 */
#ifndef TESTS_RUNTIME_WORLD_H
#define TESTS_RUNTIME_WORLD_H

#include <stdatomic.h>

#include "runtime/parts.h"
#include "runtime/runtime.h"

struct runtime {
    char folder[64];
    struct store *store;
    struct runtime_config config;
    struct workspace workspace;
    struct arena *a; /* of the test */
    _Atomic int64_t offset_us;
    atomic_bool exited;     /* what exit_holds() says */
    atomic_int exit_status; /* … and returns */
    atomic_int exit_calls;
    struct feed *feed;
    int made;             /* actions */
    const char *template; /* of the next actions; NULL: "welcome" */
};

struct runtime *world_new(void);
void world_free(struct runtime *rt);
void world_forward(struct runtime *rt, int64_t us);

/* Runs `body` in a write transaction named tx; asserts that it works. */
#define WORLD_WRITE(rt, body)                                             \
    do {                                                                  \
        struct store_tx *tx = NULL;                                       \
        struct error err_ = {0};                                          \
        assert_int_equal(store_begin((rt)->store, true, &tx, &err_), OK); \
        assert_int_equal((body), OK);                                     \
        assert_int_equal(store_commit(tx, &err_), OK);                    \
    } while (0)

/* As WORLD_WRITE, reading. */
#define WORLD_READ(rt, body)                                               \
    do {                                                                   \
        struct store_tx *tx = NULL;                                        \
        struct error err_ = {0};                                           \
        assert_int_equal(store_begin((rt)->store, false, &tx, &err_), OK); \
        enum status rc_ = (body);                                          \
        store_rollback(tx);                                                \
        assert_int_equal(rc_, OK);                                         \
    } while (0)

/* Waits (at most 10 s) until `condition` holds. */
#define WORLD_UNTIL(condition)                          \
    do {                                                \
        int64_t end_ = clock_mono_us() + 10 * US_PER_S; \
        while (!(condition) && clock_mono_us() < end_)  \
            world_nap();                                \
        assert_true(condition);                         \
    } while (0)
void world_nap(void); /* a few milliseconds between two looks */

/* A pending action of subject "users/<who>"; returns its id. `timing` is
 * JSON, or NULL. */
const char *world_action(struct runtime *rt, const char *kind,
                         const char *address, const char *who,
                         const char *timing);
struct action_row world_get(struct runtime *rt, const char *id);
bool world_is(struct runtime *rt, const char *id, const char *status);

#endif
