/*
 * GET /stream: the live log as server-sent events. A reader that comes back
 * with Last-Event-ID first gets the decisions it missed.
 */
#include <string.h>

#include "api/route.h"
#include "base/log.h"
#include "runtime/feed.h"

enum {
    STREAM_MAX_BYTES = 256 * 1024,
    BACKFILL_MAX_PAGES = 20,
    BACKFILL_PAGE_ROWS = 200,
    BACKFILL_ARENA_BYTES = 8 * 1024 * 1024,
    LINE_MAX_BYTES = 64 * 1024,
};

static bool
send_decision(struct arena *a, struct http_stream *s,
              const struct decision_row *d)
{
    AUTO_BUF line = buf_new(LINE_MAX_BYTES);

    buf_printf(&line, "event: decision\nid: %s\ndata: ", d->id);
    json_write(&line, decision_json(a, d, false), false);
    buf_puts(&line, "\n\n");
    return !buf_ok(&line) || http_stream_send(s, line.data, line.len);
}

/* What came after the last id the reader saw, page by page; `after` moves on
 * to the last one sent. */
static enum status
backfill(struct runtime *rt, struct http_stream *s, const char *workspace_id,
         struct id *after, struct error *err)
{
    for (int page = 0; page < BACKFILL_MAX_PAGES; page++) {
        AUTO_ARENA a = arena_new(BACKFILL_ARENA_BYTES);
        AUTO_TX tx = NULL;
        struct decision_row *rows = NULL;
        struct log_filter filter = {.workspace_id = workspace_id,
                                    .after_id = after->text,
                                    .limit = BACKFILL_PAGE_ROWS};
        size_t n = 0;
        enum status rc = a ? store_begin(runtime_store(rt), false, &tx, err)
                           : fail(err, E_NOMEM, "stream");
        if (rc == OK)
            rc = decisions_list(tx, a, &filter, &rows, &n, err);
        if (rc != OK)
            return rc;
        for (size_t i = 0; i < n; i++)
            if (!send_decision(a, s, &rows[i]))
                return fail(err, E_IO, "the reader is gone");
        if (n)
            memcpy(after->text, rows[n - 1].id, sizeof(after->text));
        if (n < BACKFILL_PAGE_ROWS)
            return OK;
    }
    return OK;
}

static enum status
last_seen(struct call *c, struct id *out, struct error *err)
{
    const char *after = http_header_get(c->x, "Last-Event-ID");

    *out = (struct id){0};
    if (!after)
        after = call_query(c, "after");
    if (!after || !*after)
        return OK;
    if (!id_valid(after)) {
        enum status rc =
            fail(err, E_INVALID, "Last-Event-ID must be an id of this log");
        (void)error_field(err, "Last-Event-ID");
        return rc;
    }
    memcpy(out->text, after, sizeof(out->text));
    return OK;
}

/* Fills in, joins the live log, and fills in once more what was decided in
 * between: a line may come twice, none is left out. Takes the reference that
 * http_stream_start() gave; the caller holds another. */
static enum status
join(struct runtime *rt, const char *workspace_id, struct http_stream *s,
     struct id *after, struct error *err)
{
    bool fill = after->text[0] != '\0';
    enum status rc = OK;

    if (fill)
        rc = backfill(rt, s, workspace_id, after, err);
    if (rc == OK)
        rc = feed_add(rt, workspace_id, s, err);
    if (rc != OK) {
        http_stream_close(s);
        return rc;
    }
    return fill ? backfill(rt, s, workspace_id, after, err) : OK;
}

static enum status
reader_gone(struct http_stream *s, struct error *err)
{
    http_stream_close(s);
    return fail(err, E_IO, "the reader is gone");
}

enum status
stream_get(struct call *c, struct answer *out, struct error *err)
{
    static const char hello[] = ": connected\nretry: 1000\n\n";
    struct runtime *rt = c->rt;
    struct id after, workspace = {0};
    enum status rc = last_seen(c, &after, err);

    if (rc != OK)
        return rc;
    memcpy(workspace.text, c->workspace_id, sizeof(workspace.text));
    struct http_stream *s = http_stream_start(c->x, STREAM_MAX_BYTES);
    /* That was the answer, whatever came of it: the call may be gone. */
    out->sent = true;
    if (!s)
        return OK;
    struct error why = {0};
    http_stream_hold(s);
    rc = http_stream_send(s, hello, sizeof(hello) - 1)
             ? join(rt, workspace.text, s, &after, &why)
             : reader_gone(s, &why);
    http_stream_release(s);
    if (rc != OK && rc != E_IO)
        log_error(runtime_log(rt), "stream_failed", &why);
    return OK;
}
