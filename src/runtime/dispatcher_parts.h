/*
 * runtime/dispatcher_parts.h - what the dispatcher's files share. Not for
 * others.
 *
 * A flight is one due action in hand: loaded, checked (gates), planned, then
 * waiting for a slot of its host, sending, and at last done, which means that
 * its record is to be written. Everything here belongs to one thread.
 */
#ifndef RUNTIME_DISPATCHER_PARTS_H
#define RUNTIME_DISPATCHER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/decide.h"
#include "effects/effects.h"
#include "runtime/parts.h"

enum {
    HAND_MAX = 1000,  /* flights in memory */
    LOAD_MAX = 200,   /* new ones at once */
    CALLS_MAX = 256,  /* sending at once */
    PER_HOST_MAX = 8, /* of those to one host: one that hangs leaves slots */
    BUCKETS = 1024,
};

struct host {
    struct host *next;
    char *name;
    int flights; /* waiting or sending */
    int sending;
    int64_t progress_us; /* monotonic: the last answer, or first call */
    int64_t hold_us;     /* monotonic: asked for a pause until; 0 */
    int failures;        /* in a row: many open the circuit */
    int64_t failed_us;   /* monotonic, of the last */
};

struct flight {
    struct flight *next; /* in waiting or done */
    struct flight *next_hash;
    struct dispatcher *d;
    struct arena *a;          /* owns everything below */
    struct action_row action; /* as loaded, then as to be recorded */
    struct json *payload;
    enum effect_kind kind;
    struct effect_plan plan;
    struct host *host;  /* NULL: local, or not planned yet */
    int64_t started_us; /* monotonic */
    bool attempted;     /* an attempt is to be recorded */
    bool succeeded;
    struct attempt_row attempt;
};

struct flights {
    struct flight *first, **last;
};

struct dispatcher {
    struct runtime *rt;
    struct net_client *net;
    struct lookups *lookups; /* for exits of sends that waited */
    pthread_t thread;
    atomic_bool stop, woken;
    atomic_int grace_ms;
    struct flights waiting, done;
    size_t in_hand, sending, n_done;
    struct flight *by_id[BUCKETS];
    struct host *hosts;
    size_t load_limit;  /* halved when a load does not fit */
    int64_t soonest_us; /* when the next action is due; 0 = not known */
    int64_t loaded_us;  /* monotonic, of the last load */
    int64_t record_us;  /* monotonic: not before; after a store error */
    bool more;          /* the last load was full */
};

static inline void
flights_add(struct flights *list, struct flight *f)
{
    f->next = NULL;
    *list->last = f;
    list->last = &f->next;
}

/* Takes the whole list. */
static inline struct flight *
flights_take(struct flights *list)
{
    struct flight *first = list->first;

    list->first = NULL;
    list->last = &list->first;
    return first;
}

/* dispatcher.c */
void flight_free(struct flight *f); /* leaves the hand without a record */
void flight_done(struct flight *f); /* its record is complete: write it */

/* dispatcher_load.c: takes up due actions, checks and plans them. */
void dispatcher_load(struct dispatcher *d);

/* dispatcher_gates.c: the last look (M7). Leaves the flight done when it may
 * not go now, and *pass false. */
CHECKED enum status gates_check(struct flight *f, struct store_tx *tx,
                                bool exited, bool *pass, struct error *err);

/* dispatcher_send.c */
void dispatcher_send(struct dispatcher *d); /* waiting -> sending */
/* Waiting time until a held host may be called again; -1 = none waits. */
int64_t dispatcher_hold_us(const struct dispatcher *d);
void host_join(struct dispatcher *d, struct flight *f);
void host_leave(struct flight *f);

/* dispatcher_record.c */
void flight_result(struct flight *f, const struct effect_result *r,
                   int64_t latency_us);
void flight_skip(struct flight *f, const char *verdict, const char *why);
void flight_defer(struct flight *f, int64_t due_us, const char *verdict,
                  const char *why);
void flight_fail(struct flight *f, const char *why); /* never performed */
void dispatcher_record(struct dispatcher *d);        /* all that are done */

#endif
