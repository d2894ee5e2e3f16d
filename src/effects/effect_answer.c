/*
 * What an answer means. One table a provider, first row that fits; the rules
 * are those of docs/spec.md M9.
 */
#include <assert.h>
#include <string.h>

#include "codec/text.h"
#include "effects/effects_parts.h"

enum { RESPONSE_BYTES = 512, ANY = 999, QUOTA_PAUSE_S = 3600 };

struct rule {
    int from, to;     /* code */
    const char *name; /* the error's name in the body; NULL = any */
    enum outcome outcome;
    bool throttled;
    int64_t pause_s;    /* at least; 0 = as the receiver says */
    const char *advice; /* NULL = none */
};

static const struct rule resend_rules[] = {
    {200, 299, NULL, OUTCOME_SUCCEEDED, false, 0, NULL},
    {409, 409, "concurrent_idempotent_requests", OUTCOME_RETRY, false, 0, NULL},
    {409, 409, "invalid_idempotent_request", OUTCOME_FAILED, false, 0,
     "an earlier try reached Resend with other content; not sent twice"},
    {429, 429, "daily_quota_exceeded", OUTCOME_RETRY, true, QUOTA_PAUSE_S,
     "the daily quota at Resend is used up"},
    {429, 429, "monthly_quota_exceeded", OUTCOME_RETRY, true, QUOTA_PAUSE_S,
     "the monthly quota at Resend is used up"},
    {429, 429, NULL, OUTCOME_RETRY, true, 0, NULL},
    {401, 401, NULL, OUTCOME_FAILED, false, 0, "check RESEND_API_KEY"},
    {403, 403, "invalid_api_key", OUTCOME_FAILED, false, 0,
     "check RESEND_API_KEY"},
    {403, 403, NULL, OUTCOME_FAILED, false, 0,
     "is the domain of SKENE_MAIL_FROM verified at Resend?"},
    {422, 422, "invalid_from_address", OUTCOME_FAILED, false, 0,
     "check SKENE_MAIL_FROM"},
    {500, 599, NULL, OUTCOME_RETRY, false, 0, NULL},
    {100, ANY, NULL, OUTCOME_FAILED, false, 0, NULL},
};

static const struct rule smtp_rules[] = {
    {200, 299, NULL, OUTCOME_SUCCEEDED, false, 0, NULL},
    {400, 499, NULL, OUTCOME_RETRY, false, 0, NULL},
    {530, 535, NULL, OUTCOME_FAILED, false, 0,
     "check user and password in SKENE_SMTP_URL"},
    {500, 599, NULL, OUTCOME_FAILED, false, 0, NULL},
    {1, ANY, NULL, OUTCOME_RETRY, false, 0, NULL},
};

/* Webhooks and the track sink. 408 is the receiver's own time-out. */
static const struct rule http_rules[] = {
    {200, 299, NULL, OUTCOME_SUCCEEDED, false, 0, NULL},
    {300, 399, NULL, OUTCOME_FAILED, false, 0,
     "redirects are not followed; use the final URL"},
    {408, 408, NULL, OUTCOME_RETRY, false, 0, NULL},
    {410, 410, NULL, OUTCOME_FAILED, false, 0,
     "the receiver says it is gone for good"},
    {429, 429, NULL, OUTCOME_RETRY, true, 0, NULL},
    {503, 503, NULL, OUTCOME_RETRY, true, 0, NULL},
    {500, 599, NULL, OUTCOME_RETRY, false, 0, NULL},
    {100, ANY, NULL, OUTCOME_FAILED, false, 0, NULL},
};

#define ROWS(r) (r), sizeof(r) / sizeof((r)[0])
static const struct {
    const struct rule *rules;
    size_t n;
} tables[] = {
    [PROVIDER_LOCAL] = {NULL, 0},
    [PROVIDER_RESEND] = {ROWS(resend_rules)},
    [PROVIDER_SMTP] = {ROWS(smtp_rules)},
    [PROVIDER_WEBHOOK] = {ROWS(http_rules)},
    [PROVIDER_SINK] = {ROWS(http_rules)},
};
static_assert(sizeof(tables) / sizeof(tables[0]) == PROVIDER_COUNT,
              "one table a provider");

