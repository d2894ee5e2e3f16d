/*
 * target/drain.h - gets events out of skene_growth.event_log, losslessly:
 * select, hand over, and delete only after the caller says they are durable.
 *
 * Rows of `metadata`: captured columns by name; for updates the old values
 * under "_old".
 */
#ifndef TARGET_DRAIN_H
#define TARGET_DRAIN_H

#include "target/target.h"

enum { DRAIN_BATCH = 1000 };

struct drained_event {
    int64_t id;             /* event_log.id */
    const char *event_type; /* "public.users.insert" */
    const char *entity_id;  /* NULL when the table has no key */
    const char *metadata;   /* JSON text as PostgreSQL prints it */
    int64_t occurred_us;
};

/* Prepares a connection for draining: takes the session advisory lock (one
 * drain per database), LISTENs on the doorbell. Behind a transaction pooler a
 * lease in the config row stands for the lock, and there is no doorbell: poll.
 * *epoch = the config's epoch. Errors: E_CONFLICT another drain holds the lock;
 * E_NOTFOUND not deployed yet; E_FORBIDDEN the clone guard says this is not
 * home. */
CHECKED enum status drain_start(struct target *t, struct arena *a,
                                const char **epoch, struct error *err);

/* Up to `limit` oldest events with id > floor, with the context that rules of
 * enrichment_map add; without it when they cannot be run. The caller raises the
 * floor to the last id it has deleted, and lowers it now and then: late
 * committers have lower ids, as low as drain_horizon() allows. */
CHECKED enum status drain_fetch(struct target *t, struct arena *a,
                                int64_t floor, int limit,
                                struct drained_event **out, size_t *n,
                                struct error *err);
/* The ids of the same events, for when one of them cannot be read at all: a
 * database whose encoding is SQL_ASCII may hold bytes that are no text. */
CHECKED enum status drain_ids(struct target *t, struct arena *a, int64_t floor,
                              int limit, int64_t **out, size_t *n,
                              struct error *err);
/* Whether a fetch failed because of what an event holds. */
bool drain_cannot_read(const struct error *err);

/* Transactions below xmin are over; below xmax are those that may have taken an
 * id until now. */
struct drain_horizon {
    int64_t xmin, xmax;
    const char *epoch;
};
CHECKED enum status drain_horizon(struct target *t, struct arena *a,
                                  struct drain_horizon *out, struct error *err);
/* Deletes them by id. Idempotent. */
CHECKED enum status drain_ack(struct target *t, const int64_t *ids, size_t n,
                              struct error *err);

/* Moves one event to skene_growth.failed_events with the reason: it cannot be
 * taken over and must not hold up the others. */
CHECKED enum status drain_set_aside(struct target *t, int64_t id,
                                    const char *reason, struct error *err);

/* Descriptor to poll for reading; -1 when closed or pooled. */
int drain_fd(const struct target *t);
/* True when a doorbell arrived since the last call; reads what is there.
 * Errors: E_NET when the connection broke. */
CHECKED enum status drain_rang(struct target *t, bool *rang, struct error *err);

#endif
