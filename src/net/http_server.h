/*
 * net/http_server.h - HTTP/1.1 server on libmicrohttpd: routing-free, product-
 * free. One handler gets every request; it answers now, later (suspended), or
 * as a stream (SSE).
 *
 * Threads: a pool of MHD threads calls the handler; http_reply() may be called
 * from any thread, exactly once per exchange. A handler must not block on the
 * disk: it suspends and the one who finishes the work replies.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct http_server;   /* opaque */
struct http_exchange; /* opaque: one request and its answer */

enum { HTTP_MAX_HEADERS = 16 };

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method; /* a HEAD comes as "GET"; its body is not sent */
    const char *path;   /* decoded once, no query, no NUL; starts with '/' */
    const char *query;  /* raw text after '?', or "" */
    const char *body;   /* NUL-terminated copy; "" when there is none */
    size_t body_n;
    const char *peer; /* "127.0.0.1", or "unix" */
    bool local;       /* came over the unix socket */
};

struct http_reply {
    int status;
    const char *content_type; /* NULL = application/json */
    const void *body;         /* copied */
    size_t body_n;
    struct http_header headers[HTTP_MAX_HEADERS]; /* until name == NULL */
};

/* Called once per complete request. The request and everything it points to
 * lives until http_reply(). Exactly one of http_reply() or http_suspend()
 * must happen before it returns; after http_suspend() someone must reply. */
typedef void http_handler(struct http_exchange *x,
                          const struct http_request *req, void *user);

struct http_server_config {
    const char *listen;      /* "127.0.0.1:8787", "[::1]:8787"; port 0 = any;
                                NULL = no TCP listener */
    const char *unix_socket; /* path, created 0600; NULL = none */
    int threads;             /* >= 2 */
    int max_connections;     /* over it: closed, or 503 */
    size_t max_body_bytes;   /* over it: 413 without reading on */
    int timeout_s;           /* idle, slow header and slow body */
    http_handler *handler;
    void *user;
};

/* Owns:   caller; http_server_stop(). Strings of the config are copied.
 * Errors: E_IO address in use or not bindable (says which), E_INPUT. */
CHECKED enum status http_server_start(const struct http_server_config *config,
                                      struct http_server **out,
                                      struct error *err);
int http_server_port(const struct http_server *s); /* bound TCP port */
/* Stops accepting; exchanges still suspended are answered 503; streams are
 * ended; waits for the handlers, and up to 2 s for answers on their way. Who
 * owes a suspended exchange its reply still calls http_reply(), even after
 * this: nobody hears it, but it releases the exchange. */
void http_server_quiesce(struct http_server *s); /* stop accepting only */
void http_server_stop(struct http_server *s);    /* NULL is allowed */

/* Value of a request header (case-insensitive), or NULL. */
const char *http_header_get(struct http_exchange *x, const char *name);
/* Arena of this exchange (32 MiB cap), freed after the reply is sent. */
struct arena *http_arena(struct http_exchange *x);
/* Any number of handlers may keep one pointer with the exchange. */
void http_set_user(struct http_exchange *x, void *user);
void *http_get_user(struct http_exchange *x);

void http_suspend(struct http_exchange *x);
void http_reply(struct http_exchange *x, const struct http_reply *reply);

/*
 * Server-sent events. The stream buffers up to max_bytes; a reader slower than
 * that is disconnected (it reconnects with Last-Event-ID).
 */
struct http_stream; /* opaque, thread-safe, reference-counted */

/* Turns the exchange into an event stream (200, text/event-stream). Counts as
 * its reply. Owns: one reference to the caller; http_stream_close().
 * Errors: NULL when out of memory; the exchange was then answered 503. */
struct http_stream *http_stream_start(struct http_exchange *x,
                                      size_t max_bytes);
/* Queues bytes. False once the client is gone or too slow: then close it. */
bool http_stream_send(struct http_stream *s, const char *bytes, size_t n);
void http_stream_close(struct http_stream *s);
/* A second reference, for another sender; http_stream_release() drops it and
 * does not end the stream. */
void http_stream_hold(struct http_stream *s);
void http_stream_release(struct http_stream *s);

#endif
