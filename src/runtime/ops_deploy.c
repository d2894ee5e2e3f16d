#include <string.h>

#include "runtime/ops_parts.h"
#include "runtime/registry.h"
#include "target/deploy.h"
#include "target/enrich_sql.h"
#include "target/introspect.h"

enum { BELL_MS = 100, SCRIPT_MAX_BYTES = 8 * 1024 * 1024 };

struct wanted {
    const struct feature **items;
    size_t n;
};

static bool
counts_in(const struct feature_row *row, const char *integration_id,
          const char *also)
{
    if (strcmp(row->integration_id, integration_id) != 0)
        return false;
    /* A paused feature keeps its triggers: pausing must not lose events. */
    return strcmp(row->status, "active") == 0 ||
           strcmp(row->status, "paused") == 0 ||
           (also && strcmp(row->key, also) == 0);
}

static enum status
wanted_features(struct runtime *rt, struct arena *a, const char *workspace_id,
                const struct integration *in, const char *also,
                struct wanted *out, struct error *err)
{
    struct feature_row *rows = NULL;
    size_t n = 0;
    bool found = !also;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = feature_list(tx, a, workspace_id, &rows, &n, err);
    if (rc == OK &&
        !(out->items = arena_array(a, n + 1, sizeof(struct feature *))))
        rc = fail(err, E_NOMEM, "plan");
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *doc = NULL;
        struct feature *f = NULL;
        if (!counts_in(&rows[i], in->id, also))
            continue;
        found = found || strcmp(rows[i].key, also) == 0;
        rc = json_parse(a, rows[i].document, strlen(rows[i].document),
                        (size_t)1024 * 1024, &doc, err);
        if (rc == OK)
            rc = feature_parse(a, doc, &f, err);
        if (rc == OK)
            out->items[out->n++] = f;
    }
    if (rc == OK && !found)
        rc = fail(err, E_NOTFOUND, "no feature '%s'", also);
    return rc;
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
op_captures(struct runtime *rt, struct arena *a, struct target *t,
            const char *workspace_id, const struct integration *in,
            const char *also, struct catalog **c, struct capture **captures,
            size_t *n, struct error *err)
{
    struct wanted features = {0};
    enum status rc =
        wanted_features(rt, a, workspace_id, in, also, &features, err);

    if (rc == OK)
        rc = introspect(t, a, false, c, err);
    for (size_t i = 0; rc == OK && i < features.n; i++) {
        rc = feature_check(*c, features.items[i], err);
        if (rc != OK)
            rc = error_wrap(err, "feature %s", features.items[i]->key);
    }
    return rc == OK ? capture_wanted(a, *c, features.items, features.n,
                                     captures, n, err)
                    : rc;
}

/* The plan against the live database; its tables are read afresh, so that a
 * column that is gone is found here and not at the customer's next insert. */
static enum status
plan_on(struct runtime *rt, struct arena *a, struct target *t,
        const char *workspace_id, const struct integration *in,
        const char *also, struct plan **out, struct error *err)
{
    struct catalog *c = NULL;
    struct capture *captures = NULL;
    struct enrichment *rules = NULL;
    struct object *want = NULL, *have = NULL;
    size_t n_captures = 0, n_rules = 0, n_want = 0, n_have = 0;

    enum status rc = op_captures(rt, a, t, workspace_id, in, also, &c,
                                 &captures, &n_captures, err);
    if (rc == OK)
        rc = enrich_rules(t, a, &rules, &n_rules, err);
    if (rc == OK)
        rc = enrich_check(c, rules, n_rules, captures, n_captures, err);
    if (rc == OK)
        rc = enrich_captures(a, rules, n_rules, captures, n_captures, err);
    struct table_use *use = NULL;
    if (rc == OK)
        rc = deploy_use(t, a, c, captures, n_captures, &use, err);
    const struct deploy_for in_all = {.catalog = c,
                                      .captures = captures,
                                      .n_captures = n_captures,
                                      .rules = rules,
                                      .n_rules = n_rules,
                                      .server_version = target_version(t),
                                      .push =
                                          strcmp(in->transport, "drain") != 0,
                                      .use = use};
    if (rc == OK)
        rc = deploy_wanted(a, &in_all, &want, &n_want, err);
    if (rc == OK)
        rc = deploy_found(t, a, &have, &n_have, err);
    return rc == OK ? plan_diff(a, want, n_want, have, n_have, out, err) : rc;
}

enum status
op_plan(struct runtime *rt, struct arena *a, const char *workspace_id,
        const char *integration_id, const char *also, struct plan **out,
        struct error *err)
{
    struct integration in;
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK)
        rc = op_target(rt, &in, false, &t, err);
    return rc == OK ? plan_on(rt, a, t, workspace_id, &in, also, out, err) : rc;
}

static struct json *
script_json(struct arena *a, const struct plan *plan, enum script_part part,
            enum status *rc, struct error *err)
{
    AUTO_BUF text = buf_new(SCRIPT_MAX_BYTES);
    size_t steps = 0;

