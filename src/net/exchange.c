#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/server_parts.h"

void *
exchange_new(void *listener, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *l = listener;
    size_t n = strlen(uri);
    struct http_exchange *x = calloc(1, sizeof(*x) + n + 1);

    (void)mhd;
    if (!x)
        return NULL;
    x->server = l->server;
    x->body = buf_new(l->server->config.max_body_bytes);
    atomic_init(&x->refs, 1);
    pthread_mutex_init(&x->lock, NULL);
    memcpy(x->uri, uri, n + 1);
    return x;
}

void
exchange_unref(struct http_exchange *x)
{
    if (atomic_fetch_sub(&x->refs, 1) != 1)
        return;
    if (x->response)
        MHD_destroy_response(x->response);
    buf_free(&x->body);
    arena_free(x->arena);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

static enum MHD_Result
refuse(struct http_exchange *x, int status, const char *message)
{
    struct MHD_Response *r = response_error(status, message);

    if (!r)
        return MHD_NO;
    x->called = true;
    enum MHD_Result rc = MHD_queue_response(x->mhd, (unsigned int)status, r);
    MHD_destroy_response(r);
    return rc;
}

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void
request_fill(struct http_exchange *x, const struct listener *l,
             const char *method)
{
    char *query = strchr(x->uri, '?');

    if (query)
        *query++ = '\0';
    /* libmicrohttpd leaves the body out of the answer to a HEAD. */
    (void)snprintf(x->method, sizeof(x->method), "%s",
                   strcmp(method, "HEAD") == 0 ? "GET" : method);
    if (x->conn)
        memcpy(x->peer, x->conn->peer, sizeof(x->peer));
    x->req = (struct http_request){.method = x->method,
                                   .path = x->uri,
                                   .query = query ? query : "",
                                   .body = "",
                                   .peer = l->local ? "unix" : x->peer,
                                   .local = l->local};
}

/* The header is complete: refuse here, before the body is read. */
static enum MHD_Result
exchange_begin(struct http_exchange *x, const struct listener *l,
               const char *method, const char *version)
{
    struct http_server *s = x->server;

    atomic_fetch_add(&s->open, 1);
    conn_deadline(s, x->conn, (int64_t)s->config.timeout_s * 1000);
    struct guard_verdict v = guard_check(x->mhd, version);
    if (v.status)
        return refuse(x, v.status, v.message);
    if (strlen(method) >= METHOD_BYTES)
        return refuse(x, 501, "this method is not known");
    request_fill(x, l, method);
    if (!path_decode(x->uri))
        return refuse(x, 400,
                      "the path must start with / and be "
                      "percent-encoded");
    if (v.content_length > s->config.max_body_bytes)
        return refuse(x, 413, "the body is larger than allowed");
    if (atomic_load(&s->stopping))
        return refuse(x, 503, "the server is stopping");
    return MHD_YES;
}

/* A chunked body tells its size only as it comes, and libmicrohttpd takes no
 * answer while it reads one: the last words go to the socket directly. */
static enum MHD_Result
body_add(struct http_exchange *x, const char *bytes, size_t *n)
{
    static const char too_big[] =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 82\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n"
        "{\"error\":{\"code\":\"payload_too_large\","
        "\"message\":\"the body is larger than allowed\"}}";

    buf_add(&x->body, bytes, *n);
    if (!buf_ok(&x->body)) {
        if (x->conn)
            (void)send(x->conn->fd, too_big, sizeof(too_big) - 1,
                       MSG_NOSIGNAL | MSG_DONTWAIT);
        return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result
answer_queue(struct http_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool waiting = x->asleep && !x->answered;
    struct MHD_Response *r = x->response;
    int status = x->status;
    x->response = NULL;
    pthread_mutex_unlock(&x->lock);
    if (waiting)
        return MHD_YES;
    if (!r)
        return refuse(x, 500, "the request was not answered");
    enum MHD_Result rc = MHD_queue_response(x->mhd, (unsigned int)status, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result
handler_call(struct http_exchange *x)
{
    struct http_server *s = x->server;

    x->called = true;
    x->req.body = x->body.data;
    x->req.body_n = x->body.len;
    conn_deadline(s, x->conn, 0);
    /* Counted before `stopping` is read: stop sets it, then waits for zero. */
    atomic_fetch_add(&s->running, 1);
    if (atomic_load(&s->stopping))
        exchange_answer(x, 503, response_error(503, "the server is stopping"));
    else
        s->config.handler(x, &x->req, s->config.user);
    pthread_mutex_lock(&x->lock);
    bool asleep = x->asleep;
    pthread_mutex_unlock(&x->lock);
    atomic_fetch_sub(&s->running, 1);
    /* Suspended: we are called again once it has its answer. */
    return asleep ? MHD_YES : answer_queue(x);
}

/* NOLINTBEGIN(readability-function-size): libmicrohttpd's signature. */
enum MHD_Result
exchange_step(void *listener, struct MHD_Connection *mhd, const char *url,
              const char *method, const char *version, const char *upload,
              size_t *upload_n, void **state)
{
    struct http_exchange *x = *state;

    (void)url;
    if (!x)
        return MHD_NO;
    if (!x->begun) {
        x->begun = true;
        x->mhd = mhd;
        x->conn = conn_of(mhd);
        return exchange_begin(x, listener, method, version);
    }
    if (*upload_n)
        return body_add(x, upload, upload_n);
    return x->called ? answer_queue(x) : handler_call(x);
}
/* NOLINTEND(readability-function-size) */

void
exchange_done(void *listener, struct MHD_Connection *mhd, void **state,
              enum MHD_RequestTerminationCode why)
{
    struct http_exchange *x = *state;
    struct http_server *s = ((struct listener *)listener)->server;

    (void)mhd;
    (void)why;
    *state = NULL;
    if (!x)
        return;
    sleeper_remove(x);
    pthread_mutex_lock(&x->lock);
    x->answered = true; /* a late reply must not reach for the connection */
    x->mhd = NULL;
    struct http_stream *stream = x->stream;
    x->stream = NULL;
    pthread_mutex_unlock(&x->lock);
    if (stream)
        stream_detach(stream);
    /* Twice: once to stay idle, once for the next header. */
    conn_deadline(s, x->conn, (int64_t)s->config.timeout_s * 2000);
    if (x->begun && atomic_fetch_sub(&s->open, 1) == 1 &&
        atomic_load(&s->stopping)) {
        pthread_mutex_lock(&s->lock);
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
    exchange_unref(x);
}

const char *
http_header_get(struct http_exchange *x, const char *name)
{
    return x->mhd ? MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name)
                  : NULL;
}

struct arena *
http_arena(struct http_exchange *x)
{
    if (!x->arena)
        x->arena = arena_new(HTTP_ARENA_BYTES);
    return x->arena;
}

void
http_set_user(struct http_exchange *x, void *user)
{
    x->user = user;
}

void *
http_get_user(struct http_exchange *x)
{
    return x->user;
}
