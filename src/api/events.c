/* The log: events with their verdicts, decisions, explanations. */
#include "api/route.h"
#include "runtime/ops.h"

struct json *
event_json(struct arena *a, const struct event_row *e, bool record)
{
    struct json *j = json_object(a);

    json_put(a, j, "id", json_maybe(a, e->id));
    json_put(a, j, "type", json_maybe(a, e->type));
    json_put(a, j, "key", json_maybe(a, e->key));
    json_put(a, j, "integration", json_maybe(a, e->integration_id));
    json_put(a, j, "transport", json_maybe(a, e->transport));
    json_put(a, j, "occurred_at", json_time(a, e->occurred_us));
    json_put(a, j, "received_at", json_time(a, e->received_us));
    if (!record)
        return j;
    json_put(a, j, "record", json_embed(a, e->record));
    return json_put(a, j, "old", json_embed(a, e->old));
}

struct json *
decision_json(struct arena *a, const struct decision_row *d, bool detail)
{
    struct json *j = json_object(a);

    json_put(a, j, "id", json_maybe(a, d->id));
    json_put(a, j, "event_id", json_maybe(a, d->event_id));
    json_put(a, j, "feature", json_maybe(a, d->feature_key));
    json_put(a, j, "version", json_integer(a, d->version));
    json_put(a, j, "verdict", json_maybe(a, d->verdict));
    json_put(a, j, "subject", json_maybe(a, d->subject_key));
    json_put(a, j, "run", json_maybe(a, d->run_id));
    json_put(a, j, "at", json_time(a, d->at_us));
    return detail ? json_put(a, j, "detail", json_embed(a, d->detail)) : j;
}

static enum status
decisions_put(struct call *c, struct store_tx *tx, const char *event_id,
              bool detail, struct json *event, struct error *err)
{
    struct decision_row *rows = NULL;
    size_t n = 0;
    enum status rc =
        decisions_of_event(tx, c->a, c->workspace_id, event_id, &rows, &n, err);
    struct json *list = json_array(c->a);

    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(c->a, list, decision_json(c->a, &rows[i], detail));
    json_put(c->a, event, "decisions", list);
    return rc;
}

enum status
event_all(struct call *c, struct answer *out, struct error *err)
{
    struct log_filter filter = {0};
    AUTO_TX tx = NULL;
    struct event_row *rows = NULL;
    size_t n = 0;
    enum status rc = call_filter(c, &filter, err);

    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = events_list(tx, c->a, &filter, &rows, &n, err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *j = event_json(c->a, &rows[i], false);
        rc = decisions_put(c, tx, rows[i].id, false, j, err);
        json_push(c->a, data, j);
    }
    return rc == OK ? page_answer(c, data, filter.limit,
                                  n ? rows[n - 1].id : NULL, out, err)
                    : rc;
}

enum status
event_one(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct event_row row = {0};
    enum status rc = call_id(c, err);

    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = event_get(tx, c->a, c->workspace_id, c->param, &row, err);
    if (rc != OK)
        return rc;
    out->json = event_json(c->a, &row, true);
    return decisions_put(c, tx, row.id, true, out->json, err);
}

enum status
event_explain(struct call *c, struct answer *out, struct error *err)
{
    enum status rc = call_id(c, err);

    return rc == OK ? op_explain(c->rt, c->a, c->workspace_id, c->param,
                                 call_query(c, "feature"), &out->json, err)
                    : rc;
}

enum status
decision_all(struct call *c, struct answer *out, struct error *err)
{
    struct log_filter filter = {0};
    AUTO_TX tx = NULL;
    struct decision_row *rows = NULL;
    size_t n = 0;
    enum status rc = call_filter(c, &filter, err);

    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = decisions_list(tx, c->a, &filter, &rows, &n, err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(c->a, data, decision_json(c->a, &rows[i], false));
    return rc == OK ? page_answer(c, data, filter.limit,
                                  n ? rows[n - 1].id : NULL, out, err)
                    : rc;
}
