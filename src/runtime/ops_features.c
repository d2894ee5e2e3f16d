#include <stdio.h>
#include <string.h>

#include "runtime/ops_parts.h"
#include "runtime/parts.h"

enum { DOCUMENT_MAX_BYTES = 1024 * 1024 };

static struct json *
runs_json(struct arena *a, const struct run_count *counts, size_t n,
          const char *feature_id)
{
    struct json *o = json_object(a);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(counts[i].feature_id, feature_id) != 0)
            continue;
        const char *key =
            strcmp(counts[i].status, "active") == 0
                ? counts[i].state
                : arena_printf(a, "%s:%s", counts[i].state, counts[i].status);
        if (key)
            o = op_put_int(a, o, key, counts[i].n);
    }
    return o;
}

static enum status
feature_json(struct arena *a, const struct feature_row *row,
             const struct run_count *counts, size_t n_counts, bool whole,
             struct json **out, struct error *err)
{
    struct json *doc = NULL, *o = json_object(a);
    struct feature *f = NULL;
    enum status rc = json_parse(a, row->document, strlen(row->document),
                                DOCUMENT_MAX_BYTES, &doc, err);

    if (rc == OK)
        rc = feature_parse(a, doc, &f, err);
    if (rc != OK)
        return error_wrap(err, "feature %s", row->key);
    o = op_put_string(a, o, "id", row->id);
    o = op_put_string(a, o, "key", row->key);
    o = op_put_string(a, o, "name", row->name);
    o = op_put_string(a, o, "description", f->description);
    o = op_put_string(a, o, "status", row->status);
    o = op_put_int(a, o, "version", row->version);
    o = op_put_string(a, o, "stage", stage_name(f->stage));
    o = op_put_string(a, o, "source", feature_source(a, f));
    o = op_put_string(a, o, "table", f->table);
    o = op_put_string(a, o, "integration_id", row->integration_id);
    o = json_put(a, o, "runs", runs_json(a, counts, n_counts, row->id));
    o = op_put_time(a, o, "created_at", row->created_us);
    o = op_put_time(a, o, "updated_at", row->updated_us);
    if (whole)
        o = json_put(a, o, "document", doc);
    *out = o;
    return o ? OK : fail(err, E_NOMEM, "feature %s", row->key);
}

static enum status
list_json(struct store_tx *tx, struct arena *a, const char *workspace_id,
          const struct run_count *counts, size_t n_counts, struct json **out,
          struct error *err)
{
    struct feature_row *rows = NULL;
    size_t n = 0;
    struct json *data = json_array(a);
    enum status rc = feature_list(tx, a, workspace_id, &rows, &n, err);

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *one = NULL;
        rc = feature_json(a, &rows[i], counts, n_counts, false, &one, err);
        data = json_push(a, data, one);
    }
    *out = json_put(a, json_object(a), "data", data);
    return rc == OK && !*out ? fail(err, E_NOMEM, "features") : rc;
}

enum status
op_feature(struct runtime *rt, struct arena *a, const char *workspace_id,
           const char *key, struct json **out, struct error *err)
{
    struct run_count *counts = NULL;
    struct feature_row row;
    size_t n = 0;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = runs_count(tx, a, workspace_id, &counts, &n, err);
    if (rc == OK && !key)
        return list_json(tx, a, workspace_id, counts, n, out, err);
    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    return rc == OK ? feature_json(a, &row, counts, n, true, out, err) : rc;
}

static enum status
store_feature(struct runtime *rt, struct arena *a,
              const struct feature_row *row, struct feature_row *stored,
              struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    if (rc == OK)
        rc = feature_put(tx, a, row, runtime_now_us(rt), stored, err);
    return rc == OK ? op_commit(rt, &tx, err) : rc;
}

enum status
op_feature_put(struct runtime *rt, struct arena *a, const char *workspace_id,
               const char *integration_id, const char *text, size_t n,
               struct json **out, struct error *err)
{
    struct integration in;
    struct catalog *c = NULL;
    struct feature *f = NULL;
    struct feature_row stored;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK)
        rc = op_catalog(a, &in, &c, err);
    if (rc == OK)
        rc = feature_parse_text(a, text, n, &f, err);
    if (rc == OK)
        rc = feature_check(c, f, err);
    if (rc != OK)
        return rc;
    struct feature_row row = {.workspace_id = workspace_id,
                              .integration_id = in.id,
                              .key = f->key,
                              .name = f->name,
                              .document =
                                  json_text(a, feature_to_json(a, f, c))};
    if (!row.document)
        return fail(err, E_NOMEM, "feature %s", f->key);
    rc = store_feature(rt, a, &row, &stored, err);
    return rc == OK ? feature_json(a, &stored, NULL, 0, true, out, err) : rc;
}

