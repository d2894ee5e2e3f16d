#include <string.h>

#include "api/route.h"
#include "runtime/ops.h"

enum { DEPLOYMENTS_SHOWN = 50 };

/* Integration named in the query, or the only one. */
static enum status
picked(struct call *c, struct integration *out, struct error *err)
{
    return op_integration_pick(c->rt, c->a, c->workspace_id,
                               call_query(c, "integration"), out, err);
}

enum status
deployment_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct deployment_row *rows = NULL;
    size_t n = 0;
    enum status rc = call_begin(c, false, &tx, err);

    if (rc == OK)
        rc = deployment_list(tx, c->a, c->workspace_id, DEPLOYMENTS_SHOWN,
                             &rows, &n, err);
    if (rc != OK)
        return rc;
    struct json *data = json_array(c->a);
    for (size_t i = 0; i < n; i++) {
        struct json *j = json_object(c->a);
        json_put(c->a, j, "id", json_maybe(c->a, rows[i].id));
        json_put(c->a, j, "integration",
                 json_maybe(c->a, rows[i].integration_id));
        json_put(c->a, j, "changes", json_integer(c->a, rows[i].changes));
        json_put(c->a, j, "applied_at", json_time(c->a, rows[i].applied_us));
        json_put(c->a, j, "plan", json_embed(c->a, rows[i].plan));
        json_push(c->a, data, j);
    }
    return page_answer(c, data, n + 1, NULL, out, err);
}

static enum status
plan_make(struct call *c, struct plan **plan, struct integration *in,
          struct error *err)
{
    enum status rc = picked(c, in, err);

    return rc == OK ? op_plan(c->rt, c->a, c->workspace_id, in->id,
                              call_query(c, "also"), plan, err)
                    : rc;
}

/* The plan as JSON, with the text people read and the SQL to run by hand. */
enum status
deployment_plan(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    struct plan *plan = NULL;
    AUTO_BUF text = buf_new((size_t)2 * 1024 * 1024);
    enum status rc = plan_make(c, &plan, &in, err);

    if (rc != OK)
        return rc;
    out->json = plan_to_json(c->a, plan);
    const char *sql = call_query(c, "sql");
    plan_text(&text, plan, false, sql && strcmp(sql, "true") == 0);
    rc = buf_check(&text, "plan", err);
    if (rc == OK && json_is(out->json, JSON_OBJECT)) {
        json_put(c->a, out->json, "integration", json_maybe(c->a, in.name));
        json_put(c->a, out->json, "text",
                 json_string_n(c->a, text.data, text.len));
    }
    const char *migrations = call_query(c, "migrations");
    if (rc == OK && migrations && strcmp(migrations, "true") == 0) {
        struct json *m = NULL;
        rc = op_migrations(c->a, plan, &m, err);
        if (rc == OK)
            out->json = json_put(c->a, out->json, "migrations", m);
    }
    return rc == OK && !out->json ? fail(err, E_NOMEM, "plan") : rc;
}

enum status
deployment_apply(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    enum status rc = picked(c, &in, err);

    return rc == OK
               ? op_deploy(c->rt, c->a, c->workspace_id, in.id, &out->json, err)
               : rc;
}

/* What differs between the database and what the active features need. */
enum status
deployment_drift(struct call *c, struct answer *out, struct error *err)
{
    struct integration in = {0};
    struct plan *plan = NULL;
    enum status rc = plan_make(c, &plan, &in, err);

    if (rc != OK)
        return rc;
    struct json *data = json_array(c->a);
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_step *s = &plan->steps[i];
        const struct object *o = s->wanted ? s->wanted : s->found;
        if (s->action == PLAN_KEEP || !o)
            continue;
        struct json *j = json_object(c->a);
        json_put(c->a, j, "kind", json_maybe(c->a, o->kind));
        json_put(c->a, j, "name", json_maybe(c->a, o->name));
        json_put(c->a, j, "on", json_maybe(c->a, o->on));
        json_put(c->a, j, "found",
                 json_string(c->a, s->action == PLAN_CREATE   ? "missing"
                                   : s->action == PLAN_REMOVE ? "unexpected"
                                                              : "different"));
        json_push(c->a, data, j);
    }
    out->json = json_put(c->a, json_object(c->a), "drift",
                         json_boolean(c->a, data && data->n > 0));
    json_put(c->a, out->json, "integration", json_maybe(c->a, in.name));
    json_put(c->a, out->json, "data", data);
    return out->json ? OK : fail(err, E_NOMEM, "drift");
}
