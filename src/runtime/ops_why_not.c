#include <string.h>

#include "core/capture.h"
#include "core/why_not.h"
#include "runtime/what_if.h"
#include "target/lookup.h"

enum { ROWS_MAX = 5, ROUNDS_MAX = 12 };

/* The id of the subject: "schema.table/id" or the id alone. */
static enum status
subject_id(const struct feature *f, const char *subject, const char **out,
           struct error *err)
{
    size_t n = strlen(f->subject_table);
    const char *slash = strchr(subject, '/');

    if (strncmp(subject, f->subject_table, n) == 0 && subject[n] == '/') {
        *out = subject + n + 1;
        return OK;
    }
    if (slash && memchr(subject, '.', (size_t)(slash - subject))) {
        (void)error_hint(err, "give an id of %s", f->subject_table);
        return fail(err, E_INVALID, "%s is about %s, not about %.*s", f->key,
                    f->subject_table, (int)(slash - subject), subject);
    }
    *out = subject;
    return OK;
}

static enum status
enrolment_load(struct what_if *w, const struct subject *s, const char *row_key,
               struct enrolment *out, struct error *err)
{
    struct enrolment_row row = {0};
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(w->rt), false, &tx, err);

    if (rc == OK)
        rc = enrolment_get(tx, w->workspace_id, w->row.id, s->key, &row, err);
    *out = (struct enrolment){.entries = row.entries,
                              .last_entered_us = row.last_entered_us,
                              .matched = row.matched};
    if (rc == OK && w->f->backfill && row_key)
        rc = run_of_row_any(tx, w->row.id, row_key, &out->row_entered, err);
    return rc;
}

static enum status
decide(struct what_if *w, const struct event *e, struct decision *d,
       struct enrolment *enrolment, struct error *err)
{
    struct facts *facts = facts_new(w->a);
    struct decide_env env = {.a = w->a,
                             .facts = facts,
                             .now_us = runtime_now_us(w->rt),
                             .holdout = w->holdout,
                             .want_trace = true};
    bool paused = strcmp(w->row.status, "active") != 0, needs = true;
    struct subject s = {0};
    enum status rc = facts ? OK : fail(err, E_NOMEM, "facts");

    for (int i = 0; rc == OK && needs && i < ROUNDS_MAX; i++) {
        rc = subject_resolve(&env, w->f, e, &s, &needs, err);
        if (rc == OK && !needs && s.key)
            rc = enrolment_load(w, &s, e->key, enrolment, err);
        if (rc == OK && !needs)
            rc = decide_entry(&env, w->f, paused, e, &s, enrolment, d, err);
        needs = needs || d->needs_facts;
        if (rc == OK && needs)
            rc = what_if_facts(w, w->a, facts, err);
    }
    return rc;
}

static enum status
row_json(struct what_if *w, const struct scanned_row *row, struct json **out,
         struct error *err)
{
    struct event e = {.workspace = w->workspace_id,
                      .integration = w->in.id,
                      .table = w->f->table,
                      .op = w->f->op,
                      .key = row->key,
                      .record = row->record,
                      .occurred_us = runtime_now_us(w->rt)};
    struct enrolment enrolment = {0};
    struct decision d = {0};
    struct json *o = json_object(w->a);
    enum status rc = decide(w, &e, &d, &enrolment, err);

    if (rc != OK)
        return rc;
    o = op_put_string(w->a, o, "row", row->key);
    o = op_put_string(w->a, o, "verdict", verdict_name(d.verdict));
    o = op_put_string(w->a, o, "meaning", verdict_meaning(d.verdict));
    o = json_put(w->a, o, "detail", d.detail);
    o = json_put(w->a, o, "changes",
                 why_not_changes(w->a, w->f, &d, &enrolment, row->record));
    *out = o;
    return o ? OK : fail(err, E_NOMEM, "why not");
}

