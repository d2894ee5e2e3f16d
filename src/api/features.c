#include <string.h>

#include "api/route.h"
#include "core/diagram.h"
#include "runtime/ops.h"

enum status
feature_all(struct call *c, struct answer *out, struct error *err)
{
    return op_feature(c->rt, c->a, c->workspace_id, NULL, &out->json, err);
}

enum status
feature_one(struct call *c, struct answer *out, struct error *err)
{
    return op_feature(c->rt, c->a, c->workspace_id, c->param, &out->json, err);
}

/* The body is the document itself, YAML or JSON: what users keep in git. */
enum status
feature_create(struct call *c, struct answer *out, struct error *err)
{
    const char *name = call_query(c, "integration");
    struct integration in = {0};
    enum status rc = OK;

    if (name)
        rc = op_integration_pick(c->rt, c->a, c->workspace_id, name, &in, err);
    return rc == OK
               ? op_feature_put(c->rt, c->a, c->workspace_id, in.id,
                                c->req->body, c->req->body_n, &out->json, err)
               : rc;
}

static enum status
status_set(struct call *c, const char *status, struct answer *out,
           struct error *err)
{
    return op_feature_status(c->rt, c->a, c->workspace_id, c->param, status,
                             &out->json, err);
}

enum status
feature_activate(struct call *c, struct answer *out, struct error *err)
{
    return status_set(c, "active", out, err);
}

enum status
feature_pause(struct call *c, struct answer *out, struct error *err)
{
    return status_set(c, "paused", out, err);
}

enum status
feature_archive(struct call *c, struct answer *out, struct error *err)
{
    return status_set(c, "archived", out, err);
}

enum status
feature_backfill(struct call *c, struct answer *out, struct error *err)
{
    return op_backfill(c->rt, c->a, c->workspace_id, c->param, &out->json, err);
}

static const struct format_row {
    const char *name, *type;
    void (*write)(struct buf *out, const struct feature *f);
} formats[] = {
    {"svg", "image/svg+xml", diagram_svg},
    {"mermaid", "text/plain; charset=utf-8", diagram_mermaid},
    {"text", "text/plain; charset=utf-8", diagram_text},
};

static const struct format_row *
format_find(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

enum status
feature_diagram(struct call *c, struct answer *out, struct error *err)
{
    const char *name = call_query(c, "format");
    const struct format_row *format = format_find(name ? name : "svg");
    AUTO_BUF b = buf_new((size_t)1024 * 1024);
    AUTO_TX tx = NULL;
    struct feature_row row = {0};
    struct feature *f = NULL;

    if (!format) {
        enum status rc =
            fail(err, E_INVALID, "format must be svg, mermaid or text");
        (void)error_field(err, "format");
        return rc;
    }
    enum status rc = call_begin(c, false, &tx, err);
    if (rc == OK)
        rc = feature_get(tx, c->a, c->workspace_id, c->param, &row, err);
    if (rc == OK)
        rc = feature_parse_text(c->a, row.document, strlen(row.document), &f,
                                err);
    if (rc != OK)
        return rc;
    format->write(&b, f);
    rc = buf_check(&b, "diagram", err);
    out->content_type = format->type;
    out->body = arena_strndup(c->a, b.data, b.len);
    out->body_n = b.len;
    return rc == OK && !out->body ? fail(err, E_NOMEM, "diagram") : rc;
}
