#include <string.h>

#include "codec/crypto.h"
#include "codec/time.h"
#include "core/decide.h"
#include "core/retry.h"
#include "runtime/dispatcher_parts.h"

enum { RECORD_PAUSE_MS = 200, LINE_MAX_BYTES = 16 * 1024 };

/* ---- what to write ---- */

static const char *
keep(struct flight *f, const char *text)
{
    return text ? arena_strdup(f->a, text) : NULL;
}

static void
soonest(struct dispatcher *d, int64_t due_us)
{
    if (d->soonest_us == 0 || due_us < d->soonest_us)
        d->soonest_us = due_us;
}

static void
finished(struct flight *f, const char *status)
{
    f->action.status = status;
    f->action.done_us = runtime_now_us(f->d->rt);
    flight_done(f);
}

void
flight_skip(struct flight *f, const char *verdict, const char *why)
{
    f->action.verdict = verdict;
    f->action.last_error = keep(f, why);
    finished(f, "skipped");
}

void
flight_fail(struct flight *f, const char *why)
{
    f->action.verdict = NULL;
    f->action.last_error = keep(f, why);
    finished(f, "failed");
}

void
flight_defer(struct flight *f, int64_t due_us, const char *verdict,
             const char *why)
{
    f->action.verdict = verdict;
    f->action.last_error = keep(f, why);
    f->action.due_us = due_us;
    soonest(f->d, due_us);
    flight_done(f);
}

static void
retry(struct flight *f, const struct effect_result *r)
{
    uint64_t random = 0;
    struct error err = {0};

    if (random_bytes(&random, sizeof(random), &err) != OK)
        random = (uint64_t)clock_mono_us();
    int64_t delay_us =
        retry_delay_us((int)f->action.attempts, r->retry_after_s, random);
    if (delay_us >= 0) {
        flight_defer(f, runtime_now_us(f->d->rt) + delay_us, NULL, r->message);
        return;
    }
    f->attempt.outcome = outcome_name(OUTCOME_FAILED);
    f->action.verdict = NULL;
    f->action.last_error =
        arena_printf(f->a, "%s; gave up after %lld tries", r->message,
                     (long long)f->action.attempts);
    finished(f, "failed");
}

void
flight_result(struct flight *f, const struct effect_result *r,
              int64_t latency_us)
{
    f->action.attempts++;
    f->attempted = true;
    f->succeeded = r->outcome == OUTCOME_SUCCEEDED;
    f->attempt = (struct attempt_row){
        .action_id = f->action.id,
        .number = f->action.attempts,
        .at_us = runtime_now_us(f->d->rt) - latency_us,
        .latency_us = latency_us,
        .code = r->code,
        .outcome = outcome_name(r->outcome),
        .message = r->message,
        .response = r->response,
    };
    if (r->outcome == OUTCOME_RETRY) {
        retry(f, r);
        return;
    }
    f->action.verdict = NULL;
    f->action.last_error = r->message;
    if (f->succeeded)
        f->action.provider_id = r->provider_id;
    finished(f, f->succeeded ? "succeeded" : "failed");
}

/* ---- writing it ---- */

static enum status
mail_write(const struct flight *f, struct store_tx *tx, struct error *err)
{
    const struct effect_mail *m = &f->plan.content;
    const struct mail_row row = {
        .id = f->action.id,
        .workspace_id = f->action.workspace_id,
        .sender = m->sender,
        .recipient = m->recipient,
        .subject = m->subject,
        .html = m->html,
        .text = m->text,
        .headers = m->headers,
        .at_us = f->action.done_us,
    };

    return inbox_add(tx, &row, err);
}

static enum status
track_write(const struct flight *f, struct store_tx *tx, struct error *err)
{
    const struct track_row row = {
        .id = f->action.id,
        .workspace_id = f->action.workspace_id,
        .event = f->plan.track.event,
        .subject_key = f->action.subject_key,
        .properties = f->plan.track.properties,
        .at_us = f->action.created_us,
    };

    return track_add(tx, &row, err);
}

static enum status
effect_write(const struct flight *f, struct store_tx *tx, struct error *err)
{
    bool local = f->plan.provider == PROVIDER_LOCAL;
    enum status rc = OK;

    if (f->kind == EFFECT_EMAIL && f->succeeded) {
        rc = send_add(tx, f->action.workspace_id, f->action.subject_key,
                      f->action.feature_id, f->action.id, f->action.done_us,
                      err);
        if (rc == OK && local)
            rc = mail_write(f, tx, err);
    }
    /* It is ours whether or not the sink takes it. */
    if (f->kind == EFFECT_TRACK && f->attempted && f->action.attempts == 1)
        rc = track_write(f, tx, err);
    return rc;
}

