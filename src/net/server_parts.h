/*
 * net/server_parts.h - what the files of the HTTP server share; nobody outside
 * src/net includes it.
 *
 * Lock order: exchange or stream lock, then server lock or the lock inside
 * libmicrohttpd. No lock is held while the handler runs.
 */
#ifndef NET_SERVER_PARTS_H
#define NET_SERVER_PARTS_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/http_server.h"

enum {
    METHOD_BYTES = 24,
    HTTP_ARENA_BYTES = 32 * 1024 * 1024,
    CONNECTION_BYTES = 32 * 1024, /* a whole header must fit */
    WATCH_TICK_MS = 100,
    STOP_DRAIN_MS = 2000, /* for answers on their way at a stop */
};

struct listener {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    int fd; /* -1 = none */
    bool local;
};

/* One open connection: libmicrohttpd's own timeout restarts with each byte,
 * so the whole header and the whole body get a deadline of ours. */
struct conn {
    struct conn *next, *prev;
    int fd;
    bool local;
    atomic_llong deadline_ms; /* on the watch's clock; 0 = none */
    char peer[INET6_ADDRSTRLEN];
};

struct http_server {
    struct http_server_config config; /* strings not used after start */
    struct listener tcp, local;
    char *unix_path;
    int port;
    pthread_t watch;
    bool watching;

    pthread_mutex_t lock; /* guards the next four */
    pthread_cond_t changed;
    struct http_exchange *sleepers; /* suspended, or streams */
    struct conn *conns;
    bool watch_stop;

    atomic_bool quiesced;
    atomic_bool stopping;
    atomic_int running;  /* handlers at work */
    atomic_int open;     /* requests not yet answered to the last byte */
    atomic_llong now_ms; /* coarse, set by the watch */
};

struct http_exchange {
    struct http_server *server; /* valid until `mhd` is NULL */
    struct MHD_Connection *mhd; /* NULL once libmicrohttpd is done with it */
    struct conn *conn;
    struct http_request req;
    struct buf body;
    struct arena *arena; /* made when asked for */
    void *user;
    atomic_int refs; /* libmicrohttpd, and the one who owes a reply */

    pthread_mutex_t lock; /* guards from here to `stream` */
    bool asleep;          /* suspended */
    bool owed;            /* http_reply() is still to come */
    bool answered;
    struct MHD_Response *response; /* to be queued */
    int status;
    struct http_stream *stream;

    bool begun, called;                /* libmicrohttpd's thread only */
    struct http_exchange *next, *prev; /* sleepers; server lock */
    bool listed;                       /* server lock */
    char method[METHOD_BYTES];
    char peer[INET6_ADDRSTRLEN];
    char uri[]; /* path, decoded in place; then the query */
};

/* exchange.c: the callbacks of libmicrohttpd. */
void *exchange_new(void *listener, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_step(void *listener, struct MHD_Connection *mhd,
                              const char *url, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_n, void **state);
void exchange_done(void *listener, struct MHD_Connection *mhd, void **state,
                   enum MHD_RequestTerminationCode why);
void exchange_unref(struct http_exchange *x);

/* answer.c */
/* Gives the exchange its answer and wakes it. False, and the response is
 * dropped, when it already has one. */
bool exchange_answer(struct http_exchange *x, int status,
                     struct MHD_Response *response);
/* Drops the reference of the one who owed a reply, if any: that one may not
 * touch the exchange again. */
void exchange_debt_paid(struct http_exchange *x);
/* NULL when out of memory or when a header is not sendable. */
struct MHD_Response *response_new(const struct http_reply *reply);
/* The server's own refusals: JSON body, and the connection closes. */
struct MHD_Response *response_error(int status, const char *message);
/* Answers 503 or ends the stream. */
void exchange_stop(struct http_exchange *x);

/* sleepers of a server */
void sleeper_add(struct http_exchange *x);
void sleeper_remove(struct http_exchange *x);

/* guard.c */
struct guard_verdict {
    int status; /* 0 = let it through */
    const char *message;
    uint64_t content_length; /* 0 when absent */
};
struct guard_verdict guard_check(struct MHD_Connection *mhd,
                                 const char *version);
/* Decodes %XX in place. False on a bad escape or a NUL. */
bool path_decode(char *path);

/* stream.c */
void stream_end(struct http_stream *s);    /* no more bytes; flushes */
void stream_detach(struct http_stream *s); /* the client is gone */
void stream_ref(struct http_stream *s);

/* listen.c */
CHECKED enum status listen_tcp(const char *address, int *fd, int *port,
                               struct error *err);
/* Creates the socket file 0600; removes one that nobody listens on. */
CHECKED enum status listen_unix(const char *path, int *fd, struct error *err);

/* watch.c: closes connections that are past their deadline. */
CHECKED enum status watch_start(struct http_server *s, struct error *err);
void watch_stop(struct http_server *s);
void conn_notify(void *listener, struct MHD_Connection *mhd, void **state,
                 enum MHD_ConnectionNotificationCode what);
void conn_deadline(struct http_server *s, struct conn *conn, int64_t in_ms);

#endif
