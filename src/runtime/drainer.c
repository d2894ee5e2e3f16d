/*
 * The drain: one thread that pulls events out of every integration with a
 * connection string. Each has its own state: connecting (with back-off),
 * draining, waiting. A batch is deleted at the customer's only after the
 * committer has it on disk.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/drain_open.h"
#include "runtime/lookups.h"
#include "runtime/parts.h"
#include "target/channel.h"
#include "target/drain.h"
#include "target/failed.h"

enum {
    SOURCES_MAX = 256,
    BATCH_MAX_BYTES = 256 * 1024 * 1024,
    IDLE_POLL_MS = 2000, /* a lost doorbell costs at most this */
    TRAIL_POLL_MS = 20,  /* after a bell: what came within its pause */
    TRAIL_MS = 400,
    SWEEP_MS = 30000,    /* over a channel, whose calls are counted … */
    SWEEP_GAP_MS = 1000, /* … however often it rings */
    BACKOFF_FIRST_MS = 250,
    BACKOFF_MAX_MS = 30000,
    ERROR_BYTES = 300,
    FAILED_KEPT_DAYS = 90,
};
static const int64_t FORGET_EVERY_US = 3600 * US_PER_S;
/* Rows put in by hand, with ids of their own, need not keep to the order. */
static const int64_t WHOLE_EVERY_US = 600 * US_PER_S;

struct source {
    char id[ID_TEXT_BYTES];
    char epoch[EPOCH_BYTES];
    struct target *target;
    struct opening *opening; /* while it connects */
    int64_t floor;           /* fetch above it */
    int64_t base;            /* below it nobody can turn up any more */
    int64_t wait_id;         /* becomes the base when all xids below … */
    int64_t wait_xid;        /* … this one are over; 0: nothing waited for */
    int64_t whole_us;        /* monotonic: next look at the whole outbox */
    int64_t next_us;         /* monotonic: next fetch or connection try */
    int64_t trail_until_us;
    int64_t fetched_us; /* monotonic: the fetch before */
    int64_t forget_us;  /* monotonic: next look at old failed events */
    int backoff_ms;
    bool seen; /* in this round's registry */
    /* under lock: read by the faces */
    const char *state;
    char error[ERROR_BYTES];
    int64_t retry_us, last_event_us, events;
};

struct drainer {
    struct runtime *rt;
    atomic_bool stop;
    int event_fd;
    pthread_t thread;
    pthread_mutex_t lock;
    struct source sources[SOURCES_MAX];
    size_t n;
    struct arena *a;
};

static void
set_state(struct drainer *d, struct source *s, const char *state,
          const char *error)
{
    pthread_mutex_lock(&d->lock);
    s->state = state;
    (void)snprintf(s->error, sizeof(s->error), "%s", error);
    s->retry_us = s->backoff_ms && error[0]
                      ? runtime_now_us(d->rt) + s->backoff_ms * US_PER_MS
                      : 0;
    pthread_mutex_unlock(&d->lock);
}

static void
source_close(struct source *s)
{
    if (s->opening) {
        struct error ignored;
        (void)(opening_take(s->opening, &s->target, s->epoch, &ignored) == OK);
        s->opening = NULL;
    }
    target_close(s->target);
    s->target = NULL;
    s->floor = s->base = s->wait_xid = 0;
}

/* Back off, doubling; log each change of the reason once. */
static void
source_fail(struct drainer *d, struct source *s, const struct error *err)
{
    bool again = strcmp(s->error, err->msg) == 0;

    source_close(s);
    s->backoff_ms = s->backoff_ms == 0 ? BACKOFF_FIRST_MS : s->backoff_ms * 2;
    if (s->backoff_ms > BACKOFF_MAX_MS)
        s->backoff_ms = BACKOFF_MAX_MS;
    /* Not deployed yet is a normal state, looked at often. */
    if (err->code == E_NOTFOUND && s->backoff_ms > IDLE_POLL_MS)
        s->backoff_ms = IDLE_POLL_MS;
    s->next_us = clock_mono_us() + s->backoff_ms * US_PER_MS;
    set_state(d, s, err->code == E_NOTFOUND ? "not deployed" : "waiting",
              err->msg);
    if (!again && err->code != E_NOTFOUND)
        log_error(runtime_log(d->rt), "drain_waits", err);
}

/* Connected: from here on it drains. */
static void
source_opened(struct drainer *d, struct source *s,
              const struct integration *row)
{
    s->next_us = 0;
    s->forget_us = 0;
    set_state(d, s, "draining", "");
    log_event(runtime_log(d->rt), LEVEL_INFO, "drain_started", "integration",
              row->name, "epoch", s->epoch, NULL);
}