    if (*rc == OK)
        *rc = deploy_script(plan, part, &text, &steps, err);
    return *rc == OK && steps ? json_string_n(a, text.data, text.len)
                              : json_null(a);
}

enum status
op_migrations(struct arena *a, const struct plan *plan, struct json **out,
              struct error *err)
{
    enum status rc = OK;
    struct json *o = json_object(a);

    o = json_put(a, o, "all", script_json(a, plan, SCRIPT_ALL, &rc, err));
    o = json_put(a, o, "schema", script_json(a, plan, SCRIPT_SCHEMA, &rc, err));
    o = json_put(a, o, "triggers",
                 script_json(a, plan, SCRIPT_TRIGGERS, &rc, err));
    *out = o;
    return rc == OK && !o ? fail(err, E_NOMEM, "migration") : rc;
}

/* What push mode needs to call us: the sealed secret, opened for the deploy. */
static enum status
push_settings(struct runtime *rt, struct arena *a, const struct integration *in,
              struct deploy_settings *out, struct error *err)
{
    const char *key = arena_printf(a, "ingest:%s", in->id);
    const char *aad = arena_printf(a, "%s|ingest|%s", in->workspace_id, in->id);
    const char *sealed = NULL;
    struct secret secret = {0};
    AUTO_TX tx = NULL;

    out->push_on = strcmp(in->transport, "drain") != 0;
    if (!out->push_on)
        return OK;
    out->ingest_url = arena_printf(a, "%s/api/v1/cloud/ingest/db-trigger",
                                   runtime_config_get(rt)->public_url);
    enum status rc = key && aad && out->ingest_url
                         ? store_begin(runtime_store(rt), false, &tx, err)
                         : fail(err, E_NOMEM, "deploy");
    if (rc == OK)
        rc = setting_get(tx, a, in->workspace_id, key, &sealed, err);
    if (rc != OK || !sealed)
        return rc;
    rc = unseal(&runtime_config_get(rt)->key, aad, sealed, &secret, err);
    if (rc != OK)
        return rc;
    out->ingest_secret = arena_strndup(a, (const char *)secret.bytes, secret.n);
    secret_free(&secret);
    return out->ingest_secret ? OK : fail(err, E_NOMEM, "deploy");
}

static enum status
keep_deployment(struct runtime *rt, struct arena *a, struct integration *in,
                const char *epoch, const struct plan *plan,
                const char **deployment_id, struct error *err)
{
    struct id id = id_new(runtime_now_us(rt));
    struct deployment_row row = {.id = arena_strdup(a, id.text),
                                 .workspace_id = in->workspace_id,
                                 .integration_id = in->id,
                                 .plan = json_text(a, plan_to_json(a, plan)),
                                 .changes = (int64_t)plan->n_changes,
                                 .applied_us = runtime_now_us(rt)};
    AUTO_TX tx = NULL;

    if (!row.id || !row.plan)
        return fail(err, E_NOMEM, "deployment");
    in->epoch = epoch;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);
    if (rc == OK)
        rc = integration_put(tx, in, err);
    if (rc == OK)
        rc = deployment_add(tx, &row, err);
    *deployment_id = row.id;
    return rc == OK ? op_commit(rt, &tx, err) : rc;
}

enum status
op_deploy(struct runtime *rt, struct arena *a, const char *workspace_id,
          const char *integration_id, struct json **out, struct error *err)
{
    struct integration in;
    struct plan *plan = NULL;
    struct deploy_settings settings = {.notify_on = true};
    const char *epoch = NULL, *deployment_id = NULL;
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK && strcmp(in.access_mode, "read_only") == 0) {
        (void)error_hint(err, "write the plan as a migration with: skene "
                              "deploy --out FILE, or connect it read-write");
        rc = fail(err, E_FORBIDDEN, "%s is connected read-only", in.name);
    }
    if (rc == OK)
        rc = op_target(rt, &in, true, &t, err);
    if (rc == OK)
        rc = plan_on(rt, a, t, workspace_id, &in, NULL, &plan, err);
    /* Nobody sweeps: every statement has to be told of. */
    if (rc == OK)
        settings.bell_ms = strcmp(in.transport, "push_only") == 0 ? 0 : BELL_MS;
    if (rc == OK)
        rc = push_settings(rt, a, &in, &settings, err);
    if (rc == OK)
        rc = deploy_apply(t, a, plan, &settings, &epoch, err);
    if (rc == OK)
        rc = keep_deployment(rt, a, &in, epoch, plan, &deployment_id, err);
    if (rc != OK)
        return rc;
    struct json *o =
        op_put_string(a, json_object(a), "deployment_id", deployment_id);
    struct json *p = plan_to_json(a, plan);
    o = op_put_int(a, o, "changes", (int64_t)plan->n_changes);
    *out = json_put(a, o, "steps", json_get(p, "steps"));
    return *out ? OK : fail(err, E_NOMEM, "deployment");
}