static enum status
write_one(const struct flight *f, struct store_tx *tx, struct error *err)
{
    enum status rc = OK;

    if (f->attempted)
        rc = attempt_add(tx, &f->attempt, err);
    if (rc == OK)
        rc = action_update(tx, &f->action, err);
    if (rc == OK)
        rc = effect_write(f, tx, err);
    return rc == OK ? OK : error_wrap(err, "record of action %s", f->action.id);
}

static enum status
write_list(struct dispatcher *d, const struct flight *first, size_t n,
           struct error *err)
{
    AUTO_TX tx = NULL;

    enum status rc = store_begin(runtime_store(d->rt), true, &tx, err);
    for (; rc == OK && n; n--, first = first->next)
        rc = write_one(first, tx, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    return store_commit(whole, err);
}

static void
publish(const struct flight *f)
{
    const struct action_row *x = &f->action;
    AUTO_BUF out = buf_new(LINE_MAX_BYTES);
    struct json_writer w = jw_new(&out);

    jw_object(&w);
    jw_kv_string(&w, "id", x->id);
    jw_kv_string(&w, "event_id", x->event_id);
    jw_kv_string(&w, "feature", x->feature_key);
    jw_kv_int(&w, "version", x->version);
    jw_kv_string(&w, "run", x->run_id);
    jw_kv_string(&w, "subject", x->subject_key);
    jw_kv_string(&w, "kind", x->kind);
    jw_kv_string(&w, "address", x->address);
    jw_kv_string(&w, "status", x->status);
    jw_kv_string(&w, "verdict", x->verdict);
    jw_kv_int(&w, "attempts", x->attempts);
    jw_kv_string(&w, "error", x->last_error);
    jw_kv_time(&w, "due_at", x->done_us ? 0 : x->due_us);
    jw_kv_time(&w, "at", x->done_us ? x->done_us : runtime_now_us(f->d->rt));
    jw_object_end(&w);
    if (buf_ok(&out))
        feed_publish(f->d->rt, x->workspace_id, "action", x->id, out.data);
}

static void
announce(struct flight *f)
{
    const struct action_row *x = &f->action;

    if (x->last_error && x->done_us)
        log_event(runtime_log(f->d->rt), LEVEL_WARN,
                  strcmp(x->status, "failed") == 0 ? "action_failed"
                                                   : "action_skipped",
                  "action", x->id, "kind", x->kind, "feature", x->feature_key,
                  "error", x->last_error, NULL);
    if (feed_wanted(f->d->rt))
        publish(f);
}

/* One record that cannot be written must not hold up the others, nor be sent
 * again and again: it ends as failed. */
static bool
write_alone(struct flight *f, struct error *err)
{
    enum status rc = write_list(f->d, f, 1, err);

    if (rc == OK || status_retryable(rc))
        return rc == OK;
    log_error(runtime_log(f->d->rt), "action_record_failed", err);
    f->attempted = false;
    f->succeeded = false;
    f->action.status = "failed";
    f->action.last_error = keep(f, err->msg);
    f->action.done_us = runtime_now_us(f->d->rt);
    *err = (struct error){0};
    return write_list(f->d, f, 1, err) == OK;
}

static void
recorded(struct flight *f)
{
    f->d->n_done--;
    announce(f);
    flight_free(f);
}

void
dispatcher_record(struct dispatcher *d)
{
    struct error err = {0};

    if (!d->done.first || clock_mono_us() < d->record_us)
        return;
    enum status rc = write_list(d, d->done.first, d->n_done, &err);
    bool all = rc == OK;
    if (rc == OK)
        failpoint("dispatcher.after_record");
    else
        log_error(runtime_log(d->rt), "action_record_failed", &err);
    for (struct flight *f = flights_take(&d->done), *next; f; f = next) {
        next = f->next;
        bool alone = rc != OK && !status_retryable(rc);
        err = (struct error){0};
        if (all || (alone && write_alone(f, &err)))
            recorded(f);
        else
            flights_add(&d->done, f);
    }
    if (d->done.first)
        d->record_us = clock_mono_us() + RECORD_PAUSE_MS * US_PER_MS;
}
