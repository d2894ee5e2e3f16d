#include <ctype.h>
#include <string.h>

#include "codec/url.h"
#include "runtime/connections.h"
#include "runtime/ops_parts.h"

enum { NAME_MAX_BYTES = 60 };

static enum status
name_check(const char *name, struct error *err)
{
    size_t n = strlen(name);

    for (const char *c = name; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
            *c != '-' && *c != '_')
            n = 0;
    if (n > 0 && n <= NAME_MAX_BYTES)
        return OK;
    (void)error_field(err, "name");
    return fail(err, E_INVALID,
                "a connection's name is lower-case letters, digits, - and _, "
                "at most %d",
                NAME_MAX_BYTES);
}

/* Never the token; of the URL, which may hold one, the host. */
static struct json *
shown(struct arena *a, const struct effect_connection *c)
{
    struct json *o = op_put_string(a, json_object(a), "name", c->name);
    struct url url = {0};

    o = op_put_string(a, o, "kind", connection_kind_name(c->kind));
    if (c->url && url_parse(a, c->url, &url, NULL) == OK)
        return op_put_string(a, o, "host", url.host);
    return op_put_string(a, o, "host", NULL);
}

enum status
op_connections(struct runtime *rt, struct arena *a, const char *workspace_id,
               struct json **out, struct error *err)
{
    struct named_value *rows = NULL;
    struct json *data = json_array(a);
    size_t n = 0;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = setting_list(tx, a, workspace_id, CONNECTION_PREFIX, &rows, &n,
                          err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct effect_connection c;
        if (!*rows[i].value)
            continue; /* removed */
        rc = connection_open(rt, a, workspace_id,
                             rows[i].key + strlen(CONNECTION_PREFIX),
                             rows[i].value, &c, err);
        if (rc == OK)
            data = json_push(a, data, shown(a, &c));
    }
    *out = json_put(a, json_object(a), "data", data);
    *out = json_put(a, *out, "next_cursor", json_null(a));
    return rc == OK && !*out ? fail(err, E_NOMEM, "connections") : rc;
}

static enum status
seal_connection(struct runtime *rt, struct arena *a, const char *workspace_id,
                const struct effect_connection *c, const char **out,
                struct error *err)
{
    const char *aad = connection_aad(a, workspace_id, c->name);
    struct json *j =
        op_put_string(a, json_object(a), "kind", connection_kind_name(c->kind));

    j = op_put_string(a, j, "url", c->url);
    j = op_put_string(a, j, "token", c->token);
    const char *text = j ? json_text(a, j) : NULL;
    return aad && text ? seal(a, &runtime_config_get(rt)->key, aad, text,
                              strlen(text), out, err)
                       : fail(err, E_NOMEM, "connection");
}

enum status
op_connection_put(struct runtime *rt, struct arena *a, const char *workspace_id,
                  const char *name, const struct json *body, struct json **out,
                  struct error *err)
{
    struct effect_connection c = {.name = name,
                                  .url = json_get_str(body, "url", NULL),
                                  .token = json_get_str(body, "token", NULL)};
    const char *kind = json_get_str(body, "kind", ""), *sealed = NULL;
    const char *key = arena_printf(a, CONNECTION_PREFIX "%s", name);
    AUTO_TX tx = NULL;
    enum status rc = name_check(name, err);

    if (rc == OK && !connection_kind_parse(kind, &c.kind)) {
        (void)error_field(err, "kind");
        rc = fail(err, E_INVALID,
                  "kind is webhook, slack, discord, pagerduty, posthog or "
                  "segment, not '%.40s'",
                  kind);
    }
    if (rc == OK)
        rc = connection_check(&c, err);
    if (rc == OK)
        rc = seal_connection(rt, a, workspace_id, &c, &sealed, err);
    if (rc == OK)
        rc = key ? store_begin(runtime_store(rt), true, &tx, err)
                 : fail(err, E_NOMEM, "connection");
    if (rc == OK)
        rc = setting_put(tx, workspace_id, key, sealed, err);
    if (rc == OK)
        rc = op_commit(rt, &tx, err);
    *out = shown(a, &c);
    return rc == OK && !*out ? fail(err, E_NOMEM, "connection") : rc;
}

enum status
op_connection_remove(struct runtime *rt, struct arena *a,
                     const char *workspace_id, const char *name,
                     struct json **out, struct error *err)
{
    const char *key = arena_printf(a, CONNECTION_PREFIX "%s", name);
    const struct effect_connection *c = NULL;
    AUTO_TX tx = NULL;
    enum status rc = key ? store_begin(runtime_store(rt), true, &tx, err)
                         : fail(err, E_NOMEM, "connection");

    if (rc == OK)
        rc = connection_load(rt, tx, a, workspace_id, name, &c, err);
    if (rc == OK && !c)
        rc = fail(err, E_NOTFOUND, "there is no connection %s", name);
    if (rc == OK)
        rc = setting_delete(tx, workspace_id, key, err);
    if (rc == OK)
        rc = op_commit(rt, &tx, err);
    if (rc == OK)
        *out = shown(a, c);
    return rc;
}
