#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "runtime/ops.h"

static struct json *
integration_json(struct arena *a, const struct integration *in)
{
    const struct {
        const char *key, *value;
    } texts[] = {
        {"id", in->id},
        {"name", in->name},
        {"kind", in->kind},
        {"access_mode", in->access_mode},
        {"transport", in->transport},
        {"status", in->status},
    };
    struct json *j = json_object(a);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_put(a, j, texts[i].key, json_maybe(a, texts[i].value));
    json_put(a, j, "deployed",
             json_boolean(a, in->epoch && in->epoch[0] != '\0'));
    json_put(a, j, "introspected", json_boolean(a, in->catalog != NULL));
    return json_put(a, j, "created_at", json_time(a, in->created_us));
}

enum status
integration_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct integration *rows = NULL;
    size_t n = 0;
    enum status rc = call_begin(c, false, &tx, err);

    if (rc == OK)
        rc = integration_list(tx, c->a, c->workspace_id, &rows, &n, err);
    if (rc != OK)
        return rc;
    struct json *data = json_array(c->a);
    for (size_t i = 0; i < n; i++)
        json_push(c->a, data, integration_json(c->a, &rows[i]));
    return page_answer(c, data, n + 1, NULL, out, err);
}

static bool
one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

enum status
integration_connect(struct call *c, struct answer *out, struct error *err)
{
    static const char *const modes[] = {"read_only", "read_write", NULL};
    static const char *const transports[] = {"drain", "push", "push_only",
                                             NULL};
    struct json *body = NULL;
    const char *url = NULL, *secret = NULL;
    enum status rc = call_body(c, &body, err);

    if (rc == OK)
        rc = body_text(body, "url", &url, err);
    if (rc != OK)
        return rc;
    const char *mode = json_get_str(body, "access_mode", "read_write");
    const char *transport = json_get_str(body, "transport", "drain");
    bool mode_known = one_of(mode, modes);
    if (!mode_known || !one_of(transport, transports)) {
        const char *field = mode_known ? "transport" : "access_mode";
        rc = fail(err, E_INVALID, "%s must be one of %s", field,
                  mode_known ? "drain, push, push_only"
                             : "read_only, read_write");
        (void)error_field(err, "%s", field);
        return rc;
    }
    rc = op_connect(c->rt, c->a, c->workspace_id,
                    json_get_str(body, "name", NULL), url, mode, transport,
                    &out->json, &secret, err);
    if (rc == OK)
        json_put(c->a, out->json, "secret", json_string(c->a, secret));
    return rc;
}

/* The path names an integration by id or by name. */
static enum status
picked(struct call *c, struct integration *out, struct error *err)
{
    return op_integration_pick(c->rt, c->a, c->workspace_id, c->param, out,
                               err);
}

enum status
integration_status(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    enum status rc = picked(c, &in, err);

    return rc == OK ? op_integration_status(c->rt, c->a, c->workspace_id, in.id,
                                            &out->json, err)
                    : rc;
}

enum status
integration_schema(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    const char *refresh = call_query(c, "refresh");
    enum status rc = picked(c, &in, err);

    return rc == OK ? op_schema(c->rt, c->a, c->workspace_id, in.id,
                                refresh && strcmp(refresh, "true") == 0,
                                &out->json, err)
                    : rc;
}

enum status
integration_rotate(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    const char *secret = NULL;
    enum status rc = picked(c, &in, err);

    if (rc == OK)
        rc =
            op_rotate_secret(c->rt, c->a, c->workspace_id, in.id, &secret, err);
    out->json =
        json_put(c->a, json_object(c->a), "secret", json_maybe(c->a, secret));
    return rc;
}

enum status
integration_adopt(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    int64_t forgotten = 0;
    enum status rc = picked(c, &in, err);

    if (rc == OK)
        rc = op_adopt(c->rt, c->a, c->workspace_id, in.id, &forgotten, err);
    out->json =
        json_put(c->a, json_object(c->a), "id", json_maybe(c->a, in.id));
    json_put(c->a, out->json, "events_forgotten",
             json_integer(c->a, forgotten));
    return rc;
}

enum status
integration_audit(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    int64_t since_us = 0;
    enum status rc = query_time(c, "since", &since_us, err);

    if (rc == OK)
        rc = picked(c, &in, err);
    return rc == OK ? op_audit(c->rt, c->a, c->workspace_id, in.id, since_us,
                               &out->json, err)
                    : rc;
}

enum status
integration_failed(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    const char *cursor = call_query(c, "cursor");
    char *end = NULL;
    long long before = cursor ? strtoll(cursor, &end, 10) : 0;
    size_t limit = 0;
    enum status rc = call_limit(c, &limit, err);

    if (rc == OK && cursor && (*end || before <= 0)) {
        rc = fail(err, E_INVALID, "cursor must be the next_cursor of a page");
        (void)error_field(err, "cursor");
    }
    if (rc == OK)
        rc = picked(c, &in, err);
    return rc == OK ? op_failed_events(c->rt, c->a, c->workspace_id, in.id,
                                       (int)limit, before, &out->json, err)
                    : rc;
}

enum status
integration_replay(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    struct json *body = NULL;
    int64_t n = 0;
    enum status rc = picked(c, &in, err);

    if (rc == OK && c->req->body_n)
        rc = call_body(c, &body, err);
    const struct json *id = json_get(body, "id");
    if (rc == OK && id && (id->kind != JSON_INT || id->integer <= 0)) {
        rc = fail(err, E_INVALID, "id must be the number of a failed event");
        (void)error_field(err, "id");
    }
    if (rc == OK)
        rc = op_failed_replay(c->rt, c->a, c->workspace_id, in.id,
                              json_int(id, 0), &n, err);
    out->json =
        json_put(c->a, json_object(c->a), "replayed", json_integer(c->a, n));
    return rc;
}

enum status
integration_disconnect(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    struct json *body = NULL;
    enum status rc = picked(c, &in, err);

    if (rc == OK && c->req->body_n)
        rc = call_body(c, &body, err);
    bool drop = json_bool(json_get(body, "drop"), false);
    if (rc == OK)
        rc = op_disconnect(c->rt, c->a, c->workspace_id, in.id, drop, err);
    out->json =
        json_put(c->a, json_object(c->a), "id", json_maybe(c->a, in.id));
    json_put(c->a, out->json, "dropped", json_boolean(c->a, drop));
    return rc;
}