/* Begins to connect, or looks whether it is done. s->target stays NULL while
 * there is nothing to drain yet. */
static enum status
source_open(struct drainer *d, struct source *s, const struct integration *row,
            struct error *err)
{
    if (s->opening) {
        if (!opening_done(s->opening))
            return OK;
        struct opening *done = s->opening;
        s->opening = NULL;
        enum status rc = opening_take(done, &s->target, s->epoch, err);
        if (rc == OK)
            source_opened(d, s, row);
        return rc;
    }
    if (clock_mono_us() < s->next_us)
        return OK;
    set_state(d, s, "connecting", s->error);
    s->next_us = clock_mono_us() + IDLE_POLL_MS * US_PER_MS;
    return opening_start(d->rt, row, d->event_fd, &s->opening, err);
}

/* What the sender's fault is, trying again will not mend. */
static bool
is_poison(enum status rc)
{
    return rc == E_INPUT || rc == E_INVALID || rc == E_TOOBIG;
}

/* Events one by one: those that cannot be read are set aside at the customer's
 * with the reason, so that they hold up no others. */
static enum status
hand_over_singly(struct drainer *d, struct source *s,
                 const struct integration *row, const struct received_event *in,
                 size_t n, size_t *accepted, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct ingest_result result = {0};
        struct error why = {0};
        rc = ingest_wait(d->rt, row, s->epoch, "drain", &in[i], 1, &result,
                         &why);
        if (rc == OK) {
            *accepted += result.accepted;
            continue;
        }
        if (!is_poison(rc)) {
            *err = why;
            return rc;
        }
        char id[24];
        (void)snprintf(id, sizeof(id), "%lld", (long long)in[i].source_id);
        log_event(runtime_log(d->rt), LEVEL_ERROR, "event_set_aside",
                  "integration", row->name, "source_id", id, "type", in[i].type,
                  "reason", why.msg, NULL);
        rc = drain_set_aside(s->target, in[i].source_id, why.msg, err);
    }
    return rc;
}

static enum status
hand_over(struct drainer *d, struct source *s, const struct integration *row,
          const struct drained_event *events, size_t n, struct error *err)
{
    struct received_event *in = arena_array(d->a, n, sizeof(*in));
    int64_t *ids = arena_array(d->a, n, sizeof(*ids));
    struct ingest_result result = {0};

    if (!in || !ids)
        return fail(err, E_NOMEM, "batch of %zu", n);
    for (size_t i = 0; i < n; i++) {
        ids[i] = events[i].id;
        in[i] = (struct received_event){.source_id = events[i].id,
                                        .type = events[i].event_type,
                                        .entity_id = events[i].entity_id,
                                        .metadata = events[i].metadata,
                                        .occurred_us = events[i].occurred_us};
    }
    enum status rc =
        ingest_wait(d->rt, row, s->epoch, "drain", in, n, &result, err);
    if (is_poison(rc))
        rc = hand_over_singly(d, s, row, in, n, &result.accepted, err);
    failpoint("drain.before_ack");
    if (rc == OK)
        rc = drain_ack(s->target, ids, n, err);
    failpoint("drain.after_ack");
    if (rc != OK)
        return rc;
    s->floor = ids[n - 1];
    pthread_mutex_lock(&d->lock);
    s->events += (int64_t)result.accepted;
    s->last_event_us = runtime_now_us(d->rt);
    pthread_mutex_unlock(&d->lock);
    return OK;
}

/* Once an hour, when there is nothing else to do. */
static enum status
forget_old(struct source *s, int64_t now_us, struct error *err)
{
    if (now_us < s->forget_us)
        return OK;
    s->forget_us = now_us + FORGET_EVERY_US;
    return failed_forget(s->target, FAILED_KEPT_DAYS, err);
}

/* Back to where a late committer may be. Not to the start: behind a long
 * transaction the rows that were deleted there stay in the way. */
static enum status
floor_lower(struct drainer *d, struct source *s, struct error *err)
{
    struct drain_horizon h;
    int64_t now_us = clock_mono_us();
    enum status rc = drain_horizon(s->target, d->a, &h, err);

    if (rc != OK)
        return rc;
    if (strcmp(h.epoch, s->epoch) != 0)
        return fail(err, E_NET, "the outbox was made anew");
    if (s->wait_xid && h.xmin >= s->wait_xid) {
        s->base = s->wait_id;
        s->wait_xid = 0;
    }
    if (!s->wait_xid && s->floor > s->base) {
        s->wait_id = s->floor;
        s->wait_xid = h.xmax;
    }
    s->floor = s->base;
    if (now_us >= s->whole_us) {
        s->whole_us = now_us + WHOLE_EVERY_US;
        s->floor = 0;
    }
    return OK;
}

