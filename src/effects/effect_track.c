/*
 * Analytics events: always stored by us, and sent on to an HTTP sink when one
 * is set up. Properties name the run, never columns of the row: a row's
 * personal data does not leave for analytics unless a webhook is asked for.
 */
#include "codec/time.h"
#include "effects/effects_parts.h"

static const char *
properties(struct arena *a, const struct json *p)
{
    AUTO_BUF out = buf_new(BODY_MAX_BYTES);
    struct json_writer w = jw_new(&out);
    const struct json *event = json_get(p, "event");

    jw_object(&w);
    jw_kv_string(&w, "workspace",
                 json_get_str(json_get(p, "workspace"), "slug", NULL));
    jw_kv_string(&w, "feature",
                 json_get_str(json_get(p, "feature"), "key", NULL));
    jw_kv_int(&w, "version", json_int(json_get(p, "version"), 0));
    jw_kv_string(&w, "state", json_get_str(p, "state", NULL));
    jw_kv_string(&w, "run", json_get_str(p, "run", NULL));
    jw_kv_string(&w, "subject_table",
                 json_get_str(json_get(p, "subject"), "table", NULL));
    jw_kv_string(&w, "source_event_id", json_get_str(event, "id", NULL));
    jw_kv_string(&w, "source_event_type", json_get_str(event, "type", NULL));
    jw_object_end(&w);
    return buf_ok(&out) ? arena_strndup(a, out.data, out.len) : NULL;
}

enum status
track_plan(struct arena *a, const struct effect_settings *s,
           const struct effect_input *in, struct effect_plan *out,
           struct error *err)
{
    AUTO_BUF body = buf_new(BODY_MAX_BYTES);
    const struct json *p = in->payload;
    const char *name = json_get_str(json_get(p, "effect"), "event", NULL);

    if (!name)
        name = json_get_str(json_get(p, "feature"), "key", "");
    out->track.event = name;
    out->track.properties = properties(a, p);
    if (!out->track.properties)
        return fail(err, E_NOMEM, "analytics event");
    if (in->connection && connection_tracks(in->connection->kind)) {
        struct effect_input with = *in;
        with.properties = out->track.properties;
        return connection_plan(a, &with, name, out, err);
    }
    if (!s->track_sink)
        return OK;
    struct json_writer w = jw_new(&body);
    jw_object(&w);
    jw_kv_string(&w, "event", name);
    jw_kv_string(&w, "distinct_id",
                 json_get_str(json_get(p, "subject"), "id", NULL));
    jw_kv_raw(&w, "properties", out->track.properties);
    jw_kv_time(&w, "timestamp", in->created_us);
    jw_kv_string(&w, "message_id", in->key);
    jw_object_end(&w);
    enum status rc = call_post(a, out, s->track_sink, &body, err);
    if (rc != OK)
        return error_wrap(err, "track sink");
    out->provider = PROVIDER_SINK;
    out->http.trusted = true;
    call_header(out, "Idempotency-Key", in->key);
    return OK;
}
