/*
 * The workers: each thread owns a range of shards and decides what is queued
 * or due there, batch by batch, until nothing is left; then it waits.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/engine.h"
#include "runtime/parts.h"

enum {
    WORKERS_MAX = 16,
    BATCH_ITEMS = 1000,
    IDLE_MS = 2000, /* a lost wake costs at most this */
    PAUSE_MS = 500, /* after a store error */
    PACE_MS = 15,   /* a batch costs a flush to the disk: gather meanwhile */
    CONFLICTS_MAX = 20,
};

struct worker {
    struct workers *all;
    int from, to; /* shards */
    struct bell *bell;
    struct engine *engine;
    pthread_t thread;
    bool started;
};

struct workers {
    struct runtime *rt;
    atomic_bool stop;
    int n;
    struct worker items[WORKERS_MAX];
};

static void
nap(int ms)
{
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void *
run(void *arg)
{
    struct worker *w = arg;
    struct workers *all = w->all;
    int conflicts = 0;

    while (!atomic_load(&all->stop)) {
        size_t done = 0;
        struct error err = {0};
        enum status rc =
            engine_run(w->engine, w->from, w->to, BATCH_ITEMS, &done, &err);
        if (rc == E_CONFLICT && conflicts++ < CONFLICTS_MAX)
            continue;
        conflicts = 0;
        if (rc != OK) {
            log_error(runtime_log(all->rt), "batch_failed", &err);
            (void)bell_wait(w->bell, PAUSE_MS);
        } else if (done == 0) {
            (void)bell_wait(w->bell, IDLE_MS);
        } else if (done < BATCH_ITEMS) {
            nap(PACE_MS);
        }
    }
    return NULL;
}

static bool
worker_start(struct workers *all, int i)
{
    struct worker *w = &all->items[i];

    w->all = all;
    w->from = i * SHARD_COUNT / all->n;
    w->to = (i + 1) * SHARD_COUNT / all->n - 1;
    w->bell = bell_new();
    w->engine = engine_new(all->rt);
    w->started =
        w->bell && w->engine && pthread_create(&w->thread, NULL, run, w) == 0;
    return w->started;
}

enum status
workers_start(struct runtime *rt, int threads, struct workers **out,
              struct error *err)
{
    struct workers *all = calloc(1, sizeof(*all));

    if (!all)
        return fail(err, E_NOMEM, "workers");
    all->rt = rt;
    all->n = threads < 1 ? 1 : threads > WORKERS_MAX ? WORKERS_MAX : threads;
    for (int i = 0; i < all->n; i++) {
        if (worker_start(all, i))
            continue;
        workers_stop(all);
        return fail(err, E_NOMEM, "worker thread %d", i);
    }
    *out = all;
    return OK;
}

void
workers_wake(struct workers *all)
{
    for (int i = 0; all && i < all->n; i++)
        bell_ring(all->items[i].bell);
}

void
workers_stop(struct workers *all)
{
    if (!all)
        return;
    atomic_store(&all->stop, true);
    for (int i = 0; i < all->n; i++) {
        struct worker *w = &all->items[i];
        if (w->bell)
            bell_ring(w->bell);
        if (w->started)
            pthread_join(w->thread, NULL);
        engine_free(w->engine);
        bell_free(w->bell);
    }
    free(all);
}
