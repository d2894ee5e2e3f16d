/*
 * Workspaces, integrations, features, messages, settings, deployments.
 */
#include <string.h>

#include "store/fields.h"

static const struct field workspace_fields[] = {
    TEXT_OF(workspace, id),
    TEXT_OF(workspace, slug),
    TEXT_OF(workspace, name),
    TEXT_OF(workspace, settings),
};

enum status
workspace_ensure(struct store_tx *tx, const char *slug, const char *name,
                 int64_t now_us, struct error *err)
{
    struct id id = id_new(now_us);
    const struct db_value p[] = {DB_S(id.text), DB_S(slug), DB_S(name),
                                 DB_I(now_us)};

    return tx_exec(tx, STORE_SQL_WORKSPACE_INSERT, p, N_OF(p), NULL, err);
}

enum status
workspace_get(struct store_tx *tx, struct arena *a, const char *slug,
              struct workspace *out, struct error *err)
{
    const struct db_value p[] = {DB_S(slug)};

    return fields_one(tx, a, STORE_SQL_WORKSPACE_BY_SLUG, p, N_OF(p),
                      workspace_fields, N_OF(workspace_fields), out,
                      "such workspace", err);
}

enum status
workspace_by_id(struct store_tx *tx, struct arena *a, const char *id,
                struct workspace *out, struct error *err)
{
    const struct db_value p[] = {DB_S(id)};

    return fields_one(tx, a, STORE_SQL_WORKSPACE_BY_ID, p, N_OF(p),
                      workspace_fields, N_OF(workspace_fields), out,
                      "such workspace", err);
}

static const struct field integration_fields[] = {
    TEXT_OF(integration, id),          TEXT_OF(integration, workspace_id),
    TEXT_OF(integration, name),        TEXT_OF(integration, kind),
    TEXT_OF(integration, access_mode), TEXT_OF(integration, transport),
    TEXT_OF(integration, status),      TEXT_OF(integration, dsn_sealed),
    TEXT_OF(integration, secret_hash), TEXT_OF(integration, epoch),
    TEXT_OF(integration, catalog),     INT64_OF(integration, created_us),
};

enum status
integration_put(struct store_tx *tx, const struct integration *in,
                struct error *err)
{
    struct db_value p[N_OF(integration_fields)];

    fields_write(integration_fields, N_OF(p), in, p);
    enum status rc =
        tx_exec(tx, STORE_SQL_INTEGRATION_PUT, p, N_OF(p), NULL, err);
    if (rc == E_CONFLICT)
        return fail(err, E_CONFLICT, "an integration named '%s' exists already",
                    in->name);
    return rc == OK ? tx_changed(tx, err) : rc;
}

enum status
integration_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
                 struct integration **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_INTEGRATION_LIST, p, N_OF(p),
                        integration_fields, N_OF(integration_fields),
                        sizeof(**out), (void **)out, n, err);
}

enum status
integration_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
                const char *id, struct integration *out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(id)};

    return fields_one(tx, a, STORE_SQL_INTEGRATION_GET, p, N_OF(p),
                      integration_fields, N_OF(integration_fields), out,
                      "such integration", err);
}

/* ---- features ---- */

static const struct field feature_fields[] = {
    TEXT_OF(feature_row, id),
    TEXT_OF(feature_row, workspace_id),
    TEXT_OF(feature_row, integration_id),
    TEXT_OF(feature_row, key),
    TEXT_OF(feature_row, name),
    TEXT_OF(feature_row, status),
    INT64_OF(feature_row, version),
    TEXT_OF(feature_row, document),
    INT64_OF(feature_row, created_us),
    INT64_OF(feature_row, updated_us),
};

enum status
feature_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
            const char *key, struct feature_row *out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key)};
    enum status rc =
        fields_one(tx, a, STORE_SQL_FEATURE_GET, p, N_OF(p), feature_fields,
                   N_OF(feature_fields), out, "such feature", err);

    return rc == E_NOTFOUND ? fail(err, rc, "no feature '%s'", key) : rc;
}

