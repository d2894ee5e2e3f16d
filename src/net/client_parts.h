/*
 * net/client_parts.h - what the files of the HTTP client share; nobody outside
 * src/net includes it.
 */
#ifndef NET_CLIENT_PARTS_H
#define NET_CLIENT_PARTS_H

#include <curl/curl.h>

#include "net/http_client.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    CALL_BYTES = 32 * 1024 * 1024, /* copies of one call: URL, headers, body */
    CALL_KEEP_BYTES = 64 * 1024,   /* an arena that grew over it is freed */
    MAIL_REPLY_BYTES = 4 * 1024,
};

/* One call in flight, and its easy handle; reused. */
struct call {
    struct call *next, *prev;
    struct net_client *client; /* NULL for the blocking forms */
    CURL *easy;
    struct arena *arena;
    struct curl_slist *list; /* headers, or the recipient */
    struct buf response;
    net_done *done;
    void *user;
    int64_t start_us;
    int64_t deadline_us; /* 0 = none */
    const char *unsent;  /* rest of the mail */
    size_t unsent_n;
    const char *refused; /* range the guard named, or NULL */
    char refused_host[64];
    char why[CURL_ERROR_SIZE];
    bool guarded;
    bool opened; /* an address was allowed */
    bool mail;
};

/* call.c: an easy handle and its results. */
CHECKED enum status call_init(struct call *c, struct error *err);
void call_release(struct call *c); /* frees everything but c itself */
/* Back to unused; keeps the easy handle with its settings cleared. */
void call_reset(struct call *c);
/* Settings that HTTP and mail share. */
CHECKED enum status call_common(struct call *c, const char *url,
                                const char *schemes, int timeout_ms,
                                struct error *err);
void call_result(struct call *c, CURLcode rc, struct net_result *out);

/* request.c, mail.c: check, copy and set one call up. */
CHECKED enum status call_http(struct call *c, const struct net_http_call *in,
                              const char *user_agent, struct error *err);
CHECKED enum status call_mail(struct call *c, const struct net_mail_call *in,
                              struct error *err);

#endif
