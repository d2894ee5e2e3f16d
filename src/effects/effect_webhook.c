/*
 * Webhooks: the body of docs/spec.md, signed as Standard Webhooks says. Its
 * id is the action's key, so every repeat carries the same one.
 */
#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "codec/time.h"
#include "effects/effects_parts.h"

static void
data_write(struct json_writer *w, const struct effect_input *in)
{
    const struct json *p = in->payload;
    const struct json *subject = json_get(p, "subject");

    jw_object(w);
    jw_kv_string(w, "workspace",
                 json_get_str(json_get(p, "workspace"), "slug", NULL));
    jw_kv_string(w, "feature",
                 json_get_str(json_get(p, "feature"), "key", NULL));
    jw_kv_int(w, "version", json_int(json_get(p, "version"), 0));
    jw_kv_string(w, "run", json_get_str(p, "run", NULL));
    jw_kv_string(w, "state", json_get_str(p, "state", NULL));
    jw_key(w, "subject");
    jw_object(w);
    jw_kv_string(w, "table", json_get_str(subject, "table", NULL));
    jw_kv_string(w, "id", json_get_str(subject, "id", NULL));
    jw_kv_string(w, "email", subject_email(in));
    jw_object_end(w);
    jw_kv_value(w, "event", json_get(p, "event"));
    jw_object_end(w);
}

static void
body_write(struct buf *body, const struct effect_input *in, const char *type)
{
    struct json_writer w = jw_new(body);

    jw_object(&w);
    jw_kv_string(&w, "type", type);
    /* When it was decided, not when it was sent: repeats stay equal. */
    jw_kv_time(&w, "timestamp", in->created_us);
    jw_key(&w, "data");
    data_write(&w, in);
    jw_object_end(&w);
}

/* One of each secret, with spaces between: while a secret is replaced, the
 * receiver may know either. */
static enum status
signatures(struct arena *a, const char *secrets, const char *id, int64_t now_s,
           const struct net_http_call *call, const char **out,
           struct error *err)
{
    *out = NULL;
    for (const char *p = secrets; *p;) {
        size_t n = strcspn(p, " ");
        const char *secret = arena_strndup(a, p, n), *one = NULL;
        if (!secret)
            return fail(err, E_NOMEM, "webhook");
        enum status rc = webhook_sign(a, secret, id, now_s, call->body,
                                      call->body_n, &one, err);
        if (rc != OK)
            return rc;
        *out = *out ? arena_printf(a, "%s %s", *out, one) : one;
        if (!*out)
            return fail(err, E_NOMEM, "webhook");
        p += n + strspn(p + n, " ");
    }
    return *out ? OK : fail(err, E_INPUT, "an empty webhook secret");
}

static enum status
sign(struct arena *a, const struct effect_settings *s,
     const struct effect_input *in, struct effect_plan *out, struct error *err)
{
    int64_t now_s = s->now_us / US_PER_S;
    const char *signature = NULL;
    const char *timestamp = arena_printf(a, "%lld", (long long)now_s);

    if (!timestamp)
        return fail(err, E_NOMEM, "webhook");
    call_header(out, "webhook-id", in->key);
    call_header(out, "webhook-timestamp", timestamp);
    if (!s->webhook_secret)
        return OK;
    enum status rc = signatures(a, s->webhook_secret, in->key, now_s,
                                &out->http, &signature, err);
    if (rc == OK)
        call_header(out, "webhook-signature", signature);
    return rc;
}

enum status
webhook_plan(struct arena *a, const struct effect_settings *s,
             const struct effect_input *in, struct effect_plan *out,
             struct error *err)
{
    AUTO_BUF body = buf_new(BODY_MAX_BYTES);

    const struct effect_connection *c = in->connection;
    const char *url = c ? c->url : in->address;

    if (c && connection_tracks(c->kind))
        return fail(err, E_INPUT,
                    "connection %s takes analytics events, not webhooks",
                    c->name);
    if (c && c->kind != CONNECTION_WEBHOOK)
        return connection_plan(a, in, NULL, out, err);
    if (!url || !strstr(url, "://"))
        return fail(err, E_NOTFOUND,
                    "no connection '%s' in this workspace: skene connections "
                    "set makes one",
                    in->address ? in->address : "");
    const struct json *p = in->payload;
    const char *type = arena_printf(
        a, "%s.%s", json_get_str(json_get(p, "feature"), "key", ""),
        json_get_str(p, "state", ""));
    if (!type)
        return fail(err, E_NOMEM, "webhook");
    body_write(&body, in, type);
    enum status rc = call_post(a, out, url, &body, err);
    if (rc != OK)
        return error_wrap(err, "webhook");
    out->provider = PROVIDER_WEBHOOK;
    out->http.timeout_ms = WEBHOOK_TIMEOUT_MS;
    rc = sign(a, s, in, out, err);
    return rc == OK ? OK : error_wrap(err, "webhook");
}
