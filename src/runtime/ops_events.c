#include <string.h>

#include "codec/text.h"
#include "core/decide.h"
#include "runtime/ops_parts.h"
#include "runtime/parts.h"

static struct json *
attempts_json(struct store_tx *tx, struct arena *a, const char *action_id)
{
    struct attempt_row *rows = NULL;
    size_t n = 0;
    struct json *list = json_array(a);

    if (attempts_of(tx, a, action_id, &rows, &n, NULL) != OK)
        return list;
    for (size_t i = 0; i < n; i++) {
        struct json *o = json_object(a);
        o = op_put_int(a, o, "number", rows[i].number);
        o = op_put_time(a, o, "at", rows[i].at_us);
        o = op_put_int(a, o, "latency_us", rows[i].latency_us);
        o = op_put_int(a, o, "code", rows[i].code);
        o = op_put_string(a, o, "outcome", rows[i].outcome);
        o = op_put_string(a, o, "message", rows[i].message);
        o = op_put_string(a, o, "response", rows[i].response);
        list = json_push(a, list, o);
    }
    return list;
}

static struct json *
action_json(struct store_tx *tx, struct arena *a, const struct action_row *x)
{
    struct json *o = json_object(a);

    o = op_put_string(a, o, "id", x->id);
    o = op_put_string(a, o, "key", x->key);
    o = op_put_string(a, o, "kind", x->kind);
    o = op_put_string(a, o, "address", x->address);
    o = op_put_string(a, o, "status", x->status);
    o = op_put_string(a, o, "verdict", x->verdict);
    o = op_put_time(a, o, "due_at", x->due_us);
    o = op_put_time(a, o, "done_at", x->done_us);
    o = op_put_string(a, o, "last_error", x->last_error);
    o = op_put_string(a, o, "provider_id", x->provider_id);
    o = op_put_text(a, o, "gates", x->gates);
    return json_put(a, o, "attempts", attempts_json(tx, a, x->id));
}

static struct json *
decision_json(struct store_tx *tx, struct arena *a,
              const struct decision_row *d, const struct action_row *actions,
              size_t n_actions)
{
    struct json *o = json_object(a), *list = json_array(a);
    enum verdict v = VERDICT_ERROR;

    for (size_t i = 0; d->run_id && i < n_actions; i++)
        if (strcmp(actions[i].run_id, d->run_id) == 0)
            list = json_push(a, list, action_json(tx, a, &actions[i]));
    o = op_put_string(a, o, "id", d->id);
    o = op_put_string(a, o, "feature", d->feature_key);
    o = op_put_int(a, o, "version", d->version);
    o = op_put_string(a, o, "verdict", d->verdict);
    o = op_put_string(a, o, "meaning",
                      verdict_parse(d->verdict, &v) ? verdict_meaning(v)
                                                    : NULL);
    o = op_put_string(a, o, "subject", d->subject_key);
    o = op_put_string(a, o, "run", d->run_id);
    o = op_put_time(a, o, "at", d->at_us);
    o = op_put_text(a, o, "detail", d->detail);
    return json_put(a, o, "actions", list);
}

static struct json *
event_json(struct arena *a, const struct event_row *e)
{
    struct json *o = json_object(a);

    o = op_put_string(a, o, "id", e->id);
    o = op_put_int(a, o, "source_id", e->source_id);
    o = op_put_string(a, o, "type", e->type);
    o = op_put_string(a, o, "key", e->key);
    o = op_put_time(a, o, "occurred_at", e->occurred_us);
    o = op_put_time(a, o, "received_at", e->received_us);
    o = op_put_string(a, o, "transport", e->transport);
    o = op_put_text(a, o, "record", e->record);
    return op_put_text(a, o, "old", e->old);
}

enum status
op_explain(struct runtime *rt, struct arena *a, const char *workspace_id,
           const char *event_id, const char *feature_key, struct json **out,
           struct error *err)
{
    struct event_row event;
    struct decision_row *decisions = NULL;
    struct action_row *actions = NULL;
    size_t n = 0, n_actions = 0;
    AUTO_TX tx = NULL;

    if (!id_valid(event_id))
        return fail(err, E_INPUT, "'%.60s' is not an event id", event_id);
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);
    if (rc == OK)
        rc = event_get(tx, a, workspace_id, event_id, &event, err);
    if (rc == OK)
        rc = decisions_of_event(tx, a, workspace_id, event_id, &decisions, &n,
                                err);
    if (rc == OK)
        rc = actions_list(tx, a, workspace_id, NULL, event_id, NULL, NULL, 1000,
                          &actions, &n_actions, err);
    if (rc != OK)
        return rc;
    struct json *list = json_array(a);
    for (size_t i = 0; i < n; i++)
        if (!feature_key || strcmp(decisions[i].feature_key, feature_key) == 0)
            list = json_push(
                a, list,
                decision_json(tx, a, &decisions[i], actions, n_actions));
    *out = json_put(a, json_object(a), "event", event_json(a, &event));
    *out = json_put(a, *out, "decisions", list);
    return *out ? OK : fail(err, E_NOMEM, "explanation");
}

