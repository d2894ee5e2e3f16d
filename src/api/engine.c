/* engine.yaml in and out, and what holds for all features. */
#include <string.h>

#include "api/route.h"
#include "codec/yaml.h"
#include "runtime/ops.h"

enum { YAML_MAX_BYTES = 8 * 1024 * 1024 };

enum status
engine_export(struct call *c, struct answer *out, struct error *err)
{
    const char *format = call_query(c, "format");
    AUTO_BUF text = buf_new(YAML_MAX_BYTES);
    struct json *engine = NULL;
    enum status rc =
        op_engine_export(c->rt, c->a, c->workspace_id, &engine, err);

    if (rc != OK)
        return rc;
    if (format && strcmp(format, "json") == 0) {
        out->json = engine;
        return OK;
    }
    yaml_write(&text, engine);
    rc = buf_check(&text, "engine.yaml", err);
    out->content_type = "application/yaml";
    out->body = rc == OK ? arena_strndup(c->a, text.data, text.len) : NULL;
    out->body_n = text.len;
    return rc == OK && !out->body ? fail(err, E_NOMEM, "engine.yaml") : rc;
}

enum status
engine_import(struct call *c, struct answer *out, struct error *err)
{
    const char *dry = call_query(c, "dry");

    return op_engine_import(c->rt, c->a, c->workspace_id, c->req->body,
                            c->req->body_n, dry && strcmp(dry, "false") != 0,
                            &out->json, err);
}

enum status
workspace_show(struct call *c, struct answer *out, struct error *err)
{
    return op_workspace(c->rt, c->a, c->workspace_id, NULL, &out->json, err);
}

enum status
workspace_change(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    enum status rc = call_body(c, &body, err);

    return rc == OK ? op_workspace(c->rt, c->a, c->workspace_id, body,
                                   &out->json, err)
                    : rc;
}
