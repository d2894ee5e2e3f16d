/*
 * effects/effects.h - from an action to what has to be done, and from what
 * came back to an outcome.
 *
 * Pure: the runtime performs the call and keeps the record. What is sent for
 * an action is the same, byte for byte, on every try (only the signature's
 * timestamp and the Date of a mail move), so that a receiver that knows the
 * idempotency key can tell a repeat.
 */
#ifndef EFFECTS_EFFECTS_H
#define EFFECTS_EFFECTS_H

#include <stdint.h>

#include "codec/json.h"
#include "core/feature.h"
#include "core/template.h"
#include "net/http_client.h"

/* Who answers; each has its own table of answers. */
enum provider {
    PROVIDER_LOCAL, /* we ourselves: the record of the action is the effect */
    PROVIDER_RESEND,
    PROVIDER_SMTP,
    PROVIDER_WEBHOOK,
    PROVIDER_SINK, /* HTTP receiver of analytics events */
    PROVIDER_COUNT
};
const char *provider_name(enum provider p); /* "resend", … */

enum means {
    MEANS_NONE, /* nothing is left to do: record it as succeeded */
    MEANS_HTTP,
    MEANS_SMTP,
    MEANS_COUNT
};

/* The operator's settings. NULL = not set. */
struct effect_settings {
    int64_t now_us;
    const char *mail_from;      /* "Acme <hello@acme.example>" */
    const char *resend_key;     /* set: mail goes through Resend */
    const char *resend_url;     /* NULL: https://api.resend.com */
    const char *smtp_url;       /* set, without resend_key: mail goes by SMTP */
    const char *track_sink;     /* URL that gets analytics events too */
    const char *webhook_secret; /* "whsec_…"; several, with spaces between, all
                                   sign, so that one can take over from
                                   another; NULL: unsigned */
};

/* A named receiver of a workspace. */
enum connection_kind {
    CONNECTION_WEBHOOK, /* the signed body of webhooks */
    CONNECTION_SLACK,
    CONNECTION_DISCORD,
    CONNECTION_PAGERDUTY,
    CONNECTION_POSTHOG, /* of analytics events */
    CONNECTION_SEGMENT,
    CONNECTION_KIND_COUNT
};
struct effect_connection {
    enum connection_kind kind;
    const char *name;
    const char *url;   /* NULL: the provider's */
    const char *token; /* NULL: none */
};
const char *connection_kind_name(enum connection_kind k);
bool connection_kind_parse(const char *name, enum connection_kind *out);
/* Takes analytics events, not webhooks. */
bool connection_tracks(enum connection_kind k);
/* Errors: E_INVALID with the field that is missing. */
CHECKED enum status connection_check(const struct effect_connection *c,
                                     struct error *err);

/* The action, as stored, and what belongs to it. */
struct effect_input {
    const char *id;  /* UUIDv7 */
    const char *key; /* idempotency key, 1..256 characters */
    enum effect_kind kind;
    const char *address; /* e-mail address, or webhook URL */
    int64_t created_us;
    const struct json *payload;    /* see runtime: what the worker wrote */
    const struct message *message; /* email: the template; NULL = not stored */
    /* webhook: the one the effect names; track: that of analytics; or NULL */
    const struct effect_connection *connection;
    const char *properties;      /* track: set by effect_prepare() */
    const char *unsubscribe_url; /* email; NULL: no unsubscribe headers */
};

struct effect_mail { /* email, whoever carries it */
    const char *sender, *recipient, *subject, *html, *text;
    const char *headers; /* JSON object of the extra headers */
};

struct effect_track {               /* track */
    const char *event, *properties; /* JSON object */
};

struct effect_plan {
    enum means means;
    enum provider provider;
    const char *host; /* of the call, "" for a local effect: for fairness */
    struct net_http_call http;
    struct net_mail_call mail;
    struct effect_mail content; /* kind email */
    struct effect_track track;  /* kind track */
    const char *provider_id; /* known before the call (Message-ID), or NULL */
};

/* What to do for an action. Everything in the plan lives in `a` or is the
 * caller's.
 * Errors: E_NOTFOUND no template, or a connection that is not set up: failed;
 *         E_INVALID the template cannot be rendered with this row, or the
 *         address is not one; E_INPUT settings are wrong or missing;
 *         E_NOMEM, E_TOOBIG. */
CHECKED enum status effect_prepare(struct arena *a,
                                   const struct effect_settings *settings,
                                   const struct effect_input *in,
                                   struct effect_plan *out, struct error *err);

/* Name of the template an e-mail action uses: the effect's, else the
 * feature's key. "" when the payload names neither. */
const char *effect_template(const struct json *payload);

/* Does it end at a person, so that the gates of M7 apply? */
bool effect_reaches_person(enum effect_kind kind);

enum outcome {
    OUTCOME_SUCCEEDED,
    OUTCOME_RETRY,
    OUTCOME_FAILED,
    OUTCOME_COUNT
};
const char *outcome_name(enum outcome o); /* "succeeded" … */

struct effect_result {
    enum outcome outcome;
    int64_t retry_after_s;   /* the receiver asked for that pause; -1 */
    bool throttled;          /* others to this host should pause as well */
    int code;                /* HTTP or SMTP; 0 = none */
    const char *message;     /* for people; NULL when it succeeded */
    const char *response;    /* first bytes, valid UTF-8; NULL when empty */
    const char *provider_id; /* the provider's id of the message, or NULL */
};

/* Reads the answer. Result lives in `a`.
 * Source: docs/spec.md M9 and the providers' published error tables. */
void effect_classify(struct arena *a, const struct effect_plan *plan,
                     const struct net_result *r, struct effect_result *out);

#endif
