/*
 * The dispatcher: one thread that performs due actions and records what came
 * of it. An action is claimed in memory only: after a crash it is due again
 * and is sent again under the same key.
 */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "runtime/dispatcher_parts.h"
#include "runtime/lookups.h"

enum {
    IDLE_MS = 1000,      /* a lost wake costs at most this */
    DRAIN_MS = 50,       /* while stopping */
    DONE_MAX = LOAD_MAX, /* unrecorded ones, before loading stops */
};

void
flight_free(struct flight *f)
{
    struct dispatcher *d = f->d;
    struct flight **at = &d->by_id[hash64_str(f->action.id) % BUCKETS];

    while (*at && *at != f)
        at = &(*at)->next_hash;
    if (*at) {
        *at = f->next_hash;
        d->in_hand--;
    }
    host_leave(f);
    arena_free(f->a); /* the flight itself lives there */
}

void
flight_done(struct flight *f)
{
    host_leave(f);
    flights_add(&f->d->done, f);
    f->d->n_done++;
}

static bool
more_fits(const struct dispatcher *d)
{
    return d->more && d->in_hand + LOAD_MAX <= HAND_MAX &&
           d->n_done <= DONE_MAX;
}

static bool
load_is_due(struct dispatcher *d)
{
    int64_t now_us = runtime_now_us(d->rt);

    if (d->n_done > DONE_MAX)
        return false; /* the store does not take records: no new sends */
    return atomic_exchange(&d->woken, false) || more_fits(d) ||
           (d->soonest_us && d->soonest_us <= now_us) ||
           clock_mono_us() - d->loaded_us >= IDLE_MS * US_PER_MS;
}

static int
wait_ms(const struct dispatcher *d)
{
    int64_t wait_us = IDLE_MS * US_PER_MS;
    int64_t hold_us = dispatcher_hold_us(d);

    if (more_fits(d))
        return 0;
    if (d->soonest_us) {
        int64_t due_us = d->soonest_us - runtime_now_us(d->rt);
        wait_us = due_us < wait_us ? due_us : wait_us;
    }
    if (hold_us >= 0 && hold_us < wait_us)
        wait_us = hold_us;
    if (d->done.first) {
        int64_t again_us = d->record_us - clock_mono_us();
        wait_us = again_us < wait_us ? again_us : wait_us;
    }
    return wait_us <= 0 ? 0 : (int)((wait_us + US_PER_MS - 1) / US_PER_MS);
}

/* What is not sent yet stays pending; calls in flight get the grace time. */
static void
finish(struct dispatcher *d)
{
    int64_t end_us = clock_mono_us() + atomic_load(&d->grace_ms) * US_PER_MS;

    for (struct flight *f = flights_take(&d->waiting), *next; f; f = next) {
        next = f->next;
        flight_free(f);
    }
    dispatcher_record(d);
    while ((d->sending || d->done.first) && clock_mono_us() < end_us) {
        net_client_poll(d->net, DRAIN_MS);
        dispatcher_record(d);
    }
    d->record_us = 0;
    dispatcher_record(d);
}

static void *
run(void *arg)
{
    struct dispatcher *d = arg;

    while (!atomic_load(&d->stop)) {
        if (load_is_due(d))
            dispatcher_load(d);
        dispatcher_send(d);
        dispatcher_record(d);
        net_client_poll(d->net, wait_ms(d));
    }
    finish(d);
    return NULL;
}

static void
dispatcher_free(struct dispatcher *d)
{
    lookups_free(d->lookups);
    net_client_free(d->net); /* drops the calls that did not end in time */
    for (size_t i = 0; i < BUCKETS; i++)
        while (d->by_id[i])
            flight_free(d->by_id[i]);
    while (d->hosts) {
        struct host *h = d->hosts;
        d->hosts = h->next;
        free(h->name);
        free(h);
    }
    free(d);
}

enum status
dispatcher_start(struct runtime *rt, struct dispatcher **out, struct error *err)
{
    struct dispatcher *d = calloc(1, sizeof(*d));
    struct net_client_config config = {
        .max_in_flight = CALLS_MAX,
        .max_per_host = PER_HOST_MAX,
        .allow_private = runtime_config_get(rt)->allow_private_egress,
        .user_agent = "skene/" SKENE_VERSION,
    };

    if (!d)
        return fail(err, E_NOMEM, "dispatcher");
    d->rt = rt;
    d->waiting.last = &d->waiting.first;
    d->done.last = &d->done.first;
    d->load_limit = LOAD_MAX;
    atomic_store(&d->woken, true);
    d->lookups = lookups_new(rt);
    enum status rc = d->lookups ? net_client_new(&config, &d->net, err)
                                : fail(err, E_NOMEM, "dispatcher");
    if (rc == OK && pthread_create(&d->thread, NULL, run, d) != 0)
        rc = fail(err, E_NOMEM, "dispatcher thread");
    if (rc != OK) {
        dispatcher_free(d);
        return rc;
    }
    *out = d;
    return OK;
}

void
dispatcher_wake(struct dispatcher *d)
{
    if (!d)
        return;
    atomic_store(&d->woken, true);
    net_client_wake(d->net);
}

void
dispatcher_stop(struct dispatcher *d, int grace_ms)
{
    if (!d)
        return;
    atomic_store(&d->grace_ms, grace_ms);
    atomic_store(&d->stop, true);
    net_client_wake(d->net);
    pthread_join(d->thread, NULL);
    dispatcher_free(d);
}
