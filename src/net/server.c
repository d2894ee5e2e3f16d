#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/server_parts.h"

enum { LOCAL_CONNECTIONS = 64, STOP_ROUND_MS = 20 };

/* The path comes to us as it was sent; path_decode() decodes it once. */
static size_t
keep_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* MHD_USE_POLL and not epoll: one epoll thread stalls when 128, 256 or 512
 * connections are ready at once (measured on 0.9.75). */
static enum status
daemon_start(struct http_server *s, struct listener *l, struct error *err)
{
    const struct http_server_config *c = &s->config;
    unsigned int pool = (unsigned int)(c->threads < 2 ? 2 : c->threads);
    int limit = l->local ? LOCAL_CONNECTIONS : c->max_connections;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, l->fd, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, limit, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, c->timeout_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, l->local ? 2 : pool, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    l->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        exchange_step, l, MHD_OPTION_ARRAY, options,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_new, l,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_done, l,
        MHD_OPTION_NOTIFY_CONNECTION, conn_notify, l,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_END);
    if (!l->daemon)
        return fail(err, E_IO, "http server: libmicrohttpd did not start");
    return OK;
}

static enum status
config_check(const struct http_server_config *c, struct error *err)
{
    if (!c->handler || (!c->listen && !c->unix_socket))
        return fail(err, E_INPUT,
                    "http server: needs a handler and an address");
    if (c->max_connections < 1 || c->timeout_s < 1 || c->max_body_bytes < 1)
        return fail(err, E_INPUT, "http server: limits must be above zero");
    return OK;
}

static enum status
listeners_start(struct http_server *s, struct error *err)
{
    const struct http_server_config *c = &s->config;
    enum status rc = OK;

    if (c->unix_socket) {
        rc = listen_unix(c->unix_socket, &s->local.fd, err);
        if (rc == OK && !(s->unix_path = strdup(c->unix_socket)))
            rc = fail(err, E_NOMEM, "http server: out of memory");
    }
    if (rc == OK && c->listen)
        rc = listen_tcp(c->listen, &s->tcp.fd, &s->port, err);
    if (rc == OK)
        rc = watch_start(s, err);
    if (rc == OK && s->local.fd >= 0)
        rc = daemon_start(s, &s->local, err);
    if (rc == OK && s->tcp.fd >= 0)
        rc = daemon_start(s, &s->tcp, err);
    return rc;
}

enum status
http_server_start(const struct http_server_config *config,
                  struct http_server **out, struct error *err)
{
    pthread_condattr_t attr;
    enum status rc = config_check(config, err);

    if (rc != OK)
        return rc;
    struct http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return fail(err, E_NOMEM, "http server: out of memory");
    s->config = *config;
    s->tcp = (struct listener){.server = s, .fd = -1};
    s->local = (struct listener){.server = s, .fd = -1, .local = true};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    rc = listeners_start(s, err);
    /* Only valid during the call. */
    s->config.listen = s->config.unix_socket = NULL;
    if (rc != OK) {
        http_server_stop(s);
        return rc;
    }
    *out = s;
    return OK;
}

int
http_server_port(const struct http_server *s)
{
    return s->port;
}

static void
listener_quiesce(struct listener *l)
{
    if (l->fd < 0)
        return;
    if (l->daemon)
        MHD_quiesce_daemon(l->daemon);
    /* Refuses at once; closed only when no thread can still look at it. */
    shutdown(l->fd, SHUT_RDWR);
}

void
http_server_quiesce(struct http_server *s)
{
    if (atomic_exchange(&s->quiesced, true))
        return;
    /* Before the socket is dead: a successor may take the path after that. */
    if (s->unix_path)
        unlink(s->unix_path);
    listener_quiesce(&s->tcp);
    listener_quiesce(&s->local);
}

static struct http_exchange *
sleeper_take(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    struct http_exchange *x = s->sleepers;
    if (x) {
        s->sleepers = x->next;
        if (x->next)
            x->next->prev = NULL;
        x->listed = false;
        atomic_fetch_add(&x->refs, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return x;
}

/* Waits one round for something to finish. */
static void
stop_wait(struct http_server *s)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STOP_ROUND_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&s->lock);
    if (atomic_load(&s->open) > 0)
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

/* libmicrohttpd aborts the process when it is stopped with a suspended
 * connection, so first nobody may be asleep and no handler at work. */
static void
exchanges_finish(struct http_server *s)
{
    int64_t until = clock_mono_us() + STOP_DRAIN_MS * US_PER_MS;

    for (;;) {
        bool busy = atomic_load(&s->running) > 0;
        for (struct http_exchange *x; (x = sleeper_take(s));) {
            exchange_stop(x);
            exchange_unref(x);
        }
        if (!busy && (atomic_load(&s->open) == 0 || clock_mono_us() > until))
            return;
        stop_wait(s);
    }
}

static void
listener_stop(struct listener *l)
{
    if (l->daemon)
        MHD_stop_daemon(l->daemon);
    if (l->fd >= 0)
        close(l->fd);
}

void
http_server_stop(struct http_server *s)
{
    if (!s)
        return;
    http_server_quiesce(s);
    atomic_store(&s->stopping, true);
    exchanges_finish(s);
    listener_stop(&s->tcp);
    listener_stop(&s->local);
    watch_stop(s);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s->unix_path);
    free(s);
}
