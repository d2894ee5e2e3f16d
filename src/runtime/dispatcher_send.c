#include <stdlib.h>
#include <string.h>

#include "runtime/dispatcher_parts.h"

enum {
    SLOW_MS = 1000, /* all slots taken and no answer for so long */
    PUT_BACK_MAX_MS = 60000,
    PUT_BACK_MS = 2000,     /* how long what waits for such a host goes back */
    HOLD_IN_HAND_MS = 2000, /* a longer pause is waited for in the store */
    HOLD_MAX_S = 3600,
    NOMEM_PAUSE_S = 5,
    BREAK_AFTER = 5,       /* failures in a row open the circuit … */
    BREAK_MAX_S = 60,      /* … for 1 s, doubled each time, up to this; */
    FAILURES_KEPT_S = 600, /* and for so long they are remembered */
};

/* An open circuit lets one call through when its pause is over: it closes the
 * circuit, or opens it for longer. */
static bool
broken(const struct host *h)
{
    return h->failures >= BREAK_AFTER;
}

static void
break_or_mend(struct host *h, const struct effect_result *r, int64_t now_us)
{
    int64_t pause_s = 1;

    if (r->outcome != OUTCOME_RETRY || r->throttled) {
        h->failures = 0;
        return;
    }
    h->failures++;
    h->failed_us = now_us;
    if (!broken(h))
        return;
    for (int i = BREAK_AFTER; i < h->failures && pause_s < BREAK_MAX_S; i++)
        pause_s *= 2;
    h->hold_us =
        now_us + (pause_s < BREAK_MAX_S ? pause_s : BREAK_MAX_S) * US_PER_S;
}

/* Forgets hosts that nobody waits for. */
static void
hosts_prune(struct dispatcher *d)
{
    int64_t now_us = clock_mono_us();

    for (struct host **at = &d->hosts; *at;) {
        struct host *h = *at;
        bool failed =
            h->failures && now_us - h->failed_us < FAILURES_KEPT_S * US_PER_S;
        if (h->flights > 0 || h->hold_us > now_us || failed) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        free(h->name);
        free(h);
    }
}

static struct host *
host_new(struct dispatcher *d, const char *name)
{
    hosts_prune(d);
    struct host *h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->name = strdup(name);
    if (!h->name) {
        free(h);
        return NULL;
    }
    h->next = d->hosts;
    d->hosts = h;
    return h;
}

void
host_join(struct dispatcher *d, struct flight *f)
{
    struct host *h = d->hosts;

    while (h && strcmp(h->name, f->plan.host) != 0)
        h = h->next;
    if (!h)
        h = host_new(d, f->plan.host);
    if (!h)
        return; /* no memory: not limited, rather than not sent */
    h->flights++;
    f->host = h;
}

void
host_leave(struct flight *f)
{
    if (f->host)
        f->host->flights--;
    f->host = NULL;
}

static void
completed(const struct net_result *r, void *user)
{
    struct flight *f = user;
    struct host *h = f->host;
    int64_t now_us = clock_mono_us();
    struct effect_result result;

    f->d->sending--;
    failpoint("dispatcher.after_send");
    effect_classify(f->a, &f->plan, r, &result);
    if (h) {
        h->sending--;
        if (r->code > 0)
            h->progress_us = now_us;
        if (result.throttled && result.retry_after_s > 0) {
            int64_t pause_s = result.retry_after_s < HOLD_MAX_S
                                  ? result.retry_after_s
                                  : HOLD_MAX_S;
            h->hold_us = now_us + pause_s * US_PER_S;
        }
        break_or_mend(h, &result, now_us);
    }
    flight_result(f, &result, r->latency_us);
}

static bool
host_has_room(const struct host *h, int64_t now_us)
{
    return !h || (h->sending < (broken(h) ? 1 : PER_HOST_MAX) &&
                  h->hold_us <= now_us);
}

/* Time until it is worth asking again, when waiting in hand would keep others
 * out of it; 0 = wait in hand. */
static int64_t
put_back_us(const struct host *h, int64_t now_us)
{
    int64_t held_us = h->hold_us - now_us;

    if (held_us > HOLD_IN_HAND_MS * US_PER_MS)
        return held_us;
    int64_t silent_us = now_us - h->progress_us;
    if (h->sending < PER_HOST_MAX || silent_us <= SLOW_MS * US_PER_MS)
        return 0;
    /* The longer it is silent, the more rarely its backlog is looked at. */
    if (silent_us / 2 > PUT_BACK_MAX_MS * US_PER_MS)
        return PUT_BACK_MAX_MS * US_PER_MS;
    return silent_us / 2 > PUT_BACK_MS * US_PER_MS ? silent_us / 2
                                                   : PUT_BACK_MS * US_PER_MS;
}

static enum status
call(struct flight *f, struct error *err)
{
    struct dispatcher *d = f->d;

    failpoint("dispatcher.before_send");
    if (f->plan.means == MEANS_SMTP)
        return net_client_mail(d->net, &f->plan.mail, completed, f, err);
    return net_client_http(d->net, &f->plan.http, completed, f, err);
}

/* False when the client is full. */
static bool
start(struct flight *f)
{
    struct dispatcher *d = f->d;
    struct host *h = f->host;
    struct error err = {0};

    f->started_us = clock_mono_us();
    enum status rc = call(f, &err);
    if (rc == E_BUSY)
        return false;
    if (rc == E_NOMEM) {
        flight_defer(f, runtime_now_us(d->rt) + NOMEM_PAUSE_S * US_PER_S, NULL,
                     err.msg);
    } else if (rc != OK) {
        flight_fail(f, err.msg);
    } else {
        d->sending++;
        if (h && h->sending++ == 0)
            h->progress_us = f->started_us;
    }
    return true;
}

void
dispatcher_send(struct dispatcher *d)
{
    bool full = false;
    int64_t now_us = clock_mono_us();

    for (struct flight *f = flights_take(&d->waiting), *next; f; f = next) {
        next = f->next;
        if (!full && host_has_room(f->host, now_us)) {
            full = d->sending >= CALLS_MAX || !start(f);
            if (full)
                flights_add(&d->waiting, f);
            continue;
        }
        int64_t back_us = f->host ? put_back_us(f->host, now_us) : 0;
        if (back_us)
            flight_defer(f, runtime_now_us(d->rt) + back_us, f->action.verdict,
                         f->action.last_error);
        else
            flights_add(&d->waiting, f);
    }
}

int64_t
dispatcher_hold_us(const struct dispatcher *d)
{
    int64_t now_us = clock_mono_us(), least_us = -1;

    for (const struct flight *f = d->waiting.first; f; f = f->next) {
        int64_t wait_us = f->host ? f->host->hold_us - now_us : 0;
        if (wait_us <= 0)
            wait_us = SLOW_MS * US_PER_MS; /* an answer wakes us earlier */
        if (least_us < 0 || wait_us < least_us)
            least_us = wait_us;
    }
    return least_us;
}