/* Has what the active features need been deployed? */
static bool
pending_deploy(struct runtime *rt, struct arena *a, const char *workspace_id,
               const char *integration_id)
{
    struct plan *plan = NULL;
    struct error err = {0};

    return op_plan(rt, a, workspace_id, integration_id, NULL, &plan, &err) !=
               OK ||
           plan->n_changes > 0;
}

/* Runs end with an archived feature, and at a pause that says so. */
static enum status
runs_end(struct runtime *rt, struct arena *a, const struct feature_row *row,
         const char *status, struct error *err)
{
    struct feature *f = NULL;

    if (strcmp(status, "archived") == 0)
        return op_runs_end(rt, a, row->workspace_id, row->key,
                           "the feature is archived", err);
    if (strcmp(status, "paused") != 0)
        return OK;
    enum status rc =
        feature_parse_text(a, row->document, strlen(row->document), &f, err);
    return rc == OK && f->on_pause == PAUSE_EXIT
               ? op_runs_end(rt, a, row->workspace_id, row->key,
                             "the feature is paused", err)
               : rc;
}

static enum status
message_missing(struct store_tx *tx, struct arena *a,
                const struct feature_row *row, const struct effect *e,
                struct json **list, struct error *err)
{
    const char *key = e->template ? e->template : row->key;
    struct message_row message;
    struct error none = {0};

    if (e->kind != EFFECT_EMAIL)
        return OK;
    enum status rc =
        message_get(tx, a, row->workspace_id, key, &message, &none);
    if (rc == E_NOTFOUND)
        *list = json_push(a, *list, json_string(a, key));
    return rc == OK || rc == E_NOTFOUND
               ? OK
               : fail(err, rc, "message %s: %s", key, none.msg);
}

static enum status
missing_in(struct store_tx *tx, struct arena *a, const struct feature_row *row,
           const struct state *s, struct json **list, struct error *err)
{
    enum status rc = OK;

    for (size_t t = 0; rc == OK && t < s->n_transitions; t++)
        for (size_t e = 0; rc == OK && e < s->transitions[t].n_effects; e++)
            rc = message_missing(tx, a, row, &s->transitions[t].effects[e],
                                 list, err);
    return rc;
}

/* Templates that its mails name and nobody has stored yet. */
static enum status
messages_missing(struct runtime *rt, struct arena *a,
                 const struct feature_row *row, struct json **out,
                 struct error *err)
{
    struct feature *f = NULL;
    AUTO_TX tx = NULL;
    enum status rc =
        feature_parse_text(a, row->document, strlen(row->document), &f, err);

    *out = json_array(a);
    if (rc == OK)
        rc = store_begin(runtime_store(rt), false, &tx, err);
    for (size_t s = 0; rc == OK && s < f->n_states; s++)
        rc = missing_in(tx, a, row, &f->states[s], out, err);
    return rc;
}

enum status
op_feature_status(struct runtime *rt, struct arena *a, const char *workspace_id,
                  const char *key, const char *status, struct json **out,
                  struct error *err)
{
    struct feature_row row;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc == OK)
        rc = feature_set_status(tx, workspace_id, key, status,
                                runtime_now_us(rt), err);
    if (rc == OK)
        rc = op_commit(rt, &tx, err);
    if (rc == OK)
        rc = runs_end(rt, a, &row, status, err);
    if (rc == OK)
        rc = op_feature(rt, a, workspace_id, key, out, err);
    if (rc == OK)
        *out = op_put_bool(
            a, *out, "pending_deploy",
            pending_deploy(rt, a, workspace_id, row.integration_id));
    struct json *missing = NULL;
    if (rc == OK && strcmp(status, "active") == 0)
        rc = messages_missing(rt, a, &row, &missing, err);
    if (rc == OK && missing)
        *out = json_put(a, *out, "messages_missing", missing);
    return rc;
}
