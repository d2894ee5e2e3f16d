/*
 * Named connections: the body each kind of receiver wants. Source: the
 * receivers' published documentation of incoming webhooks (Slack, Discord),
 * Events API v2 (PagerDuty), capture (PostHog) and HTTP tracking (Segment).
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"
#include "codec/time.h"
#include "effects/effects_parts.h"

enum { TEXT_MAX_BYTES = 1500 }; /* Discord takes 2,000 characters */

typedef void body_fn(struct buf *body, const struct effect_input *in,
                     const char *text);

/* "Welcome mail: ann@example.com reached greet" */
static const char *
summary(struct arena *a, const struct effect_input *in)
{
    const struct json *p = in->payload, *feature = json_get(p, "feature");
    const char *who = subject_email(in);

    if (!who)
        who = json_get_str(json_get(p, "subject"), "id", "somebody");
    return arena_printf(
        a, "%.300s: %.300s, state %.300s",
        json_get_str(feature, "name", json_get_str(feature, "key", "")), who,
        json_get_str(p, "state", ""));
}

/* Of a customer's row nothing becomes a link, a mention or a format. */
static void
slack_body(struct buf *body, const struct effect_input *in, const char *text)
{
    AUTO_BUF safe = buf_new((size_t)8 * TEXT_MAX_BYTES);
    struct json_writer w = jw_new(body);

    (void)in;
    for (const char *c = text; *c; c++) {
        if (*c == '&')
            buf_puts(&safe, "&amp;");
        else if (*c == '<')
            buf_puts(&safe, "&lt;");
        else if (*c == '>')
            buf_puts(&safe, "&gt;");
        else
            buf_putc(&safe, *c);
    }
    jw_object(&w);
    jw_kv_string(&w, "text", buf_ok(&safe) ? safe.data : "");
    jw_object_end(&w);
}

static void
discord_body(struct buf *body, const struct effect_input *in, const char *text)
{
    struct json_writer w = jw_new(body);

    (void)in;
    jw_object(&w);
    jw_kv_string(&w, "content", text);
    jw_kv_raw(&w, "allowed_mentions", "{\"parse\":[]}");
    jw_object_end(&w);
}

static void
pagerduty_body(struct buf *body, const struct effect_input *in,
               const char *text)
{
    const struct json *p = in->payload;
    struct json_writer w = jw_new(body);

    jw_object(&w);
    jw_kv_string(&w, "routing_key", in->connection->token);
    jw_kv_string(&w, "event_action", "trigger");
    jw_kv_string(&w, "dedup_key", in->key);
    jw_key(&w, "payload");
    jw_object(&w);
    jw_kv_string(&w, "summary", text);
    jw_kv_string(&w, "source", "skene");
    jw_kv_string(&w, "severity", "info");
    jw_kv_time(&w, "timestamp", in->created_us);
    jw_key(&w, "custom_details");
    jw_object(&w);
    jw_kv_string(&w, "feature",
                 json_get_str(json_get(p, "feature"), "key", NULL));
    jw_kv_string(&w, "state", json_get_str(p, "state", NULL));
    jw_kv_string(&w, "run", json_get_str(p, "run", NULL));
    jw_kv_value(&w, "subject", json_get(p, "subject"));
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}

/* ---- analytics ---- */

static void
posthog_body(struct buf *body, const struct effect_input *in, const char *text)
{
    struct json_writer w = jw_new(body);

    jw_object(&w);
    jw_kv_string(&w, "api_key", in->connection->token);
    jw_kv_string(&w, "event", text);
    jw_kv_string(&w, "distinct_id",
                 json_get_str(json_get(in->payload, "subject"), "id", NULL));
    jw_kv_raw(&w, "properties", in->properties);
    jw_kv_time(&w, "timestamp", in->created_us);
    jw_kv_string(&w, "uuid", in->id); /* PostHog keeps one of a uuid */
    jw_object_end(&w);
}

static void
segment_body(struct buf *body, const struct effect_input *in, const char *text)
{
    struct json_writer w = jw_new(body);

    jw_object(&w);
    jw_kv_string(&w, "type", "track");
    jw_kv_string(&w, "event", text);
    jw_kv_string(&w, "userId",
                 json_get_str(json_get(in->payload, "subject"), "id", NULL));
    jw_kv_raw(&w, "properties", in->properties);
    jw_kv_time(&w, "timestamp", in->created_us);
    jw_kv_string(&w, "messageId", in->key);
    jw_object_end(&w);
}

