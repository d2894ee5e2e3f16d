/* The dev inbox, analytics events and message templates. */
#include <string.h>

#include "api/route.h"
#include "core/template.h"

struct json *
mail_json(struct arena *a, const struct mail_row *m, bool body)
{
    struct json *j = json_object(a);

    json_put(a, j, "id", json_maybe(a, m->id));
    json_put(a, j, "from", json_maybe(a, m->sender));
    json_put(a, j, "to", json_maybe(a, m->recipient));
    json_put(a, j, "subject", json_maybe(a, m->subject));
    json_put(a, j, "at", json_time(a, m->at_us));
    if (!body)
        return j;
    json_put(a, j, "headers", json_embed(a, m->headers));
    json_put(a, j, "html", json_maybe(a, m->html));
    return json_put(a, j, "text", json_maybe(a, m->text));
}

enum status
inbox_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    const char *cursor = NULL;
    struct mail_row *rows = NULL;
    size_t n = 0, limit = 0;
    enum status rc = call_limit(c, &limit, err);

    if (rc == OK)
        rc = call_cursor(c, &cursor, err);
    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = inbox_list(tx, c->a, c->workspace_id, cursor, limit, &rows, &n,
                        err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++)
        json_push(c->a, data, mail_json(c->a, &rows[i], false));
    return rc == OK ? page_answer(c, data, limit, n ? rows[n - 1].id : NULL,
                                  out, err)
                    : rc;
}

enum status
inbox_one(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct mail_row row = {0};
    enum status rc = call_id(c, err);

    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = inbox_get(tx, c->a, c->workspace_id, c->param, &row, err);
    out->json = mail_json(c->a, &row, true);
    return rc;
}

enum status
track_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    const char *cursor = NULL;
    struct track_row *rows = NULL;
    size_t n = 0, limit = 0;
    enum status rc = call_limit(c, &limit, err);

    if (rc == OK)
        rc = call_cursor(c, &cursor, err);
    if (rc == OK)
        rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = tracks_list(tx, c->a, c->workspace_id, cursor, limit, &rows, &n,
                         err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *j = json_object(c->a);
        json_put(c->a, j, "id", json_maybe(c->a, rows[i].id));
        json_put(c->a, j, "event", json_maybe(c->a, rows[i].event));
        json_put(c->a, j, "subject", json_maybe(c->a, rows[i].subject_key));
        json_put(c->a, j, "at", json_time(c->a, rows[i].at_us));
        json_put(c->a, j, "properties", json_embed(c->a, rows[i].properties));
        json_push(c->a, data, j);
    }
    return rc == OK ? page_answer(c, data, limit, n ? rows[n - 1].id : NULL,
                                  out, err)
                    : rc;
}

static struct json *
message_json(struct arena *a, const struct message_row *m)
{
    struct json *j = json_object(a);

    json_put(a, j, "key", json_maybe(a, m->key));
    json_put(a, j, "subject", json_maybe(a, m->subject));
    json_put(a, j, "body", json_maybe(a, m->body));
    return json_put(a, j, "updated_at", json_time(a, m->updated_us));
}

enum status
message_one(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct message_row row = {0};
    enum status rc = call_begin(c, false, &tx, err);

    if (rc == OK)
        rc = message_get(tx, c->a, c->workspace_id, c->param, &row, err);
    out->json = message_json(c->a, &row);
    return rc;
}

static bool
key_valid(const char *key)
{
    size_t n = strlen(key);

    return n > 0 && n <= 64 &&
           strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* The body is the file as it lies in git: front matter, then Markdown. */
enum status
message_upload(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct message m = {0};

    if (!key_valid(c->param)) {
        enum status bad = fail(err, E_INVALID,
                               "a message key is 1 to 64 of a-z 0-9 - _, "
                               "got '%s'",
                               c->param);
        (void)error_field(err, "key");
        return bad;
    }
    enum status rc =
        message_parse(c->a, c->param, c->req->body, c->req->body_n, &m, err);
    struct template *checked = NULL;
    if (rc == OK)
        rc = template_parse(c->a, m.subject, strlen(m.subject), &checked, err);
    if (rc == OK)
        rc = template_parse(c->a, m.body, strlen(m.body), &checked, err);
    if (rc == OK)
        rc = call_begin(c, true, &tx, err);
    struct message_row row = {
        .workspace_id = c->workspace_id,
        .key = c->param,
        .subject = m.subject,
        .body = m.body,
        .updated_us = runtime_now_us(c->rt),
    };
    if (rc == OK)
        rc = message_put(tx, &row, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    out->json = message_json(c->a, &row);
    return store_commit(whole, err);
}
