#include "runtime/connections.h"

#include <string.h>

#include "codec/crypto.h"

enum { SEALED_MAX_BYTES = 64 * 1024 };

const char *
connection_aad(struct arena *a, const char *workspace_id, const char *name)
{
    return arena_printf(a, "%s|connection|%s", workspace_id, name);
}

enum status
connection_open(struct runtime *rt, struct arena *a, const char *workspace_id,
                const char *name, const char *sealed,
                struct effect_connection *out, struct error *err)
{
    const char *aad = connection_aad(a, workspace_id, name);
    struct secret plain = {0};
    struct json *j = NULL;

    if (!aad)
        return fail(err, E_NOMEM, "connection");
    enum status rc =
        unseal(&runtime_config_get(rt)->key, aad, sealed, &plain, err);
    if (rc == OK)
        rc = json_parse(a, (const char *)plain.bytes,
                        strlen((const char *)plain.bytes), SEALED_MAX_BYTES, &j,
                        err);
    secret_free(&plain);
    *out = (struct effect_connection){.name = name,
                                      .url = json_get_str(j, "url", NULL),
                                      .token = json_get_str(j, "token", NULL)};
    if (rc == OK &&
        !connection_kind_parse(json_get_str(j, "kind", ""), &out->kind))
        rc = fail(err, E_STORE, "a kind that this version does not know");
    return rc == OK ? OK : error_wrap(err, "connection %s", name);
}

enum status
connection_load(struct runtime *rt, struct store_tx *tx, struct arena *a,
                const char *workspace_id, const char *name,
                const struct effect_connection **out, struct error *err)
{
    const char *key = arena_printf(a, CONNECTION_PREFIX "%s", name),
               *sealed = NULL;
    struct effect_connection *c = arena_alloc(a, sizeof(*c));

    *out = NULL;
    if (!key || !c)
        return fail(err, E_NOMEM, "connection");
    enum status rc = setting_get(tx, a, workspace_id, key, &sealed, err);
    if (rc != OK || !sealed || !*sealed)
        return rc;
    *out = c;
    return connection_open(rt, a, workspace_id, name, sealed, c, err);
}