static enum status
version_add(struct store_tx *tx, const char *id, int64_t version,
            const char *document, int64_t now_us, struct error *err)
{
    const struct db_value p[] = {DB_S(id), DB_I(version), DB_S(document),
                                 DB_I(now_us)};

    return tx_exec(tx, STORE_SQL_FEATURE_VERSION_INSERT, p, N_OF(p), NULL, err);
}

static enum status
feature_make(struct store_tx *tx, const struct feature_row *in, int64_t now_us,
             struct error *err)
{
    struct id id = id_new(now_us);
    const struct db_value p[] = {
        DB_S(id.text), DB_S(in->workspace_id), DB_S(in->integration_id),
        DB_S(in->key), DB_S(in->name),         DB_I(now_us)};
    enum status rc =
        tx_exec(tx, STORE_SQL_FEATURE_INSERT, p, N_OF(p), NULL, err);

    return rc == OK ? version_add(tx, id.text, 1, in->document, now_us, err)
                    : rc;
}

enum status
feature_put(struct store_tx *tx, struct arena *a, const struct feature_row *in,
            int64_t now_us, struct feature_row *out, struct error *err)
{
    struct error ignored = {0};
    enum status rc =
        feature_get(tx, a, in->workspace_id, in->key, out, &ignored);

    if (rc == OK && strcmp(out->document, in->document) == 0)
        return OK;
    if (rc == E_NOTFOUND) {
        rc = feature_make(tx, in, now_us, err);
    } else if (rc == OK) {
        const struct db_value p[] = {DB_S(out->id), DB_I(out->version + 1),
                                     DB_S(in->name), DB_I(now_us)};
        rc = version_add(tx, out->id, out->version + 1, in->document, now_us,
                         err);
        if (rc == OK)
            rc = tx_exec(tx, STORE_SQL_FEATURE_VERSION_BUMP, p, N_OF(p), NULL,
                         err);
    } else if (err) {
        *err = ignored;
    }
    if (rc == OK)
        rc = tx_changed(tx, err);
    return rc == OK ? feature_get(tx, a, in->workspace_id, in->key, out, err)
                    : rc;
}

enum status
feature_set_status(struct store_tx *tx, const char *workspace_id,
                   const char *key, const char *status, int64_t now_us,
                   struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key), DB_S(status),
                                 DB_I(now_us)};
    int64_t changed = 0;
    enum status rc =
        tx_exec(tx, STORE_SQL_FEATURE_STATUS, p, N_OF(p), &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_NOTFOUND, "no feature '%s'", key);
    return rc == OK ? tx_changed(tx, err) : rc;
}

enum status
feature_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
             struct feature_row **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_FEATURE_LIST, p, N_OF(p),
                        feature_fields, N_OF(feature_fields), sizeof(**out),
                        (void **)out, n, err);
}

enum status
feature_version_get(struct store_tx *tx, struct arena *a,
                    const char *feature_id, int64_t version,
                    const char **document, struct error *err)
{
    static const struct field one[] = {{FIELD_TEXT, 0}};
    const struct db_value p[] = {DB_S(feature_id), DB_I(version)};

    return fields_one(tx, a, STORE_SQL_FEATURE_VERSION_GET, p, N_OF(p), one, 1,
                      (void *)document, "such version", err);
}

enum status
feature_versions(struct store_tx *tx, struct arena *a, const char *feature_id,
                 struct feature_version **out, size_t *n, struct error *err)
{
    static const struct field fields[] = {
        INT64_OF(feature_version, version), TEXT_OF(feature_version, document),
        INT64_OF(feature_version, created_us)};
    const struct db_value p[] = {DB_S(feature_id)};

    return fields_query(tx, a, STORE_SQL_FEATURE_VERSIONS, p, N_OF(p), fields,
                        N_OF(fields), sizeof(**out), (void **)out, n, err);
}

enum status
store_generation(struct store_tx *tx, int64_t *out, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    static const struct field one[] = {{FIELD_INT64, 0}};

    if (!a)
        return fail(err, E_NOMEM, "store");
    return fields_one(tx, a, STORE_SQL_GENERATION_GET, NULL, 0, one, 1, out,
                      "generation", err);
}

