#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/client_parts.h"

enum { OVERDUE_CHECK_MS = 100, OVERDUE_GRACE_MS = 1000 };

struct net_client {
    CURLM *multi;
    struct call *active;
    struct call *idle; /* easy handles to reuse */
    int in_flight;
    int max_in_flight;
    bool allow_private;
    int64_t checked_us; /* when overdue calls were last looked for */
    char user_agent[128];
};

enum status
net_client_new(const struct net_client_config *config, struct net_client **out,
               struct error *err)
{
    struct call probe;
    /* Starts libcurl, and tells early when it cannot work. */
    enum status rc = call_init(&probe, err);

    if (rc != OK)
        return rc;
    call_release(&probe);
    struct net_client *c = calloc(1, sizeof(*c));
    if (!c || !(c->multi = curl_multi_init())) {
        free(c);
        return fail(err, E_NOMEM, "http client: out of memory");
    }
    c->max_in_flight = config->max_in_flight > 0 ? config->max_in_flight : 1;
    c->allow_private = config->allow_private;
    snprintf(c->user_agent, sizeof(c->user_agent), "%s",
             config->user_agent ? config->user_agent : "skene");
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)config->max_per_host);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->max_in_flight);
    *out = c;
    return OK;
}

static void
unlink_active(struct net_client *n, struct call *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        n->active = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->next = c->prev = NULL;
    n->in_flight--;
}

static void
call_recycle(struct net_client *n, struct call *c)
{
    call_reset(c);
    if (!c->arena) {
        call_release(c);
        free(c);
        return;
    }
    c->next = n->idle;
    n->idle = c;
}

void
net_client_free(struct net_client *c)
{
    if (!c)
        return;
    while (c->active) {
        struct call *call = c->active;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): unlinked before freed */
        curl_multi_remove_handle(c->multi, call->easy);
        unlink_active(c, call);
        call_release(call);
        free(call);
    }
    while (c->idle) {
        struct call *call = c->idle;
        c->idle = call->next;
        call_release(call);
        free(call);
    }
    curl_multi_cleanup(c->multi);
    free(c);
}

static enum status
call_take(struct net_client *n, bool trusted, struct call **out,
          struct error *err)
{
    struct call *c = n->idle;

    if (n->in_flight >= n->max_in_flight)
        return fail(err, E_BUSY, "%d calls are in flight already",
                    n->in_flight);
    if (c) {
        n->idle = c->next;
        c->next = NULL;
    } else {
        c = calloc(1, sizeof(*c));
        if (!c)
            return fail(err, E_NOMEM, "http client: out of memory");
        enum status rc = call_init(c, err);
        if (rc != OK) {
            free(c);
            return rc;
        }
    }
    c->client = n;
    c->guarded = !trusted && !n->allow_private;
    *out = c;
    return OK;
}

static enum status
call_start(struct net_client *n, struct call *c, enum status rc,
           struct error *err)
{
    if (rc == OK && curl_multi_add_handle(n->multi, c->easy) != CURLM_OK)
        rc = fail(err, E_NOMEM, "http client: the call could not start");
    if (rc != OK) {
        call_recycle(n, c);
        return rc;
    }
    c->next = n->active;
    if (c->next)
        c->next->prev = c;
    n->active = c;
    n->in_flight++;
    return OK;
}

enum status
net_client_http(struct net_client *c, const struct net_http_call *call,
                net_done *done, void *user, struct error *err)
{
    struct call *own = NULL;
    enum status rc = call_take(c, call->trusted, &own, err);

    if (rc != OK)
        return rc;
    own->done = done;
    own->user = user;
    return call_start(c, own, call_http(own, call, c->user_agent, err), err);
}

enum status
net_client_mail(struct net_client *c, const struct net_mail_call *call,
                net_done *done, void *user, struct error *err)
{
    struct call *own = NULL;
    enum status rc = call_take(c, call->trusted, &own, err);

    if (rc != OK)
        return rc;
    own->done = done;
    own->user = user;
    return call_start(c, own, call_mail(own, call, err), err);
}

/* The callback may start new calls, so this one is out of the lists first. */
static void
call_finish(struct net_client *n, struct call *c, CURLcode rc)
{
    struct net_result result;

    call_result(c, rc, &result);
    curl_multi_remove_handle(n->multi, c->easy);
    unlink_active(n, c);
    c->done(&result, c->user);
    call_recycle(n, c);
}

/* libcurl does not count the time a call waits for a free connection to its
 * host, so a stuck host would hold its queue for ever. */
static void
overdue_finish(struct net_client *n)
{
    int64_t now = clock_mono_us();

    if (now - n->checked_us < OVERDUE_CHECK_MS * US_PER_MS)
        return;
    n->checked_us = now;
    now -= OVERDUE_GRACE_MS * US_PER_MS;
    for (struct call *c = n->active, *next; c; c = next) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the next, read before */
        next = c->next;
        if (!c->deadline_us || c->deadline_us > now)
            continue;
        call_finish(n, c, CURLE_OPERATION_TIMEDOUT);
        next = n->active; /* the callback may have changed the list */
    }
}

static void
messages_read(struct net_client *n)
{
    int left = 0;

    for (CURLMsg *m; (m = curl_multi_info_read(n->multi, &left));) {
        char *c = NULL;
        CURLcode rc = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
        call_finish(n, (void *)c, rc);
    }
}

void
net_client_poll(struct net_client *c, int timeout_ms)
{
    int running = 0;
    int before = c->in_flight;

    curl_multi_perform(c->multi, &running);
    messages_read(c);
    /* Something ended: the caller may want to start more before we wait. */
    if (c->in_flight >= before) {
        if (c->in_flight && timeout_ms > OVERDUE_CHECK_MS)
            timeout_ms = OVERDUE_CHECK_MS;
        curl_multi_poll(c->multi, NULL, 0, timeout_ms, NULL);
        curl_multi_perform(c->multi, &running);
        messages_read(c);
    }
    overdue_finish(c);
}

void
net_client_wake(struct net_client *c)
{
    curl_multi_wakeup(c->multi);
}

int
net_client_in_flight(const struct net_client *c)
{
    return c->in_flight;
}
