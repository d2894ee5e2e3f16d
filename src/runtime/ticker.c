/*
 * The clock thread: sleeps until the next run is due (at most a second, so
 * that a run put in by another thread is never late by more), wakes the
 * workers, renews our leases, keeps the live log's connections open.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "runtime/parts.h"
#include "runtime/registry.h"

enum {
    TICK_MS = 1000,
    LEASE_S = 30,
    LEASE_RENEW_S = 10,
    HEARTBEAT_S = 15,
};

struct ticker {
    struct runtime *rt;
    struct bell *bell;
    atomic_bool stop;
    pthread_t thread;
    int64_t lease_at_us, heartbeat_at_us; /* monotonic */
    int64_t generation;
};

static enum status
renew(struct ticker *t, struct error *err)
{
    int64_t now_us = runtime_now_us(t->rt);
    int64_t fence = 0;
    AUTO_TX tx = NULL;

    enum status rc = store_begin(runtime_store(t->rt), true, &tx, err);
    if (rc == OK)
        rc = lease_take(tx, runtime_node(t->rt), now_us,
                        now_us + LEASE_S * US_PER_S, &fence, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    rc = store_commit(whole, err);
    if (rc == OK && fence != runtime_fence(t->rt))
        rc = fail(err, E_CONFLICT, "another node took our shards");
    return rc;
}

/* When the next run is due, as a time to wait; also notices definitions that
 * changed. */
static int
look(struct ticker *t)
{
    struct error err = {0};
    int64_t due_us = 0, generation = 0;
    AUTO_TX tx = NULL;

    enum status rc = store_begin(runtime_store(t->rt), false, &tx, &err);
    if (rc == OK)
        rc = runs_next_due(tx, &due_us, &err);
    if (rc == OK)
        rc = store_generation(tx, &generation, &err);
    if (rc != OK) {
        log_error(runtime_log(t->rt), "clock_failed", &err);
        return TICK_MS;
    }
    if (generation != t->generation) {
        t->generation = generation;
        registries_expire(runtime_registries(t->rt));
        drainer_wake(runtime_drainer(t->rt));
        scanner_wake(runtime_scanner(t->rt));
    }
    if (due_us == 0)
        return TICK_MS;
    int64_t wait_us = due_us - runtime_now_us(t->rt);
    if (wait_us <= 0) {
        workers_wake(runtime_workers(t->rt));
        return TICK_MS / 10;
    }
    return wait_us > TICK_MS * US_PER_MS ? TICK_MS
                                         : (int)(wait_us / US_PER_MS) + 1;
}

static void *
run(void *arg)
{
    struct ticker *t = arg;

    while (!atomic_load(&t->stop)) {
        int64_t now_us = clock_mono_us();
        struct error err = {0};
        if (now_us >= t->lease_at_us) {
            t->lease_at_us = now_us + LEASE_RENEW_S * US_PER_S;
            if (renew(t, &err) != OK)
                log_error(runtime_log(t->rt), "lease_failed", &err);
        }
        if (now_us >= t->heartbeat_at_us) {
            t->heartbeat_at_us = now_us + HEARTBEAT_S * US_PER_S;
            feed_heartbeat(t->rt);
        }
        int wait_ms = look(t);
        (void)bell_wait(t->bell, wait_ms);
    }
    return NULL;
}

enum status
ticker_start(struct runtime *rt, struct ticker **out, struct error *err)
{
    struct ticker *t = calloc(1, sizeof(*t));

    if (!t)
        return fail(err, E_NOMEM, "clock");
    t->rt = rt;
    t->bell = bell_new();
    t->lease_at_us = clock_mono_us() + LEASE_RENEW_S * US_PER_S;
    if (!t->bell || pthread_create(&t->thread, NULL, run, t) != 0) {
        bell_free(t->bell);
        free(t);
        return fail(err, E_NOMEM, "clock thread");
    }
    *out = t;
    return OK;
}

void
ticker_wake(struct ticker *t)
{
    if (t)
        bell_ring(t->bell);
}

void
ticker_stop(struct ticker *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, true);
    bell_ring(t->bell);
    pthread_join(t->thread, NULL);
    bell_free(t->bell);
    free(t);
}
