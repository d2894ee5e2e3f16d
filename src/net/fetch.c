#include <string.h>

#include "net/client_parts.h"

enum { REFUSAL_BYTES = 4 * 1024 };

static const char agent[] = "skene/" SKENE_VERSION;

static enum status
fetch_setup(struct call *c, const struct net_http_call *in,
            const char *unix_socket, struct error *err)
{
    enum status rc = call_init(c, err);

    if (rc != OK)
        return rc;
    c->guarded = !in->trusted && !unix_socket;
    rc = call_http(c, in, agent, err);
    if (rc == OK && unix_socket)
        curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, unix_socket);
    if (rc != OK)
        call_release(c);
    return rc;
}

enum status
net_fetch(struct arena *a, const struct net_http_call *call,
          const char *unix_socket, struct net_result *out, struct error *err)
{
    struct call c;
    enum status rc = fetch_setup(&c, call, unix_socket, err);

    if (rc != OK)
        return rc;
    call_result(&c, curl_easy_perform(c.easy), out);
    out->body = arena_strndup(a, c.response.data, c.response.len);
    if (out->status != OK)
        rc = fail(err, out->status, "%s", out->message);
    else if (!out->body)
        rc = fail(err, E_TOOBIG, "the answer does not fit into memory");
    call_release(&c);
    return rc;
}

struct reading {
    struct call call;
    net_chunk *chunk;
    void *user;
    bool stopped;
};

static size_t
chunk_give(char *bytes, size_t size, size_t n, void *user)
{
    struct reading *r = user;
    long code = 0;

    curl_easy_getinfo(r->call.easy, CURLINFO_RESPONSE_CODE, &code);
    if (code / 100 != 2) {
        buf_add(&r->call.response, bytes, size * n);
        return buf_ok(&r->call.response) ? size * n : 0;
    }
    r->stopped = !r->chunk(bytes, size * n, r->user);
    return r->stopped ? 0 : size * n;
}

static enum status
refusal_status(int code)
{
    static const struct {
        int code;
        enum status status;
    } table[] = {{400, E_INPUT},    {401, E_AUTH},    {403, E_FORBIDDEN},
                 {404, E_NOTFOUND}, {422, E_INVALID}, {503, E_BUSY}};

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].code == code)
            return table[i].status;
    return E_NET;
}

enum status
net_fetch_stream(const struct net_http_call *call, const char *unix_socket,
                 net_chunk *chunk, void *user, struct error *err)
{
    struct reading r = {.chunk = chunk, .user = user};
    struct net_http_call endless = *call;
    struct net_result result;

    endless.timeout_ms = 0;
    endless.max_response = REFUSAL_BYTES;
    enum status rc = fetch_setup(&r.call, &endless, unix_socket, err);
    if (rc != OK)
        return rc;
    curl_easy_setopt(r.call.easy, CURLOPT_WRITEFUNCTION, chunk_give);
    curl_easy_setopt(r.call.easy, CURLOPT_WRITEDATA, &r);
    /* Nothing to send for hours: let the kernel find out that it is dead. */
    curl_easy_setopt(r.call.easy, CURLOPT_TCP_KEEPALIVE, 1L);
    call_result(&r.call, curl_easy_perform(r.call.easy), &result);
    if (result.code / 100 == 2 && r.stopped)
        rc = OK;
    else if (result.status != OK)
        rc = fail(err, result.status, "%s", result.message);
    else if (result.code / 100 != 2)
        rc = fail(err, refusal_status(result.code), "answered %d: %.300s",
                  result.code, result.body);
    call_release(&r.call);
    return rc;
}