/* The batch event by event: whatever cannot be read is set aside over there,
 * so that it holds up no others. */
static enum status
fetch_singly(struct drainer *d, struct source *s, const struct integration *row,
             struct error *err)
{
    int64_t *ids = NULL;
    size_t n = 0, got = 0;
    enum status rc =
        drain_ids(s->target, d->a, s->floor, DRAIN_BATCH, &ids, &n, err);

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct drained_event *event = NULL;
        struct error why = {0};
        rc = drain_fetch(s->target, d->a, ids[i] - 1, 1, &event, &got, &why);
        if (rc == OK && got)
            rc = hand_over(d, s, row, event, got, err);
        if (rc != E_DB || !drain_cannot_read(&why)) {
            if (rc != OK && why.code)
                *err = why;
            continue;
        }
        log_error(runtime_log(d->rt), "event_set_aside", &why);
        const char *reason =
            arena_printf(d->a, "%s (%s)", why.msg, why.sqlstate);
        rc = reason ? drain_set_aside(s->target, ids[i], reason, err)
                    : fail(err, E_NOMEM, "reason");
    }
    return rc;
}

static enum status
source_fetch(struct drainer *d, struct source *s, const struct integration *row,
             struct error *err)
{
    struct drained_event *events = NULL;
    size_t n = 0;
    int64_t now_us = clock_mono_us();

    enum status rc =
        drain_fetch(s->target, d->a, s->floor, DRAIN_BATCH, &events, &n, err);
    if (rc == OK && n)
        rc = hand_over(d, s, row, events, n, err);
    if (rc == E_DB && drain_cannot_read(err))
        rc = fetch_singly(d, s, row, err);
    if (rc != OK)
        return rc;
    s->backoff_ms = 0;
    s->fetched_us = now_us;
    if (n)
        s->trail_until_us = now_us + TRAIL_MS * US_PER_MS;
    if (n == DRAIN_BATCH) {
        s->next_us = 0;
    } else if (now_us < s->trail_until_us && !target_is_channel(s->target)) {
        s->next_us = clock_mono_us() + TRAIL_POLL_MS * US_PER_MS;
    } else {
        s->next_us =
            now_us + (target_is_channel(s->target) ? SWEEP_MS : IDLE_POLL_MS) *
                         US_PER_MS;
        rc = floor_lower(d, s, err);
        return rc == OK ? forget_old(s, now_us, err) : rc;
    }
    return OK;
}

/* A doorbell right after a sweep: the next one is due a little later. */
static bool
sweep_rests(const struct source *s)
{
    int64_t now_us = clock_mono_us();

    return target_is_channel(s->target) && now_us >= s->next_us &&
           now_us < s->fetched_us + SWEEP_GAP_MS * US_PER_MS;
}

static void
source_turn(struct drainer *d, struct source *s, const struct integration *row)
{
    struct error err = {0};
    bool rang = false;
    enum status rc = OK;

    arena_reset(d->a);
    if (!s->target) {
        rc = source_open(d, s, row, &err);
    } else {
        rc = drain_rang(s->target, &rang, &err);
        if (rang) {
            s->next_us = 0;
            s->trail_until_us = clock_mono_us() + TRAIL_MS * US_PER_MS;
            rc = floor_lower(d, s, &err);
        }
    }
    if (rc == OK && s->target && sweep_rests(s))
        s->next_us = s->fetched_us + SWEEP_GAP_MS * US_PER_MS;
    if (rc == OK && s->target && clock_mono_us() >= s->next_us)
        rc = source_fetch(d, s, row, &err);
    /* A full committer or store is ours, not the database's fault. */
    if (rc == E_BUSY || rc == E_STORE)
        s->next_us = clock_mono_us() + BACKOFF_FIRST_MS * US_PER_MS;
    else if (rc != OK)
        source_fail(d, s, &err);
}

/* ---- the set of sources ---- */

static bool
drains(const struct integration *row)
{
    return row->dsn_sealed && strcmp(row->status, "connected") == 0 &&
           strcmp(row->transport, "push_only") != 0 &&
           strcmp(row->access_mode, "read_write") == 0;
}

static struct source *
source_of(struct drainer *d, const char *id)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->sources[i].id, id) == 0)
            return &d->sources[i];
    if (d->n == SOURCES_MAX)
        return NULL;
    pthread_mutex_lock(&d->lock);
    struct source *s = &d->sources[d->n++];
    *s = (struct source){.state = "connecting"};
    (void)snprintf(s->id, sizeof(s->id), "%s", id);
    pthread_mutex_unlock(&d->lock);
    return s;
}