static enum status
rows_json(struct what_if *w, const char *id, struct json **out,
          struct error *err)
{
    struct scanned_row *rows = NULL;
    const char **columns = NULL;
    size_t n_columns = 0, n = 0;
    enum status rc =
        scan_columns(w->a, w->catalog, w->f, &columns, &n_columns, err);

    *out = json_array(w->a);
    if (rc == OK)
        rc = what_if_target(w, err);
    if (rc == OK)
        rc = lookup_rows_of(w->t, w->a, w->catalog, w->f->table,
                            &w->f->subject_id, id, columns, n_columns, ROWS_MAX,
                            &rows, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *one = NULL;
        rc = row_json(w, &rows[i], &one, err);
        *out = json_push(w->a, *out, one);
    }
    return rc;
}

/* Runs of the subject in this feature, and what was decided last. */
static enum status
past_json(struct what_if *w, const char *subject_key, struct json *o,
          struct error *err)
{
    struct log_filter filter = {.workspace_id = w->workspace_id,
                                .feature_key = w->row.key,
                                .subject_key = subject_key,
                                .limit = ROWS_MAX};
    struct json *runs = json_array(w->a), *past = json_array(w->a);
    struct decision_row *decisions = NULL;
    struct run_row *rows = NULL;
    size_t n = 0;
    AUTO_TX tx = NULL;

    enum status rc = store_begin(runtime_store(w->rt), false, &tx, err);
    if (rc == OK)
        rc = runs_of_journey(tx, w->a, w->workspace_id, subject_key, &rows, &n,
                             err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        if (strcmp(rows[i].feature_id, w->row.id) != 0)
            continue;
        struct json *r = json_object(w->a);
        r = op_put_string(w->a, r, "state", rows[i].state);
        r = op_put_string(w->a, r, "status", rows[i].status);
        r = op_put_time(w->a, r, "entered_at", rows[i].entered_us);
        r = op_put_time(w->a, r, "due_at", rows[i].due_us);
        runs = json_push(w->a, runs, r);
    }
    if (rc == OK)
        rc = decisions_list(tx, w->a, &filter, &decisions, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *d = json_object(w->a);
        d = op_put_string(w->a, d, "verdict", decisions[i].verdict);
        d = op_put_time(w->a, d, "at", decisions[i].at_us);
        d = op_put_string(w->a, d, "event_id", decisions[i].event_id);
        past = json_push(w->a, past, d);
    }
    o = json_put(w->a, o, "runs", runs);
    o = json_put(w->a, o, "decisions", past);
    return rc == OK && !o ? fail(err, E_NOMEM, "why not") : rc;
}

static const char *
trigger_text(struct what_if *w)
{
    AUTO_BUF text = buf_new(4096);

    trigger_words(&text, w->f);
    return buf_ok(&text) ? arena_strdup(w->a, text.data) : NULL;
}

enum status
op_why_not(struct runtime *rt, struct arena *a, const char *workspace_id,
           const char *subject, const char *feature_key, struct json **out,
           struct error *err)
{
    AUTO_WHAT_IF w = {0};
    const char *id = NULL;
    struct json *rows = NULL, *o = json_object(a);
    enum status rc =
        what_if_load(rt, a, workspace_id, feature_key, NULL, &w, err);

    if (rc == OK)
        rc = subject_id(w.f, subject, &id, err);
    if (rc == OK)
        rc = rows_json(&w, id, &rows, err);
    if (rc != OK)
        return rc;
    const char *key = arena_printf(a, "%s/%s", w.f->subject_table, id);
    o = op_put_string(a, o, "subject", key);
    o = op_put_string(a, o, "feature", w.row.key);
    o = op_put_string(a, o, "status", w.row.status);
    o = op_put_string(a, o, "trigger", trigger_text(&w));
    o = op_put_string(a, o, "table", w.f->table);
    o = json_put(a, o, "rows", rows);
    if (!o || !key)
        return fail(err, E_NOMEM, "why not");
    *out = o;
    return past_json(&w, key, o, err);
}
