#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "runtime/connections.h"
#include "runtime/dispatcher_parts.h"
#include "runtime/ops.h"

enum {
    ROWS_MAX_BYTES = 64 * 1024 * 1024,   /* one load */
    FLIGHT_MAX_BYTES = 32 * 1024 * 1024, /* a payload, parsed and rendered */
    PAYLOAD_MAX_BYTES = 4 * 1024 * 1024,
    EXIT_CHECK_S = 60, /* older ones: look at the live row once more */
    RETRY_S = 30,      /* when the customer's database does not answer */
    PAUSE_S = 5,       /* when we are short of something ourselves */
};

static bool
in_hand(const struct dispatcher *d, const char *id)
{
    const struct flight *f = d->by_id[hash64_str(id) % BUCKETS];

    while (f && strcmp(f->action.id, id) != 0)
        f = f->next_hash;
    return f != NULL;
}

static bool
action_copy(struct arena *a, const struct action_row *in,
            struct action_row *out)
{
    const char **fields[] = {
        &out->id,       &out->workspace_id, &out->key,
        &out->run_id,   &out->feature_id,   &out->feature_key,
        &out->event_id, &out->subject_key,  &out->kind,
        &out->address,  &out->payload,      &out->status,
        &out->verdict,  &out->last_error,   &out->provider_id,
        &out->gates,
    };

    *out = *in;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!*fields[i])
            continue;
        *fields[i] = arena_strdup(a, *fields[i]);
        if (!*fields[i])
            return false;
    }
    return true;
}

static struct flight *
flight_new(struct dispatcher *d, const struct action_row *row)
{
    struct arena *a = arena_new(FLIGHT_MAX_BYTES);
    struct flight *f = a ? arena_alloc(a, sizeof(*f)) : NULL;

    if (!f || !action_copy(a, row, &f->action)) {
        arena_free(a);
        return NULL;
    }
    size_t bucket = hash64_str(f->action.id) % BUCKETS;
    f->d = d;
    f->a = a;
    f->next_hash = d->by_id[bucket];
    d->by_id[bucket] = f;
    d->in_hand++;
    return f;
}

/* Reads due actions that are not in hand yet into `out`. */
static enum status
load_rows(struct dispatcher *d, struct flights *out, struct error *err)
{
    AUTO_ARENA a = arena_new(ROWS_MAX_BYTES);
    AUTO_TX tx = NULL;
    struct action_row *rows = NULL;
    size_t n = 0, taken = 0, limit = d->in_hand + d->load_limit;
    int64_t now_us = runtime_now_us(d->rt);

    if (!a)
        return fail(err, E_NOMEM, "due actions");
    enum status rc = store_begin(runtime_store(d->rt), false, &tx, err);
    if (rc == OK)
        rc = actions_due(tx, a, 0, SHARD_COUNT - 1, now_us, limit, &rows, &n,
                         err);
    for (size_t i = 0; rc == OK && i < n && d->in_hand < HAND_MAX; i++) {
        struct flight *f =
            in_hand(d, rows[i].id) ? NULL : flight_new(d, &rows[i]);
        if (!f)
            continue;
        flights_add(out, f);
        taken++;
    }
    d->more = rc == OK && n == limit;
    if (rc != OK || d->more)
        return rc;
    /* With actions in hand the store's answer would be one of those; what we
     * put off ourselves is known, what is new comes with a wake. */
    if (taken == 0 && d->in_hand == 0)
        rc = actions_next_due(tx, &d->soonest_us, err);
    else if (d->soonest_us <= now_us)
        d->soonest_us = 0;
    if (d->soonest_us && d->soonest_us <= now_us)
        d->soonest_us = now_us + 50 * US_PER_MS; /* never spin on it */
    return rc;
}

static enum status
message_load(struct flight *f, struct store_tx *tx, struct message *room,
             const struct message **out, struct error *err)
{
    struct message_row row = {0};
    const char *key = effect_template(f->payload);

    enum status rc =
        message_get(tx, f->a, f->action.workspace_id, key, &row, err);
    if (rc == E_NOTFOUND)
        return OK; /* effect_prepare() says what to do about it */
    if (rc != OK)
        return rc;
    *room = (struct message){
        .key = row.key, .subject = row.subject, .body = row.body};
    *out = room;
    return OK;
}

static enum status
connection_of(struct flight *f, struct store_tx *tx,
              const struct effect_connection **out, struct error *err)
{
    const char *name = NULL;

    if (f->kind == EFFECT_TRACK)
        name = CONNECTION_ANALYTICS;
    if (f->kind == EFFECT_WEBHOOK)
        name = json_get_str(json_get(f->payload, "effect"), "connection", NULL);
    return name ? connection_load(f->d->rt, tx, f->a, f->action.workspace_id,
                                  name, out, err)
                : OK;
}