static void
drop_unseen(struct drainer *d)
{
    for (size_t i = 0; i < d->n;) {
        if (d->sources[i].seen) {
            i++;
            continue;
        }
        source_close(&d->sources[i]);
        pthread_mutex_lock(&d->lock);
        d->sources[i] = d->sources[--d->n];
        pthread_mutex_unlock(&d->lock);
    }
}

/* Milliseconds until the nearest thing to do. */
static int
round_of(struct drainer *d)
{
    AUTO_REGISTRY reg = NULL;
    struct error err = {0};
    int64_t next_us = clock_mono_us() + IDLE_POLL_MS * US_PER_MS;

    if (registry_get(d->rt, &reg, &err) != OK) {
        log_error(runtime_log(d->rt), "drain_failed", &err);
        return IDLE_POLL_MS;
    }
    for (size_t i = 0; i < d->n; i++)
        d->sources[i].seen = false;
    for (size_t i = 0; i < registry_count(reg); i++) {
        const struct integration *row = &registry_at(reg, i)->row;
        struct source *s = drains(row) ? source_of(d, row->id) : NULL;
        if (!s)
            continue;
        s->seen = true;
        source_turn(d, s, row);
        if (s->next_us < next_us)
            next_us = s->next_us;
    }
    drop_unseen(d);
    int64_t wait_us = next_us - clock_mono_us();
    return wait_us <= 0 ? 0 : (int)(wait_us / US_PER_MS) + 1;
}

static void
wait_for(struct drainer *d, int timeout_ms)
{
    struct pollfd fds[1 + SOURCES_MAX];
    nfds_t n = 0;

    fds[n++] = (struct pollfd){.fd = d->event_fd, .events = POLLIN};
    for (size_t i = 0; i < d->n; i++) {
        int fd = d->sources[i].target ? drain_fd(d->sources[i].target) : -1;
        if (fd >= 0)
            fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    if (poll(fds, n, timeout_ms) > 0 && (fds[0].revents & POLLIN)) {
        eventfd_t value;
        (void)eventfd_read(d->event_fd, &value);
    }
}

static void *
run(void *arg)
{
    struct drainer *d = arg;

    while (!atomic_load(&d->stop)) {
        int timeout_ms = round_of(d);
        if (timeout_ms > 0)
            wait_for(d, timeout_ms);
    }
    for (size_t i = 0; i < d->n; i++)
        source_close(&d->sources[i]);
    return NULL;
}

enum status
drainer_start(struct runtime *rt, struct drainer **out, struct error *err)
{
    struct drainer *d = calloc(1, sizeof(*d));

    if (!d)
        return fail(err, E_NOMEM, "drain");
    d->rt = rt;
    d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->a = arena_new(BATCH_MAX_BYTES);
    pthread_mutex_init(&d->lock, NULL);
    if (d->event_fd < 0 || !d->a ||
        pthread_create(&d->thread, NULL, run, d) != 0) {
        if (d->event_fd >= 0)
            (void)close(d->event_fd);
        arena_free(d->a);
        free(d);
        return fail(err, E_NOMEM, "drain thread");
    }
    *out = d;
    return OK;
}

void
drainer_wake(struct drainer *d)
{
    if (d)
        (void)eventfd_write(d->event_fd, 1);
}

void
drainer_ring(struct drainer *d, const char *integration_id)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->sources[i].id, integration_id) == 0)
            d->sources[i].next_us = 0;
    pthread_mutex_unlock(&d->lock);
    drainer_wake(d);
}

void
drainer_stop(struct drainer *d)
{
    if (!d)
        return;
    atomic_store(&d->stop, true);
    drainer_wake(d);
    pthread_join(d->thread, NULL);
    (void)close(d->event_fd);
    arena_free(d->a);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

bool
drainer_state(struct drainer *d, struct arena *a, const char *integration_id,
              struct drain_state *out)
{
    bool found = false;

    *out = (struct drain_state){.state = "off", .error = ""};
    if (!d)
        return false;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; !found && i < d->n; i++) {
        const struct source *s = &d->sources[i];
        found = strcmp(s->id, integration_id) == 0;
        if (!found)
            continue;
        const char *error = arena_strdup(a, s->error);
        *out = (struct drain_state){.state = s->state,
                                    .error = error ? error : "",
                                    .retry_us = s->retry_us,
                                    .last_event_us = s->last_event_us,
                                    .events = s->events};
    }
    pthread_mutex_unlock(&d->lock);
    return found;
}
