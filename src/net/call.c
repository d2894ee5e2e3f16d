#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/client_parts.h"
#include "net/egress.h"

static void
curl_start(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum status
call_init(struct call *c, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, curl_start);
    *c = (struct call){.easy = curl_easy_init(),
                       .arena = arena_new(CALL_BYTES),
                       .response = buf_new(0)};
    if (c->easy && c->arena)
        return OK;
    call_release(c);
    return fail(err, E_NOMEM, "http client: out of memory");
}

void
call_release(struct call *c)
{
    if (c->easy)
        curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->list);
    arena_free(c->arena);
    buf_free(&c->response);
    c->easy = NULL;
    c->list = NULL;
    c->arena = NULL;
}

void
call_reset(struct call *c)
{
    struct call fresh = {.easy = c->easy, .arena = c->arena};

    curl_easy_reset(c->easy);
    curl_slist_free_all(c->list);
    buf_free(&c->response);
    if (arena_used(c->arena) > CALL_KEEP_BYTES) {
        arena_free(c->arena);
        fresh.arena = arena_new(CALL_BYTES);
    } else {
        arena_reset(c->arena);
    }
    *c = fresh;
    c->response = buf_new(0);
}

static size_t
response_add(char *bytes, size_t size, size_t n, void *user)
{
    struct call *c = user;

    buf_add(&c->response, bytes, size * n);
    return buf_ok(&c->response) ? size * n : 0;
}

static bool
address_allowed(struct call *c, const struct sockaddr *address,
                const char *text)
{
    const char *range = c->guarded ? egress_refusal(address) : NULL;

    if (!range) {
        c->opened = true;
        return true;
    }
    c->refused = range;
    snprintf(c->refused_host, sizeof(c->refused_host), "%s", text);
    return false;
}

/* The name is resolved, nothing is sent yet. */
static curl_socket_t
socket_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    union {
        struct sockaddr *any;
        struct sockaddr_in *v4;
        struct sockaddr_in6 *v6;
    } a = {.any = &address->addr};

    (void)purpose;
    if (address->family == AF_INET)
        inet_ntop(AF_INET, &a.v4->sin_addr, text, sizeof(text));
    if (address->family == AF_INET6)
        inet_ntop(AF_INET6, &a.v6->sin6_addr, text, sizeof(text));
    if (!address_allowed(user, &address->addr, text))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* A trusted call may have left a connection to a private host open; libcurl
 * reuses it without asking socket_open(). This is asked before each request. */
/* NOLINTBEGIN(readability-non-const-parameter): libcurl's signature. */
static int
request_allowed(void *user, char *peer, char *own, int peer_port, int own_port)
{
    struct call *c = user;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    union {
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
        const struct sockaddr *any;
    } a = {NULL};

    (void)own;
    (void)peer_port;
    (void)own_port;
    if (inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
        a.v4 = &v4;
    else if (inet_pton(AF_INET6, peer, &v6.sin6_addr) == 1)
        a.v6 = &v6;
    if (a.any && address_allowed(c, a.any, peer))
        return CURL_PREREQFUNC_OK;
    c->opened = false;
    return CURL_PREREQFUNC_ABORT;
}
/* NOLINTEND(readability-non-const-parameter) */

static void
guard_set(struct call *c)
{
    if (!c->guarded)
        return;
    curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, request_allowed);
    curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
}

/* True when `scheme` is one of "a,b". */
static bool
scheme_listed(const char *schemes, const char *scheme)
{
    size_t n = strlen(scheme);

    for (const char *p = schemes; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, scheme, n) == 0 && (p[n] == ',' || !p[n]))
            return true;
    }
    return false;
}

static bool
url_valid(const char *url, const char *schemes)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL;

    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            curl_url_cleanup(u);
            return false;
        }
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host &&
              scheme_listed(schemes, scheme);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return ok;
}

enum status
call_common(struct call *c, const char *url, const char *schemes,
            int timeout_ms, struct error *err)
{
    CURL *e = c->easy;
    long connect_ms = timeout_ms > 0 && timeout_ms < CONNECT_TIMEOUT_MS
                          ? timeout_ms
                          : CONNECT_TIMEOUT_MS;

    /* The URL may hold a password, so no message repeats it. */
    if (!url || !url_valid(url, schemes))
        return fail(err, E_INPUT, "the URL must be absolute, one of: %s",
                    schemes);
    c->start_us = clock_mono_us();
    if (timeout_ms > 0)
        c->deadline_us = c->start_us + timeout_ms * US_PER_MS;
    guard_set(c);
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, response_add);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (curl_easy_setopt(e, CURLOPT_URL, url) != CURLE_OK)
        return fail(err, E_NOMEM, "http client: out of memory");
    return OK;
}

static enum status
call_status(const struct call *c, CURLcode rc, int code)
{
    if (rc == CURLE_OK)
        return OK;
    if (c->refused && !c->opened)
        return E_FORBIDDEN;
    if (!buf_ok(&c->response))
        return E_TOOBIG;
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return E_TIMEOUT;
    /* libcurl calls a refused recipient a send error; the reply is there. */
    if (c->mail && code >= 400)
        return OK;
    return rc == CURLE_OUT_OF_MEMORY ? E_NOMEM : E_NET;
}

static void
message_write(const struct call *c, CURLcode rc, struct net_result *out)
{
    size_t n = sizeof(out->message);

    if (out->status == E_FORBIDDEN)
        snprintf(out->message, n,
                 "%s is %s: outgoing calls to it are not allowed",
                 c->refused_host, c->refused);
    else if (out->status == E_TOOBIG)
        snprintf(out->message, n, "the answer is longer than %zu bytes",
                 c->response.max);
    else if (out->status != OK)
        snprintf(out->message, n, "%s",
                 *c->why ? c->why : curl_easy_strerror(rc));
}

void
call_result(struct call *c, CURLcode rc, struct net_result *out)
{
    long code = 0;
    curl_off_t retry_after = 0;

    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after);
    *out = (struct net_result){
        .status = call_status(c, rc, (int)code),
        .code = (int)code,
        .body = c->response.data,
        .body_n = c->response.len,
        .retry_after_s = retry_after > 0 ? retry_after : -1,
        .latency_us = clock_mono_us() - c->start_us,
    };
    message_write(c, rc, out);
}