static void
put_back(struct runtime *rt, struct action_row *row)
{
    row->status = "pending";
    row->attempts = 0;
    row->due_us = runtime_now_us(rt);
    row->done_us = 0;
}

enum status
op_action_retry(struct runtime *rt, struct arena *a, const char *workspace_id,
                const char *action_id, struct error *err)
{
    struct action_row row;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    if (rc == OK)
        rc = action_get(tx, a, workspace_id, action_id, &row, err);
    if (rc == OK && strcmp(row.status, "failed") != 0)
        rc = fail(err, E_CONFLICT,
                  "the action is %s; only failed ones can be "
                  "tried again",
                  row.status);
    if (rc != OK)
        return rc;
    put_back(rt, &row);
    rc = action_update(tx, &row, err);
    if (rc == OK)
        rc = op_commit(rt, &tx, err);
    return rc;
}

enum status
op_actions_retry_all(struct runtime *rt, struct arena *a,
                     const char *workspace_id, const char *feature_key,
                     int64_t *n, struct error *err)
{
    enum { PAGE = 500 };
    const char *before = NULL;
    size_t got = PAGE;
    enum status rc = OK;

    for (*n = 0; rc == OK && got == PAGE;) {
        struct action_row *rows = NULL;
        AUTO_TX tx = NULL;
        rc = store_begin(runtime_store(rt), true, &tx, err);
        if (rc == OK)
            rc = actions_list(tx, a, workspace_id, "failed", NULL, NULL, before,
                              PAGE, &rows, &got, err);
        for (size_t i = 0; rc == OK && i < got; i++) {
            before = rows[i].id;
            if (feature_key && strcmp(rows[i].feature_key, feature_key) != 0)
                continue;
            put_back(rt, &rows[i]);
            rc = action_update(tx, &rows[i], err);
            ++*n;
        }
        if (rc == OK)
            rc = op_commit(rt, &tx, err);
    }
    return rc;
}

/* ---- unsubscribe links: "<base64url of workspace|address>.<mac>" ---- */

enum { MAC_BYTES = 16 };

static void
token_mac(struct runtime *rt, const char *text, unsigned char out[SHA256_BYTES])
{
    const struct seal_key *key = &runtime_config_get(rt)->key;
    char domain[32] = "unsubscribe";
    unsigned char derived[SHA256_BYTES];

    hmac_sha256(key->bytes, sizeof(key->bytes), domain, strlen(domain),
                derived);
    hmac_sha256(derived, sizeof(derived), text, strlen(text), out);
}

const char *
unsubscribe_token(struct runtime *rt, struct arena *a, const char *workspace_id,
                  const char *address)
{
    unsigned char mac[SHA256_BYTES];
    AUTO_BUF text = buf_new(4096), token = buf_new(8192);

    buf_printf(&text, "%s|%s", workspace_id, address);
    token_mac(rt, text.data, mac);
    base64url_write(&token, text.data, text.len);
    buf_putc(&token, '.');
    base64url_write(&token, mac, MAC_BYTES);
    return buf_ok(&text) && buf_ok(&token) ? arena_strdup(a, token.data) : NULL;
}

enum status
unsubscribe_open(struct runtime *rt, struct arena *a, const char *token,
                 const char **workspace_id, const char **address,
                 struct error *err)
{
    const char *dot = strchr(token, '.');
    unsigned char *text = NULL, *mac = NULL, want[SHA256_BYTES];
    size_t text_n = 0, mac_n = 0;

    if (!dot || strlen(token) > 4096 ||
        base64_parse(a, token, (size_t)(dot - token), &text, &text_n, NULL) !=
            OK ||
        base64_parse(a, dot + 1, strlen(dot + 1), &mac, &mac_n, NULL) != OK)
        return fail(err, E_NOTFOUND, "this link is not complete");
    char *plain = arena_strndup(a, (const char *)text, text_n);
    char *bar = plain ? strchr(plain, '|') : NULL;
    if (!bar)
        return fail(err, E_NOTFOUND, "this link is not complete");
    token_mac(rt, plain, want);
    if (!secret_equal(mac, mac_n, want, MAC_BYTES))
        return fail(err, E_NOTFOUND, "this link is not ours");
    *bar = '\0';
    *workspace_id = plain;
    *address = bar + 1;
    return OK;
}
