/* What holds for all features of a workspace. */
#include <string.h>

#include "codec/time.h"
#include "runtime/ops_parts.h"

enum { SETTINGS_MAX_BYTES = 65536 };

static enum status
bad(struct error *err, const char *field, const char *what)
{
    (void)error_field(err, "%s", field);
    return fail(err, E_INVALID, "%s %s", field, what);
}

static enum status
check(const struct json *body, struct error *err)
{
    const struct json *cap = json_get(body, "cap");
    const struct json *holdout = json_get(body, "holdout");
    const char *per = json_get_str(cap, "per", "");
    double share = json_double(holdout, 0);
    int64_t per_us = 0;

    for (uint32_t i = 0; i < body->n; i++)
        if (strcmp(body->members[i].key, "cap") != 0 &&
            strcmp(body->members[i].key, "holdout") != 0)
            return bad(err, body->members[i].key, "is not known here");
    if (json_is(cap, JSON_OBJECT)) {
        if (json_int(json_get(cap, "count"), 0) < 1)
            return bad(err, "cap.count", "must be a whole number over zero");
        if (duration_parse(per, &per_us, NULL) != OK || per_us <= 0)
            return bad(err, "cap.per", "must be a duration such as P7D");
    } else if (cap && cap->kind != JSON_NULL) {
        return bad(err, "cap", "must be {count, per} or null");
    }
    if (holdout && holdout->kind != JSON_NULL &&
        !(share >= 0.0001 && share <= 0.9))
        return bad(err, "holdout",
                   "must be a share from 0.0001 to 0.9, or null");
    return OK;
}

/* Members that the body names are set, others stay. */
static enum status
merge(struct arena *a, const struct workspace *ws, const struct json *body,
      struct json **out, struct error *err)
{
    struct json *now = NULL;
    enum status rc = OK;

    if (ws->settings && *ws->settings)
        rc = json_parse(a, ws->settings, strlen(ws->settings),
                        SETTINGS_MAX_BYTES, &now, err);
    if (rc == OK && !now)
        now = json_object(a);
    for (uint32_t i = 0; rc == OK && body && i < body->n; i++)
        now = json_put(a, now, body->members[i].key, body->members[i].value);
    *out = now;
    return rc == OK && !now ? fail(err, E_NOMEM, "settings") : rc;
}

static struct json *
or_null(struct arena *a, const struct json *settings, const char *key)
{
    const struct json *v = json_get(settings, key);

    return v ? json_clone(a, v) : json_null(a);
}

enum status
op_workspace(struct runtime *rt, struct arena *a, const char *workspace_id,
             const struct json *body, struct json **out, struct error *err)
{
    struct workspace ws;
    struct json *settings = NULL;
    AUTO_TX tx = NULL;
    enum status rc = body ? check(body, err) : OK;

    if (rc == OK)
        rc = store_begin(runtime_store(rt), body != NULL, &tx, err);
    if (rc == OK)
        rc = workspace_by_id(tx, a, workspace_id, &ws, err);
    if (rc == OK)
        rc = merge(a, &ws, body, &settings, err);
    if (rc == OK && body) {
        const char *text = json_text(a, settings);
        rc = text ? workspace_settings_put(tx, workspace_id, text, err)
                  : fail(err, E_NOMEM, "settings");
        if (rc == OK)
            rc = op_commit(rt, &tx, err);
    }
    if (rc != OK)
        return rc;
    struct json *o = op_put_string(a, json_object(a), "slug", ws.slug);
    o = op_put_string(a, o, "name", ws.name);
    o = json_put(a, o, "cap", or_null(a, settings, "cap"));
    *out = json_put(a, o, "holdout", or_null(a, settings, "holdout"));
    return *out ? OK : fail(err, E_NOMEM, "settings");
}
