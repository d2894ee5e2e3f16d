/*
 * runtime/parts.h - the threads of the runtime to each other. Not for faces.
 */
#ifndef RUNTIME_PARTS_H
#define RUNTIME_PARTS_H

#include "runtime/feed.h"
#include "runtime/ingest.h"
#include "runtime/runtime.h"

/* Each part: x_start makes its thread(s), x_stop joins them after they have
 * finished what they hold, x_wake makes them look at the store. */

struct committer;
CHECKED enum status committer_start(struct runtime *rt, struct committer **out,
                                    struct error *err);
void committer_stop(struct committer *c);

struct workers;
CHECKED enum status workers_start(struct runtime *rt, int threads,
                                  struct workers **out, struct error *err);
void workers_wake(struct workers *all);
void workers_stop(struct workers *all);

/* The clock: wakes the workers when a run is due, renews the leases, keeps the
 * live log's connections warm. */
struct ticker;
CHECKED enum status ticker_start(struct runtime *rt, struct ticker **out,
                                 struct error *err);
void ticker_wake(struct ticker *t);
void ticker_stop(struct ticker *t);

/* Schedules (scans of the customers' tables) and retention: what may block
 * for long and must not delay a timer. */
struct scanner;
CHECKED enum status scanner_start(struct runtime *rt, struct scanner **out,
                                  struct error *err);
void scanner_wake(struct scanner *s);
void scanner_stop(struct scanner *s);

struct dispatcher;
CHECKED enum status dispatcher_start(struct runtime *rt,
                                     struct dispatcher **out,
                                     struct error *err);
void dispatcher_wake(struct dispatcher *d);
void dispatcher_stop(struct dispatcher *d, int grace_ms);

struct drainer;
CHECKED enum status drainer_start(struct runtime *rt, struct drainer **out,
                                  struct error *err);
void drainer_wake(struct drainer *d); /* integrations changed */
/* Fetch from one integration now. */
void drainer_ring(struct drainer *d, const char *integration_id);
bool drainer_state(struct drainer *d, struct arena *a,
                   const char *integration_id, struct drain_state *out);
void drainer_stop(struct drainer *d);

struct committer *runtime_committer(struct runtime *rt);
struct workers *runtime_workers(struct runtime *rt);
struct dispatcher *runtime_dispatcher(struct runtime *rt);
struct drainer *runtime_drainer(struct runtime *rt);
struct ticker *runtime_ticker(struct runtime *rt);
struct scanner *runtime_scanner(struct runtime *rt);
const char *runtime_node(struct runtime *rt); /* our name in the leases */
struct registries *runtime_registries(struct runtime *rt);
struct feed *runtime_feed(struct runtime *rt);
int64_t runtime_fence(struct runtime *rt); /* of our shard leases */

/* A bell a thread waits on: set from any thread, cleared by the wait. */
struct bell;                 /* opaque */
struct bell *bell_new(void); /* NULL when out of memory */
void bell_free(struct bell *b);
void bell_ring(struct bell *b);
/* Waits until rung or timeout_ms passed; true when rung. */
bool bell_wait(struct bell *b, int timeout_ms);

/* Does an exit predicate of the action's feature hold now, by live rows? For
 * the last look before a send that waited. Blocks on the customer's database.
 * An unreachable database is an error: the send waits. */
struct lookups; /* runtime/lookups.h: the calling thread's */
CHECKED enum status exit_holds(struct runtime *rt, struct lookups *lookups,
                               struct arena *a, const struct action_row *action,
                               bool *holds, struct error *err);

/* Dies at once when SKENE_FAILPOINT is "<name>:kill"; the crash tests' hook. */
void failpoint(const char *name);

#endif