/* ---- messages, settings, deployments ---- */

static const struct field message_fields[] = {
    TEXT_OF(message_row, workspace_id), TEXT_OF(message_row, key),
    TEXT_OF(message_row, subject),      TEXT_OF(message_row, body),
    INT64_OF(message_row, updated_us),
};

enum status
message_put(struct store_tx *tx, const struct message_row *in,
            struct error *err)
{
    struct db_value p[N_OF(message_fields)];

    fields_write(message_fields, N_OF(p), in, p);
    enum status rc = tx_exec(tx, STORE_SQL_MESSAGE_PUT, p, N_OF(p), NULL, err);
    return rc == OK ? tx_changed(tx, err) : rc;
}

enum status
message_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
            const char *key, struct message_row *out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key)};

    return fields_one(tx, a, STORE_SQL_MESSAGE_GET, p, N_OF(p), message_fields,
                      N_OF(message_fields), out, "such message template", err);
}

enum status
message_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
             struct message_row **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_MESSAGE_LIST, p, N_OF(p),
                        message_fields, N_OF(message_fields), sizeof(**out),
                        (void **)out, n, err);
}

enum status
workspace_settings_put(struct store_tx *tx, const char *id,
                       const char *settings, struct error *err)
{
    const struct db_value p[] = {DB_S(id), DB_S(settings)};
    enum status rc =
        tx_exec(tx, STORE_SQL_WORKSPACE_SETTINGS, p, N_OF(p), NULL, err);

    return rc == OK ? tx_changed(tx, err) : rc;
}

enum status
setting_put(struct store_tx *tx, const char *workspace_id, const char *key,
            const char *value, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key), DB_S(value)};
    enum status rc = tx_exec(tx, STORE_SQL_SETTING_PUT, p, N_OF(p), NULL, err);

    return rc == OK ? tx_changed(tx, err) : rc;
}

enum status
setting_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
            const char *key, const char **out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_SETTING_GET, p, N_OF(p), &rows, err);

    *out = rc == OK && rows.n ? db_str(&rows, 0, 0) : NULL;
    return rc;
}

enum status
setting_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
             const char *prefix, struct named_value **out, size_t *n,
             struct error *err)
{
    static const struct field fields[] = {TEXT_OF(named_value, key),
                                          TEXT_OF(named_value, value)};
    char *end = arena_strdup(a, prefix);

    if (!end || !*end)
        return fail(err, E_NOMEM, "settings");
    end[strlen(end) - 1]++;
    const struct db_value p[] = {DB_S(workspace_id), DB_S(prefix), DB_S(end)};
    return fields_query(tx, a, STORE_SQL_SETTING_LIST, p, N_OF(p), fields,
                        N_OF(fields), sizeof(**out), (void **)out, n, err);
}

enum status
setting_delete(struct store_tx *tx, const char *workspace_id, const char *key,
               struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(key)};
    enum status rc =
        tx_exec(tx, STORE_SQL_SETTING_DELETE, p, N_OF(p), NULL, err);

    return rc == OK ? tx_changed(tx, err) : rc;
}

static const struct field deployment_fields[] = {
    TEXT_OF(deployment_row, id),
    TEXT_OF(deployment_row, workspace_id),
    TEXT_OF(deployment_row, integration_id),
    TEXT_OF(deployment_row, plan),
    INT64_OF(deployment_row, changes),
    INT64_OF(deployment_row, applied_us),
};

enum status
deployment_add(struct store_tx *tx, const struct deployment_row *in,
               struct error *err)
{
    struct db_value p[N_OF(deployment_fields)];

    fields_write(deployment_fields, N_OF(p), in, p);
    return tx_exec(tx, STORE_SQL_DEPLOYMENT_INSERT, p, N_OF(p), NULL, err);
}

enum status
deployment_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
                size_t limit, struct deployment_row **out, size_t *n,
                struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_I((int64_t)limit)};

    return fields_query(tx, a, STORE_SQL_DEPLOYMENT_LIST, p, N_OF(p),
                        deployment_fields, N_OF(deployment_fields),
                        sizeof(**out), (void **)out, n, err);
}
