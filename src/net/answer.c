#include <stdio.h>
#include <strings.h>

#include "net/server_parts.h"

struct MHD_Response *
response_new(const struct http_reply *reply)
{
    static char nothing[1];
    bool bodyless = reply->status == 204 || reply->status == 304;
    bool caching = false;
    /* MUST_COPY: libmicrohttpd only reads; its type lacks the const. */
    union {
        const void *in;
        void *out;
    } body = {.in = reply->body_n ? reply->body : nothing};
    struct MHD_Response *r = MHD_create_response_from_buffer(
        reply->body_n, body.out, MHD_RESPMEM_MUST_COPY);

    if (!r)
        return NULL;
    const char *type =
        reply->content_type ? reply->content_type : "application/json";
    bool ok = bodyless || MHD_add_response_header(r, "Content-Type", type);
    for (int i = 0; i < HTTP_MAX_HEADERS && reply->headers[i].name; i++) {
        const struct http_header *h = &reply->headers[i];
        caching |= strcasecmp(h->name, "Cache-Control") == 0;
        ok = ok && MHD_add_response_header(r, h->name, h->value);
    }
    ok = ok && MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (!caching)
        ok = ok && MHD_add_response_header(r, "Cache-Control", "no-store");
    if (ok)
        return r;
    MHD_destroy_response(r);
    return NULL;
}

static const struct {
    int status;
    const char *code;
} error_codes[] = {
    {400, "bad_input"}, {413, "payload_too_large"},
    {500, "internal"},  {501, "unsupported"},
    {503, "busy"},      {505, "unsupported"},
};

/* `message` is a literal of ours: nothing in it needs JSON escaping. */
struct MHD_Response *
response_error(int status, const char *message)
{
    const char *code = "internal";
    char body[256];

    for (size_t i = 0; i < sizeof(error_codes) / sizeof(*error_codes); i++)
        if (error_codes[i].status == status)
            code = error_codes[i].code;
    int n = snprintf(body, sizeof(body),
                     "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code,
                     message);
    struct http_reply reply = {.status = status,
                               .body = body,
                               .body_n = (size_t)n,
                               .headers = {{"Connection", "close"}}};
    if (status == 503)
        reply.headers[1] = (struct http_header){"Retry-After", "1"};
    return response_new(&reply);
}

bool
exchange_answer(struct http_exchange *x, int status,
                struct MHD_Response *response)
{
    pthread_mutex_lock(&x->lock);
    bool first = !x->answered;
    if (first) {
        x->answered = true;
        x->response = response;
        x->status = status;
        if (x->asleep)
            MHD_resume_connection(x->mhd);
    }
    pthread_mutex_unlock(&x->lock);
    if (!first && response)
        MHD_destroy_response(response);
    return first;
}

void
exchange_debt_paid(struct http_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    bool owed = x->owed;
    x->owed = false;
    pthread_mutex_unlock(&x->lock);
    if (owed)
        exchange_unref(x);
}

void
http_suspend(struct http_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    /* Already answered: the worker was faster than this call. */
    if (!x->answered && !x->asleep) {
        x->asleep = true;
        x->owed = true;
        atomic_fetch_add(&x->refs, 1);
        MHD_suspend_connection(x->mhd);
        sleeper_add(x);
    }
    pthread_mutex_unlock(&x->lock);
}

void
http_reply(struct http_exchange *x, const struct http_reply *reply)
{
    struct MHD_Response *r = response_new(reply);
    int status = reply->status;

    if (!r) {
        status = 500;
        r = response_error(500, "the answer could not be built");
    }
    exchange_answer(x, status, r);
    exchange_debt_paid(x);
}

void
exchange_stop(struct http_exchange *x)
{
    pthread_mutex_lock(&x->lock);
    struct http_stream *s = x->stream;
    if (s)
        stream_ref(s);
    bool answered = x->answered;
    pthread_mutex_unlock(&x->lock);
    if (s) {
        http_stream_close(s); /* ends it, and drops our reference */
    } else if (!answered) {
        exchange_answer(x, 503, response_error(503, "the server is stopping"));
    }
}

void
sleeper_add(struct http_exchange *x)
{
    struct http_server *s = x->server;

    pthread_mutex_lock(&s->lock);
    if (!x->listed) {
        x->listed = true;
        x->prev = NULL;
        x->next = s->sleepers;
        if (x->next)
            x->next->prev = x;
        s->sleepers = x;
    }
    pthread_mutex_unlock(&s->lock);
}

void
sleeper_remove(struct http_exchange *x)
{
    struct http_server *s = x->server;

    pthread_mutex_lock(&s->lock);
    if (x->listed) {
        x->listed = false;
        if (x->prev)
            x->prev->next = x->next;
        else
            s->sleepers = x->next;
        if (x->next)
            x->next->prev = x->prev;
    }
    pthread_mutex_unlock(&s->lock);
}
