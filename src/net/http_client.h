/*
 * net/http_client.h - outgoing HTTP and SMTP, many at once, on one libcurl
 * multi handle.
 *
 * No redirects, http/https/smtp/smtps only, addresses checked after the name
 * is resolved and before the connection opens (net/egress.h), answers capped.
 *
 * Threads: one thread calls net_client_poll(); net_client_wake() is safe from
 * any thread. Callbacks run inside net_client_poll().
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "net/http_server.h" /* struct http_header */

struct net_client; /* opaque */

struct net_client_config {
    int max_in_flight;  /* submits over it are E_BUSY */
    int max_per_host;   /* connections per host */
    bool allow_private; /* SKENE_ALLOW_PRIVATE_EGRESS */
    const char *user_agent;
};

/* What came back. Valid during the callback only. */
struct net_result {
    enum status status; /* OK = an answer arrived, whatever its code;
                           E_NET, E_TIMEOUT, E_TOOBIG, E_FORBIDDEN (egress) */
    int code;           /* HTTP status, or last SMTP reply code; 0 if none */
    const char *body;   /* NUL-terminated, at most max_response bytes; of a
                           mail: the server's last reply line */
    size_t body_n;
    int64_t retry_after_s; /* from Retry-After (seconds or date); -1 if none */
    int64_t latency_us;
    char message[256]; /* why, for people, when status != OK */
};

typedef void net_done(const struct net_result *result, void *user);

struct net_http_call {
    const char *method; /* "POST", "GET", … */
    const char *url;
    struct http_header headers[HTTP_MAX_HEADERS]; /* until name == NULL */
    const void *body;
    size_t body_n;
    int timeout_ms;      /* whole call; connect gets at most 10 s of it */
    size_t max_response; /* bytes kept; more is E_TOOBIG */
    bool trusted;        /* operator-configured endpoint: no egress guard */
};

struct net_mail_call {
    const char *url; /* smtp://user:pass@host:587, smtps://… */
    const char *from;
    const char *to;      /* one recipient: one action is one person */
    const char *message; /* RFC 5322 text, lines end with CRLF */
    size_t message_n;
    int timeout_ms;
    bool trusted;
};

/* Owns: caller; net_client_free() drops calls in flight without callbacks. */
CHECKED enum status net_client_new(const struct net_client_config *config,
                                   struct net_client **out, struct error *err);
void net_client_free(struct net_client *c);

/* Starts a call; everything is copied. `done` is called exactly once unless
 * the client is freed first. Errors: E_INPUT (URL, CR/LF in a header),
 * E_BUSY, E_NOMEM: then `done` is not called. */
CHECKED enum status net_client_http(struct net_client *c,
                                    const struct net_http_call *call,
                                    net_done *done, void *user,
                                    struct error *err);
CHECKED enum status net_client_mail(struct net_client *c,
                                    const struct net_mail_call *call,
                                    net_done *done, void *user,
                                    struct error *err);

/* Drives transfers and callbacks; waits at most timeout_ms when idle. */
void net_client_poll(struct net_client *c, int timeout_ms);
void net_client_wake(struct net_client *c);
int net_client_in_flight(const struct net_client *c);

/* Blocking form for the CLI and tests: one call on a client of its own; the
 * body is copied into the arena. Errors: as `out->status`, and E_INPUT.
 * `unix_socket` NULL = TCP. */
CHECKED enum status net_fetch(struct arena *a, const struct net_http_call *call,
                              const char *unix_socket, struct net_result *out,
                              struct error *err);
/* As net_fetch, handing each piece of the body to `chunk` as it arrives (for
 * server-sent events); `chunk` returns false to stop. No total timeout. An
 * answer outside 2xx is an error (401 E_AUTH, 404 E_NOTFOUND, …). */
typedef bool net_chunk(const char *bytes, size_t n, void *user);
CHECKED enum status net_fetch_stream(const struct net_http_call *call,
                                     const char *unix_socket, net_chunk *chunk,
                                     void *user, struct error *err);

#endif