static const struct kind_row {
    const char *name;
    const char *url;  /* when the connection gives none; NULL: it must */
    const char *path; /* put behind a base URL, or NULL */
    body_fn *body;    /* NULL: the signed body of webhooks */
    bool token, track;
} rows[] = {
    [CONNECTION_WEBHOOK] = {"webhook", NULL, NULL, NULL, false, false},
    [CONNECTION_SLACK] = {"slack", NULL, NULL, slack_body, false, false},
    [CONNECTION_DISCORD] = {"discord", NULL, NULL, discord_body, false, false},
    [CONNECTION_PAGERDUTY] = {"pagerduty",
                              "https://events.pagerduty.com/v2/enqueue", NULL,
                              pagerduty_body, true, false},
    [CONNECTION_POSTHOG] = {"posthog", "https://us.i.posthog.com", "/i/v0/e/",
                            posthog_body, true, true},
    [CONNECTION_SEGMENT] = {"segment", "https://api.segment.io", "/v1/track",
                            segment_body, true, true},
};
static_assert(sizeof(rows) / sizeof(rows[0]) == CONNECTION_KIND_COUNT,
              "one row a kind of connection");

const char *
connection_kind_name(enum connection_kind k)
{
    return rows[k].name;
}

bool
connection_kind_parse(const char *name, enum connection_kind *out)
{
    for (size_t i = 0; i < CONNECTION_KIND_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = (enum connection_kind)i;
            return true;
        }
    }
    return false;
}

bool
connection_tracks(enum connection_kind k)
{
    return rows[k].track;
}

enum status
connection_check(const struct effect_connection *c, struct error *err)
{
    const struct kind_row *row = &rows[c->kind];
    bool http = c->url && (strncmp(c->url, "https://", 8) == 0 ||
                           strncmp(c->url, "http://", 7) == 0);

    if (c->url ? !http : !row->url) {
        (void)error_field(err, "url");
        return fail(err, E_INVALID,
                    "a %s connection needs a URL that begins with https://",
                    row->name);
    }
    if (row->token && !(c->token && *c->token)) {
        (void)error_field(err, "token");
        return fail(err, E_INVALID, "a %s connection needs a token", row->name);
    }
    return OK;
}

/* Segment: "Basic base64(key:)". */
static enum status
authorise(struct arena *a, const struct effect_connection *c,
          struct effect_plan *out, struct error *err)
{
    AUTO_BUF plain = buf_new(1024), value = buf_new(2048);

    if (c->kind != CONNECTION_SEGMENT)
        return OK;
    buf_printf(&plain, "%s:", c->token);
    buf_puts(&value, "Basic ");
    base64_write(&value, plain.data, plain.len);
    const char *kept =
        buf_ok(&plain) && buf_ok(&value) ? arena_strdup(a, value.data) : NULL;
    if (!kept)
        return fail(err, E_TOOBIG, "token of the connection");
    call_header(out, "Authorization", kept);
    return OK;
}

enum status
connection_plan(struct arena *a, const struct effect_input *in,
                const char *text, struct effect_plan *out, struct error *err)
{
    const struct effect_connection *c = in->connection;
    const struct kind_row *row = &rows[c->kind];
    const char *base = c->url ? c->url : row->url;
    AUTO_BUF body = buf_new(BODY_MAX_BYTES);
    size_t n = base ? strlen(base) : 0;

    assert(row->body && base);
    while (row->path && n > 0 && base[n - 1] == '/')
        n--;
    const char *url =
        row->path ? arena_printf(a, "%.*s%s", (int)n, base, row->path) : base;
    if (!text)
        text = summary(a, in);
    if (!url || !text)
        return fail(err, E_NOMEM, "connection");
    row->body(&body, in, text);
    enum status rc = call_post(a, out, url, &body, err);
    if (rc == OK)
        rc = authorise(a, c, out, err);
    if (rc != OK)
        return error_wrap(err, "connection %s", c->name);
    out->provider = row->track ? PROVIDER_SINK : PROVIDER_WEBHOOK;
    out->http.timeout_ms = WEBHOOK_TIMEOUT_MS;
    return OK;
}
