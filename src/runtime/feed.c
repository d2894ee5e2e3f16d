#include "runtime/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runtime/parts.h"

enum { SUBSCRIBERS_MAX = 256, LINE_MAX_BYTES = 1024 * 1024 };

struct subscriber {
    struct subscriber *next;
    struct http_stream *stream;
    char workspace_id[ID_TEXT_BYTES];
};

struct feed {
    pthread_mutex_t lock;
    struct subscriber *first;
    atomic_int n;
};

struct feed *
feed_new(void)
{
    struct feed *f = calloc(1, sizeof(*f));

    if (f)
        pthread_mutex_init(&f->lock, NULL);
    return f;
}

void
feed_free(struct feed *f)
{
    if (!f)
        return;
    while (f->first) {
        struct subscriber *s = f->first;
        f->first = s->next;
        http_stream_close(s->stream);
        free(s);
    }
    pthread_mutex_destroy(&f->lock);
    free(f);
}

enum status
feed_add(struct runtime *rt, const char *workspace_id,
         struct http_stream *stream, struct error *err)
{
    struct feed *f = runtime_feed(rt);
    struct subscriber *s = calloc(1, sizeof(*s));
    size_t n = strnlen(workspace_id, sizeof(s->workspace_id));

    if (!s)
        return fail(err, E_NOMEM, "live log");
    if (n == sizeof(s->workspace_id)) {
        free(s);
        return fail(err, E_BUG, "workspace id is too long");
    }
    memcpy(s->workspace_id, workspace_id, n + 1);
    s->stream = stream;
    pthread_mutex_lock(&f->lock);
    bool full = atomic_load(&f->n) >= SUBSCRIBERS_MAX;
    if (!full) {
        s->next = f->first;
        f->first = s;
        atomic_fetch_add(&f->n, 1);
    }
    pthread_mutex_unlock(&f->lock);
    if (full) {
        free(s);
        return fail(err, E_BUSY, "%d readers follow the live log already",
                    SUBSCRIBERS_MAX);
    }
    return OK;
}

/* Sends to the readers of a workspace, or to all (NULL). One that is gone or
 * does not keep up is dropped: it comes back with the last id it saw. */
static void
feed_send(struct feed *f, const char *workspace_id, const struct buf *line)
{
    pthread_mutex_lock(&f->lock);
    for (struct subscriber **at = &f->first; *at;) {
        struct subscriber *s = *at;
        bool wants =
            !workspace_id || strcmp(s->workspace_id, workspace_id) == 0;
        if (!wants || http_stream_send(s->stream, line->data, line->len)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        atomic_fetch_sub(&f->n, 1);
        http_stream_close(s->stream);
        free(s);
    }
    pthread_mutex_unlock(&f->lock);
}

void
feed_publish(struct runtime *rt, const char *workspace_id, const char *kind,
             const char *id, const char *json)
{
    if (!feed_wanted(rt))
        return;
    AUTO_BUF line = buf_new(LINE_MAX_BYTES);
    /* Only decisions are filled in from the store, so only they may move the
     * reader's Last-Event-ID. */
    if (strcmp(kind, "decision") == 0)
        buf_printf(&line, "id: %s\n", id);
    buf_printf(&line, "event: %s\ndata: ", kind);
    buf_puts(&line, json);
    buf_puts(&line, "\n\n");
    if (buf_ok(&line))
        feed_send(runtime_feed(rt), workspace_id, &line);
}

void
feed_heartbeat(struct runtime *rt)
{
    if (!feed_wanted(rt))
        return;
    AUTO_BUF line = buf_new(64);
    buf_puts(&line, ": still here\n\n");
    feed_send(runtime_feed(rt), NULL, &line);
}

bool
feed_wanted(struct runtime *rt)
{
    struct feed *f = runtime_feed(rt);

    return f && atomic_load(&f->n) > 0;
}
