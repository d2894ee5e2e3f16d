#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/server_parts.h"

enum { STREAM_BLOCK_BYTES = 16 * 1024 };

struct http_stream {
    atomic_int refs; /* the caller, the response, the exchange */
    pthread_mutex_t lock;
    struct MHD_Connection *mhd; /* NULL once the client is gone */
    int fd;
    struct buf pending;
    size_t head; /* bytes of `pending` already handed over */
    size_t max;
    bool asleep; /* suspended by read_pending() for want of bytes */
    bool ended;  /* no more bytes will come */
};

void
stream_ref(struct http_stream *s)
{
    atomic_fetch_add(&s->refs, 1);
}

static void
unref(void *cls)
{
    struct http_stream *s = cls;

    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    buf_free(&s->pending);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* libmicrohttpd wants bytes: give some, or sleep until there are any. */
static ssize_t
read_pending(void *cls, uint64_t at, char *out, size_t max)
{
    struct http_stream *s = cls;
    ssize_t given = 0;

    (void)at;
    pthread_mutex_lock(&s->lock);
    size_t n = s->pending.len - s->head;
    if (n > max)
        n = max;
    if (n) {
        memcpy(out, s->pending.data + s->head, n);
        s->head += n;
        given = (ssize_t)n;
        if (s->head == s->pending.len) {
            buf_reset(&s->pending);
            s->head = 0;
        }
    } else if (s->ended || !s->mhd) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        MHD_suspend_connection(s->mhd);
        s->asleep = true;
    }
    pthread_mutex_unlock(&s->lock);
    return given;
}

/* Holding the lock. */
static void
wake(struct http_stream *s)
{
    if (s->asleep && s->mhd)
        MHD_resume_connection(s->mhd);
    s->asleep = false;
}

static struct MHD_Response *
stream_response(struct http_stream *s)
{
    struct MHD_Response *r = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_pending, s, unref);

    if (!r)
        return NULL;
    stream_ref(s);
    if (MHD_add_response_header(r, "Content-Type", "text/event-stream") &&
        MHD_add_response_header(r, "Cache-Control", "no-store") &&
        MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") &&
        MHD_add_response_header(r, "X-Accel-Buffering", "no"))
        return r;
    MHD_destroy_response(r);
    return NULL;
}

static struct http_stream *
stream_new(size_t max_bytes)
{
    struct http_stream *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    pthread_mutex_init(&s->lock, NULL);
    s->max = max_bytes;
    s->pending = buf_new(2 * max_bytes);
    return s;
}

/* Ties stream and exchange; false when the exchange is over already. */
static bool
stream_attach(struct http_exchange *x, struct http_stream *s)
{
    pthread_mutex_lock(&x->lock);
    bool open = x->mhd && !x->answered;
    if (open) {
        s->mhd = x->mhd;
        s->fd = x->conn ? x->conn->fd : -1;
        x->stream = s;
        stream_ref(s);
        sleeper_add(x);
    }
    pthread_mutex_unlock(&x->lock);
    return open;
}

struct http_stream *
http_stream_start(struct http_exchange *x, size_t max_bytes)
{
    struct http_stream *s = stream_new(max_bytes);
    struct MHD_Response *r = s ? stream_response(s) : NULL;

    if (!r) {
        if (s)
            unref(s);
        http_reply(x, &(struct http_reply){.status = 503});
        return NULL;
    }
    if (stream_attach(x, s))
        exchange_answer(x, 200, r);
    else
        MHD_destroy_response(r);
    exchange_debt_paid(x);
    return s;
}

bool
http_stream_send(struct http_stream *s, const char *bytes, size_t n)
{
    pthread_mutex_lock(&s->lock);
    bool ok = s->mhd && !s->ended;
    if (ok && n > s->max - (s->pending.len - s->head)) {
        /* Too slow. Its socket is full, so only this ends the wait. */
        if (s->fd >= 0)
            shutdown(s->fd, SHUT_RDWR);
        s->ended = true;
        ok = false;
    }
    if (ok) {
        if (n > s->pending.max - s->pending.len) {
            s->pending.len -= s->head;
            memmove(s->pending.data, s->pending.data + s->head, s->pending.len);
            s->head = 0;
        }
        buf_add(&s->pending, bytes, n);
        ok = buf_ok(&s->pending);
        s->ended |= !ok;
    }
    wake(s);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void
stream_end(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    wake(s);
    pthread_mutex_unlock(&s->lock);
}

void
stream_detach(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->mhd = NULL;
    s->fd = -1;
    s->asleep = false;
    pthread_mutex_unlock(&s->lock);
    unref(s);
}

void
http_stream_hold(struct http_stream *s)
{
    stream_ref(s);
}

void
http_stream_release(struct http_stream *s)
{
    unref(s);
}

void
http_stream_close(struct http_stream *s)
{
    stream_end(s);
    unref(s);
}
