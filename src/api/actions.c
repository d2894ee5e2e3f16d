#include <string.h>

#include "api/route.h"
#include "runtime/ops.h"

struct json *
action_json(struct arena *a, const struct action_row *r)
{
    const struct {
        const char *key, *value;
    } texts[] = {
        {"id", r->id},
        {"key", r->key},
        {"kind", r->kind},
        {"status", r->status},
        {"verdict", r->verdict},
        {"feature", r->feature_key},
        {"subject", r->subject_key},
        {"address", r->address},
        {"event_id", r->event_id},
        {"run", r->run_id},
        {"provider_id", r->provider_id},
        {"last_error", r->last_error},
    };
    struct json *j = json_object(a);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_put(a, j, texts[i].key, json_maybe(a, texts[i].value));
    json_put(a, j, "version", json_integer(a, r->version));
    json_put(a, j, "attempts", json_integer(a, r->attempts));
    json_put(a, j, "created_at", json_time(a, r->created_us));
    json_put(a, j, "due_at", json_time(a, r->due_us));
    json_put(a, j, "done_at", json_time(a, r->done_us));
    return json_put(a, j, "gates", json_embed(a, r->gates));
}

static bool
status_known(const char *status)
{
    static const char *const known[] = {"pending", "succeeded", "failed",
                                        "skipped"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], status) == 0)
            return true;
    return false;
}

enum status
action_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    const char *status = call_query(c, "status"), *cursor = NULL;
    struct action_row *rows = NULL;
    size_t n = 0, limit = 0;
    enum status rc = call_limit(c, &limit, err);

    if (rc == OK)
        rc = call_cursor(c, &cursor, err);
    if (rc == OK && status && !status_known(status)) {
        rc = fail(err, E_INVALID,
                  "status must be pending, succeeded, failed "
                  "or skipped, got '%s'",
                  status);
        (void)error_field(err, "status");
    }
    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = actions_list(tx, c->a, c->workspace_id, status,
                          call_query(c, "event"), call_query(c, "run"), cursor,
                          limit, &rows, &n, err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(c->a, data, action_json(c->a, &rows[i]));
    return rc == OK ? page_answer(c, data, limit, n ? rows[n - 1].id : NULL,
                                  out, err)
                    : rc;
}

static struct json *
attempt_json(struct arena *a, const struct attempt_row *r)
{
    struct json *j = json_object(a);

    json_put(a, j, "number", json_integer(a, r->number));
    json_put(a, j, "at", json_time(a, r->at_us));
    json_put(a, j, "latency_us", json_integer(a, r->latency_us));
    json_put(a, j, "code", json_integer(a, r->code));
    json_put(a, j, "outcome", json_maybe(a, r->outcome));
    json_put(a, j, "message", json_maybe(a, r->message));
    return json_put(a, j, "response", json_maybe(a, r->response));
}

static enum status
one(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct action_row row = {0};
    struct attempt_row *attempts = NULL;
    size_t n = 0;
    enum status rc = call_begin(c, false, &tx, err);

    if (rc == OK)
        rc = action_get(tx, c->a, c->workspace_id, c->param, &row, err);
    if (rc == OK)
        rc = attempts_of(tx, c->a, c->param, &attempts, &n, err);
    if (rc != OK)
        return rc;
    out->json = action_json(c->a, &row);
    json_put(c->a, out->json, "payload", json_embed(c->a, row.payload));
    struct json *list = json_array(c->a);
    for (size_t i = 0; i < n; i++)
        json_push(c->a, list, attempt_json(c->a, &attempts[i]));
    json_put(c->a, out->json, "tries", list);
    return OK;
}

enum status
action_one(struct call *c, struct answer *out, struct error *err)
{
    enum status rc = call_id(c, err);

    return rc == OK ? one(c, out, err) : rc;
}

enum status
action_retry_all(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    int64_t n = 0;
    enum status rc = call_body(c, &body, err);

    if (rc == OK)
        rc = op_actions_retry_all(c->rt, c->a, c->workspace_id,
                                  json_get_str(body, "feature", NULL), &n, err);
    out->json =
        json_put(c->a, json_object(c->a), "put_back", json_integer(c->a, n));
    return rc;
}

enum status
action_retry(struct call *c, struct answer *out, struct error *err)
{
    enum status rc = call_id(c, err);

    if (rc == OK)
        rc = op_action_retry(c->rt, c->a, c->workspace_id, c->param, err);
    return rc == OK ? one(c, out, err) : rc;
}