static enum status
prepare(struct flight *f, struct store_tx *tx, struct error *err)
{
    const struct runtime_config *c = runtime_config_get(f->d->rt);
    const struct effect_settings settings = {
        .now_us = runtime_now_us(f->d->rt),
        .mail_from = c->mail_from,
        .resend_key = c->resend_key,
        .resend_url = c->resend_url,
        .smtp_url = c->smtp_url,
        .track_sink = c->track_sink,
        .webhook_secret = c->webhook_secret,
    };
    struct effect_input in = {
        .id = f->action.id,
        .key = f->action.key,
        .kind = f->kind,
        .address = f->action.address,
        .created_us = f->action.created_us,
        .payload = f->payload,
    };
    struct message room;
    enum status rc = OK;

    if (f->kind == EFFECT_EMAIL) {
        rc = message_load(f, tx, &room, &in.message, err);
        if (rc == OK && c->public_url && in.address) {
            const char *token = unsubscribe_token(
                f->d->rt, f->a, f->action.workspace_id, in.address);
            in.unsubscribe_url =
                token ? arena_printf(f->a, "%s/api/v1/unsubscribe/%s",
                                     c->public_url, token)
                      : NULL;
            if (!in.unsubscribe_url)
                rc = fail(err, E_NOMEM, "unsubscribe link");
        }
    }
    if (rc == OK)
        rc = connection_of(f, tx, &in.connection, err);
    return rc == OK ? effect_prepare(f->a, &settings, &in, &f->plan, err) : rc;
}

static void
plan_failed(struct flight *f, enum status rc, const struct error *err)
{
    int64_t now_us = runtime_now_us(f->d->rt);

    if (rc == E_INVALID) /* M13: this row and this message do not fit */
        flight_skip(f, verdict_name(VERDICT_ERROR), err->msg);
    else if (status_retryable(rc))
        flight_defer(f, now_us + PAUSE_S * US_PER_S, NULL, err->msg);
    else
        flight_fail(f, err->msg);
}

/* A send that waited is checked against the live rows once more. */
static bool
exit_check(struct flight *f, bool *exited)
{
    struct error err = {0};
    struct runtime *rt = f->d->rt;
    int64_t now_us = runtime_now_us(rt);

    *exited = false;
    if (now_us - f->action.created_us < EXIT_CHECK_S * US_PER_S)
        return true;
    if (exit_holds(rt, f->d->lookups, f->a, &f->action, exited, &err) == OK)
        return true;
    flight_defer(f, now_us + RETRY_S * US_PER_S, NULL, err.msg);
    return false;
}

static enum status
parse(struct flight *f, struct error *err)
{
    const char *text = f->action.payload ? f->action.payload : "";

    if (!effect_kind_parse(f->action.kind, &f->kind))
        return fail(err, E_UNSUPPORTED, "unknown kind of action '%s'",
                    f->action.kind);
    enum status rc = json_parse(f->a, text, strlen(text), PAYLOAD_MAX_BYTES,
                                &f->payload, err);
    return rc == OK ? OK : error_wrap(err, "payload of the action");
}

static enum status
plan_one(struct flight *f, struct store_tx *tx, bool exited, bool *pass,
         struct error *err)
{
    enum status rc = OK;

    *pass = true;
    if (effect_reaches_person(f->kind))
        rc = gates_check(f, tx, exited, pass, err);
    if (rc == OK && *pass)
        rc = prepare(f, tx, err);
    return rc;
}

static void
plan(struct flight *f)
{
    struct dispatcher *d = f->d;
    struct error err = {0};
    bool exited = false, pass = false;
    AUTO_TX tx = NULL;

    enum status rc = parse(f, &err);
    if (rc != OK) {
        flight_fail(f, err.msg);
        return;
    }
    if (effect_reaches_person(f->kind) && !exit_check(f, &exited))
        return;
    rc = store_begin(runtime_store(d->rt), false, &tx, &err);
    if (rc == OK)
        rc = plan_one(f, tx, exited, &pass, &err);
    if (rc != OK) {
        plan_failed(f, rc, &err);
    } else if (pass && f->plan.means == MEANS_NONE) {
        const struct effect_result done = {
            .outcome = OUTCOME_SUCCEEDED,
            .retry_after_s = -1,
            .provider_id = f->plan.provider_id,
        };
        flight_result(f, &done, 0);
    } else if (pass) {
        host_join(d, f);
        flights_add(&d->waiting, f);
    }
}

void
dispatcher_load(struct dispatcher *d)
{
    struct error err = {0};
    struct flights fresh = {.last = &fresh.first};

    d->loaded_us = clock_mono_us();
    enum status rc = load_rows(d, &fresh, &err);
    if (rc == E_NOMEM || rc == E_TOOBIG)
        d->load_limit = d->load_limit > 1 ? d->load_limit / 2 : 1;
    else if (rc == OK && d->load_limit < LOAD_MAX)
        d->load_limit++;
    if (rc != OK)
        log_error(runtime_log(d->rt), "dispatch_failed", &err);
    for (struct flight *f = flights_take(&fresh), *next; f; f = next) {
        next = f->next;
        plan(f);
    }
}
