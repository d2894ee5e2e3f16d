#include "effects/effects.h"

#include <assert.h>
#include <string.h>

#include "codec/url.h"
#include "effects/effects_parts.h"

/* set_stage was applied in the transaction that decided it. */
static enum status
stage_plan(struct arena *a, const struct effect_settings *s,
           const struct effect_input *in, struct effect_plan *out,
           struct error *err)
{
    (void)a;
    (void)s;
    (void)in;
    (void)out;
    (void)err;
    return OK;
}

static const struct {
    bool person;
    effect_plan_fn *plan;
} kinds[] = {
    [EFFECT_EMAIL] = {true, email_plan},
    [EFFECT_WEBHOOK] = {false, webhook_plan},
    [EFFECT_TRACK] = {false, track_plan},
    [EFFECT_SET_STAGE] = {false, stage_plan},
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == EFFECT_KIND_COUNT,
              "one row a kind");

static const char *const providers[] = {
    [PROVIDER_LOCAL] = "local",     [PROVIDER_RESEND] = "resend",
    [PROVIDER_SMTP] = "smtp",       [PROVIDER_WEBHOOK] = "webhook",
    [PROVIDER_SINK] = "track sink",
};
static_assert(sizeof(providers) / sizeof(providers[0]) == PROVIDER_COUNT,
              "one name a provider");

static const char *const outcomes[] = {
    [OUTCOME_SUCCEEDED] = "succeeded",
    [OUTCOME_RETRY] = "retry",
    [OUTCOME_FAILED] = "failed",
};
static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == OUTCOME_COUNT,
              "one name an outcome");

const char *
provider_name(enum provider p)
{
    return providers[p];
}

const char *
outcome_name(enum outcome o)
{
    return outcomes[o];
}

bool
effect_reaches_person(enum effect_kind kind)
{
    return kinds[kind].person;
}

const char *
effect_template(const struct json *payload)
{
    const char *key =
        json_get_str(json_get(payload, "effect"), "template", NULL);

    if (key)
        return key;
    return json_get_str(json_get(payload, "feature"), "key", "");
}

const char *
subject_email(const struct effect_input *in)
{
    const struct json *event = json_get(in->payload, "event");
    const char *email =
        json_get_str(json_get(in->payload, "subject"), "email", NULL);

    if (email)
        return email;
    if (in->kind == EFFECT_EMAIL &&
        !json_get(json_get(in->payload, "effect"), "to"))
        return in->address;
    return json_get_str(json_get(event, "record"), "email", NULL);
}

void
call_header(struct effect_plan *out, const char *name, const char *value)
{
    int i = 0;

    while (i < HTTP_MAX_HEADERS - 1 && out->http.headers[i].name)
        i++;
    assert(i < HTTP_MAX_HEADERS - 1);
    out->http.headers[i] = (struct http_header){name, value};
}

enum status
call_post(struct arena *a, struct effect_plan *out, const char *url,
          const struct buf *body, struct error *err)
{
    struct url parts = {0};

    enum status rc = buf_check(body, "body of the call", err);
    if (rc == OK)
        rc = url_parse(a, url, &parts, err);
    if (rc != OK)
        return rc;
    if (strcmp(parts.scheme, "http") != 0 && strcmp(parts.scheme, "https") != 0)
        return fail(err, E_INPUT, "URL scheme '%s' is not http or https",
                    parts.scheme);
    out->means = MEANS_HTTP;
    out->host = parts.port ? arena_printf(a, "%s:%d", parts.host, parts.port)
                           : parts.host;
    const char *bytes = arena_strndup(a, body->data, body->len);
    if (!bytes || !out->host)
        return fail(err, E_NOMEM, "body of the call");
    out->http = (struct net_http_call){.method = "POST",
                                       .url = url,
                                       .body = bytes,
                                       .body_n = body->len,
                                       .timeout_ms = HTTP_TIMEOUT_MS,
                                       .max_response = ANSWER_MAX_BYTES};
    call_header(out, "Content-Type", "application/json");
    return OK;
}

enum status
effect_prepare(struct arena *a, const struct effect_settings *settings,
               const struct effect_input *in, struct effect_plan *out,
               struct error *err)
{
    *out = (struct effect_plan){
        .means = MEANS_NONE, .provider = PROVIDER_LOCAL, .host = ""};
    if (!json_is(in->payload, JSON_OBJECT))
        return fail(err, E_BUG, "action %s: its payload is not an object",
                    in->id);
    return kinds[in->kind].plan(a, settings, in, out, err);
}
