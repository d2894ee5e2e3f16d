/*
 * runtime/runtime.h - the threads of `skene serve` and what they share.
 *
 * committer (durable receipt of events), workers (decide), dispatcher (act),
 * clock (timers, schedules, retention), drain (pull from customers'
 * databases). Faces talk to it through ops.h, ingest.h and feed.h; they read
 * the store directly.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "base/clock.h"
#include "base/log.h"
#include "codec/crypto.h"
#include "store/store.h"

struct runtime; /* opaque */

/* Strings are copied. NULL or 0 = not set. */
struct runtime_config {
    const char *store_url;
    struct clock clock;
    struct seal_key key;    /* seals secrets in the store */
    const char *public_url; /* "http://127.0.0.1:8787" */
    const char *mail_from;  /* "Acme <hello@acme.example>" */
    const char *resend_key;
    const char *resend_url;            /* "https://api.resend.com" */
    const char *resend_webhook_secret; /* "whsec_…": of Resend's own calls */
    const char *smtp_url;
    const char *track_sink;     /* URL that gets analytics events */
    const char *webhook_secret; /* "whsec_…" of the default workspace */
    bool allow_private_egress;
    int workers;            /* threads; 0 = 2 */
    int64_t retention_days; /* 0 = 30 */
    struct log log;
};

/* Opens the store, makes the default workspace, takes the leases, starts the
 * threads. Errors: those of store_open(); E_CONFLICT lease held. */
CHECKED enum status runtime_start(const struct runtime_config *config,
                                  struct runtime **out, struct error *err);
/* Starts the dispatcher. Apart from runtime_start() because links in mails
 * need our URL: `url` is used when the configuration has none (the port may
 * be known only once the server listens). */
CHECKED enum status runtime_begin_sending(struct runtime *rt, const char *url,
                                          struct error *err);
/* Clean stop: no new work is taken, batches in hand are finished, calls in
 * flight get up to grace_ms, the rest returns to the queue; store closed. */
void runtime_stop(struct runtime *rt, int grace_ms); /* NULL is allowed */

struct store *runtime_store(struct runtime *rt);
const struct runtime_config *runtime_config_get(const struct runtime *rt);
int64_t runtime_now_us(const struct runtime *rt);
const struct log *runtime_log(const struct runtime *rt);
/* Store, leases and threads are in order: what /ready answers. *why (static
 * text or in `a`) names the first that is not. */
bool runtime_ready(struct runtime *rt, struct arena *a, const char **why);

/* Wakes the threads that look at the store (after a definition changed or an
 * action was put back). */
void runtime_wake(struct runtime *rt);

/* State of the drain of one integration, for doctor, status and /ready. */
struct drain_state {
    const char *state; /* "off", "connecting", "draining", "waiting" */
    const char *error; /* why it waits; "" when fine */
    int64_t retry_us;  /* next try; 0 */
    int64_t last_event_us, events;
};
bool runtime_drain_state(struct runtime *rt, struct arena *a,
                         const char *integration_id, struct drain_state *out);

#endif