/* No answer arrived: may another try do better? */
static enum outcome
outcome_without(enum status status)
{
    switch (status) {
    case E_NET:
    case E_TIMEOUT:
    case E_BUSY:
    case E_NOMEM:
    case E_IO:
    case E_DB:
    case E_STORE:
        return OUTCOME_RETRY;
    case OK:
    case E_INPUT:
    case E_AUTH:
    case E_FORBIDDEN:
    case E_NOTFOUND:
    case E_CONFLICT:
    case E_TOOBIG:
    case E_INVALID:
    case E_UNSUPPORTED:
    case E_BUG:
    case STATUS_COUNT:
        break;
    }
    return OUTCOME_FAILED;
}

static const struct rule *
rule_find(enum provider p, int code, const char *name)
{
    for (size_t i = 0; i < tables[p].n; i++) {
        const struct rule *r = &tables[p].rules[i];
        if (code < r->from || code > r->to)
            continue;
        if (!r->name || (name && strcmp(name, r->name) == 0))
            return r;
    }
    return NULL;
}

/* First bytes of the body, cut at a character; NULL when it is not text. */
static const char *
first_bytes(struct arena *a, const struct net_result *r)
{
    size_t n = r->body_n < RESPONSE_BYTES ? r->body_n : RESPONSE_BYTES;

    if (!r->body || n == 0)
        return NULL;
    if (n < r->body_n)
        while (n && ((unsigned char)r->body[n] & 0xc0) == 0x80)
            n--;
    if (!utf8_valid(r->body, n) || memchr(r->body, '\0', n))
        return NULL;
    return arena_strndup(a, r->body, n);
}

static const char *
message_of(struct arena *a, const struct effect_plan *plan,
           const struct net_result *r, const struct json *body,
           const char *advice)
{
    const char *said = plan->provider == PROVIDER_RESEND
                           ? json_get_str(body, "message", NULL)
                           : NULL;
    const char *name = json_get_str(body, "name", NULL);
    const char *who = provider_name(plan->provider);

    if (!said || !*said)
        said = r->message[0] ? r->message : NULL;
    if (r->code == 0)
        return arena_printf(a, "%s: %s", who, said ? said : "no answer");
    return arena_printf(a, "%s answered %d%s%s%s%s%s%s", who, r->code,
                        plan->provider == PROVIDER_RESEND && name ? " " : "",
                        plan->provider == PROVIDER_RESEND && name ? name : "",
                        said ? ": " : "", said ? said : "", advice ? "; " : "",
                        advice ? advice : "");
}

void
effect_classify(struct arena *a, const struct effect_plan *plan,
                const struct net_result *r, struct effect_result *out)
{
    struct json *body = NULL;
    const struct rule *rule = NULL;

    *out = (struct effect_result){
        .retry_after_s = r->retry_after_s,
        .code = r->code,
        .response = first_bytes(a, r),
        .provider_id = plan->provider_id,
    };
    if (plan->provider == PROVIDER_RESEND && r->body_n &&
        json_parse(a, r->body, r->body_n, ANSWER_MAX_BYTES, &body, NULL) != OK)
        body = NULL; /* an answer in HTML, from something in between */
    /* A refused SMTP dialogue is a failed call with a code; an answer that is
     * longer than we keep is still an answer. */
    bool smtp = plan->provider == PROVIDER_SMTP;
    bool answered =
        r->status == OK || r->status == E_TOOBIG || (smtp && r->code >= 400);
    if (answered && r->code > 0)
        rule = rule_find(plan->provider, r->code,
                         json_get_str(body, "name", NULL));
    if (rule)
        out->outcome = rule->outcome;
    else if (smtp && r->status == OK)
        out->outcome = OUTCOME_SUCCEEDED;
    else
        out->outcome = outcome_without(r->status);
    if (out->outcome == OUTCOME_SUCCEEDED) {
        out->retry_after_s = -1;
        const char *id = json_get_str(body, "id", NULL);
        if (id)
            out->provider_id = arena_strdup(a, id);
        return;
    }
    out->throttled = rule && rule->throttled;
    if (rule && rule->pause_s && rule->pause_s > out->retry_after_s)
        out->retry_after_s = rule->pause_s;
    out->message = message_of(a, plan, r, body, rule ? rule->advice : NULL);
    if (!out->message)
        out->message = "no memory for the message";
}
