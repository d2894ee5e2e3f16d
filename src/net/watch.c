#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "net/server_parts.h"

void
conn_deadline(struct http_server *s, struct conn *conn, int64_t in_ms)
{
    if (conn)
        atomic_store_explicit(
            &conn->deadline_ms,
            in_ms
                ? atomic_load_explicit(&s->now_ms, memory_order_relaxed) + in_ms
                : 0,
            memory_order_relaxed);
}

static void
peer_write(struct conn *c, const struct sockaddr *a)
{
    union {
        const struct sockaddr *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } from = {.any = a};
    const void *bytes = NULL;

    if (a && a->sa_family == AF_INET)
        bytes = &from.v4->sin_addr;
    if (a && a->sa_family == AF_INET6)
        bytes = &from.v6->sin6_addr;
    if (!bytes || !inet_ntop(a->sa_family, bytes, c->peer, sizeof(c->peer)))
        strcpy(c->peer, "unknown");
}

static void
conn_open(struct http_server *s, struct MHD_Connection *mhd, void **state)
{
    struct conn *c = calloc(1, sizeof(*c));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (!c)
        return;
    c->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    peer_write(c, info ? info->client_addr : NULL);
    conn_deadline(s, c, (int64_t)s->config.timeout_s * 1000);
    pthread_mutex_lock(&s->lock);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    pthread_mutex_unlock(&s->lock);
    *state = c;
}

/* Called before the socket is closed, so the watch never shuts down a number
 * that belongs to somebody else by now. */
static void
conn_close(struct http_server *s, struct conn *c)
{
    pthread_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&s->lock);
    free(c);
}

void
conn_notify(void *listener, struct MHD_Connection *mhd, void **state,
            enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = ((struct listener *)listener)->server;

    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        conn_open(s, mhd, state);
    else if (*state)
        conn_close(s, *state);
}

/* Holding the lock. */
static void
tick(struct http_server *s)
{
    int64_t now = clock_mono_us() / US_PER_MS;

    atomic_store_explicit(&s->now_ms, now, memory_order_relaxed);
    for (struct conn *c = s->conns; c; c = c->next) {
        long long deadline =
            atomic_load_explicit(&c->deadline_ms, memory_order_relaxed);
        if (deadline && deadline < now)
            shutdown(c->fd, SHUT_RDWR);
    }
}

static void *
watch_run(void *arg)
{
    struct http_server *s = arg;
    struct timespec until;

    pthread_mutex_lock(&s->lock);
    while (!s->watch_stop) {
        tick(s);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        int rc = 0;
        while (!s->watch_stop && rc != ETIMEDOUT)
            rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum status
watch_start(struct http_server *s, struct error *err)
{
    atomic_store(&s->now_ms, clock_mono_us() / US_PER_MS);
    if (pthread_create(&s->watch, NULL, watch_run, s))
        return fail(err, E_IO, "http server: cannot start a thread");
    s->watching = true;
    return OK;
}

void
watch_stop(struct http_server *s)
{
    if (!s->watching)
        return;
    pthread_mutex_lock(&s->lock);
    s->watch_stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->watch, NULL);
    s->watching = false;
}
