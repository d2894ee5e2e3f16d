#include <string.h>

#include "api/route.h"

static struct json *
run_json(struct arena *a, const struct run_row *r, const char *feature)
{
    const struct {
        const char *key, *value;
    } texts[] = {
        {"id", r->id},
        {"feature", feature},
        {"state", r->state},
        {"status", r->status},
        {"row", r->row_key},
        {"row_table", r->row_table},
        {"event_id", r->event_id},
    };
    struct json *j = json_object(a);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_put(a, j, texts[i].key, json_maybe(a, texts[i].value));
    json_put(a, j, "version", json_integer(a, r->version));
    json_put(a, j, "entered_at", json_time(a, r->entered_us));
    json_put(a, j, "state_entered_at", json_time(a, r->state_entered_us));
    return json_put(a, j, "due_at", json_time(a, r->due_us));
}

static const char *
feature_key_of(const struct feature_row *features, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(features[i].id, id) == 0)
            return features[i].key;
    return NULL;
}

static enum status
runs_put(struct call *c, struct store_tx *tx, struct json *out,
         struct error *err)
{
    struct run_row *runs = NULL;
    struct feature_row *features = NULL;
    size_t n = 0, n_features = 0;
    enum status rc =
        runs_of_journey(tx, c->a, c->workspace_id, c->param, &runs, &n, err);

    if (rc == OK)
        rc = feature_list(tx, c->a, c->workspace_id, &features, &n_features,
                          err);
    struct json *list = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(
            c->a, list,
            run_json(c->a, &runs[i],
                     feature_key_of(features, n_features, runs[i].feature_id)));
    json_put(c->a, out, "runs", list);
    return rc;
}

/* Actions of the subject's runs: what reached, or will reach, the person. */
static enum status
actions_put(struct call *c, struct store_tx *tx, const struct json *runs,
            struct json *out, size_t limit, struct error *err)
{
    struct json *list = json_array(c->a);
    enum status rc = OK;

    for (uint32_t i = 0; runs && rc == OK && i < runs->n; i++) {
        struct action_row *rows = NULL;
        size_t n = 0;
        rc = actions_list(tx, c->a, c->workspace_id, NULL, NULL,
                          json_get_str(runs->items[i], "id", ""), NULL, limit,
                          &rows, &n, err);
        for (size_t k = 0; rc == OK && k < n; k++)
            json_push(c->a, list, action_json(c->a, &rows[k]));
    }
    json_put(c->a, out, "actions", list);
    return rc;
}

enum status
subject_timeline(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct log_filter filter = {0};
    struct decision_row *rows = NULL;
    const char *stage = NULL;
    size_t n = 0;
    enum status rc = call_filter(c, &filter, err);

    filter.subject_key = c->param;
    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = stage_get(tx, c->a, c->workspace_id, c->param, &stage, err);
    out->json = json_put(c->a, json_object(c->a), "subject",
                         json_maybe(c->a, c->param));
    json_put(c->a, out->json, "stage", json_maybe(c->a, stage));
    if (rc == OK)
        rc = runs_put(c, tx, out->json, err);
    if (rc == OK)
        rc = actions_put(c, tx, json_get(out->json, "runs"), out->json,
                         filter.limit, err);
    if (rc == OK)
        rc = decisions_list(tx, c->a, &filter, &rows, &n, err);
    struct json *list = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(c->a, list, decision_json(c->a, &rows[i], false));
    json_put(c->a, out->json, "decisions", list);
    json_put(c->a, out->json, "next_cursor",
             n && n >= filter.limit ? json_string(c->a, rows[n - 1].id)
                                    : json_null(c->a));
    return rc;
}
