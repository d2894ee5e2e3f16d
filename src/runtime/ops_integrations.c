#include <stdio.h>
#include <string.h>

#include "codec/time.h"
#include "runtime/lookups.h"
#include "runtime/ops_parts.h"
#include "target/deploy.h"
#include "target/introspect.h"

enum { CATALOG_MAX_BYTES = 64 * 1024 * 1024, SECRET_BYTES = 32 };

struct json *
op_put_string(struct arena *a, struct json *o, const char *key,
              const char *text)
{
    return json_put(a, o, key, json_string(a, text));
}

struct json *
op_put_int(struct arena *a, struct json *o, const char *key, int64_t v)
{
    return json_put(a, o, key, json_integer(a, v));
}

struct json *
op_put_bool(struct arena *a, struct json *o, const char *key, bool v)
{
    return json_put(a, o, key, json_boolean(a, v));
}

struct json *
op_put_time(struct arena *a, struct json *o, const char *key, int64_t us)
{
    char text[ISO_BYTES];

    return op_put_string(a, o, key, us ? iso_write(us, text) : NULL);
}

struct json *
op_put_text(struct arena *a, struct json *o, const char *key, const char *json)
{
    struct json *v = NULL;

    if (!json ||
        json_parse(a, json, strlen(json), CATALOG_MAX_BYTES, &v, NULL) != OK)
        v = json_null(a);
    return json_put(a, o, key, v);
}

enum status
op_commit(struct runtime *rt, struct store_tx **tx, struct error *err)
{
    struct store_tx *whole = *tx;

    *tx = NULL;
    enum status rc = store_commit(whole, err);
    if (rc == OK)
        runtime_wake(rt);
    return rc;
}

enum status
op_target(struct runtime *rt, const struct integration *in, bool write,
          struct target **out, struct error *err)
{
    struct secret dsn = {0};
    enum status rc = integration_dsn(rt, in, &dsn, err);

    if (rc != OK)
        return rc;
    struct target_config config = {
        .conninfo = (const char *)dsn.bytes,
        .read_only = !write || strcmp(in->access_mode, "read_only") == 0,
        .application = "skene"};
    rc = target_open(&config, out, err);
    secret_free(&dsn);
    return rc;
}

enum status
op_catalog(struct arena *a, const struct integration *in, struct catalog **out,
           struct error *err)
{
    struct json *j = NULL;

    if (!in->catalog) {
        (void)error_hint(err, "run: skene schema --refresh");
        return fail(err, E_NOTFOUND, "the tables of %s were never read",
                    in->name);
    }
    enum status rc = json_parse(a, in->catalog, strlen(in->catalog),
                                CATALOG_MAX_BYTES, &j, err);
    return rc == OK ? catalog_from_json(a, j, out, err) : rc;
}

enum status
op_integration_pick(struct runtime *rt, struct arena *a,
                    const char *workspace_id, const char *id_or_name,
                    struct integration *out, struct error *err)
{
    struct integration *rows = NULL;
    size_t n = 0, hits = 0;
    char names[200] = "";
    AUTO_TX tx = NULL;

    enum status rc = store_begin(runtime_store(rt), false, &tx, err);
    if (rc == OK)
        rc = integration_list(tx, a, workspace_id, &rows, &n, err);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        bool named = id_or_name && (strcmp(rows[i].id, id_or_name) == 0 ||
                                    strcmp(rows[i].name, id_or_name) == 0);
        bool live = strcmp(rows[i].status, "connected") == 0;
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s%s",
                       used ? ", " : "", rows[i].name);
        if (id_or_name ? !named : !live)
            continue;
        *out = rows[i];
        hits++;
    }
    if (hits == 1)
        return OK;
    if (hits > 1) {
        (void)error_hint(err, "name one with --integration: %s", names);
        return fail(err, E_INPUT, "there are several integrations");
    }
    (void)error_hint(err,
                     n ? "there are: %s"
                       : "connect a database with: "
                         "skene connect URL%s",
                     n ? names : "");
    return fail(err, E_NOTFOUND,
                id_or_name ? "no integration '%s'"
                           : "no database is connected%s",
                id_or_name ? id_or_name : "");
}

static struct json *
integration_json(struct arena *a, const struct integration *in)
{
    struct json *o = json_object(a);

    o = op_put_string(a, o, "id", in->id);
    o = op_put_string(a, o, "name", in->name);
    o = op_put_string(a, o, "kind", in->kind);
    o = op_put_string(a, o, "access_mode", in->access_mode);
    o = op_put_string(a, o, "transport", in->transport);
    o = op_put_string(a, o, "status", in->status);
    o = op_put_string(a, o, "epoch", in->epoch);
    return op_put_time(a, o, "created_at", in->created_us);
}

static enum status
introspect_into(struct target *t, struct arena *a, struct integration *in,
                struct error *err)
{
    struct catalog *c = NULL;
    enum status rc = introspect(t, a, false, &c, err);

    if (rc != OK)
        return rc;
    in->catalog = json_text(a, catalog_to_json(a, c));
    return in->catalog ? OK : fail(err, E_NOMEM, "catalogue");
}

static enum status
store_integration(struct runtime *rt, const struct integration *in,
                  struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    if (rc == OK)
        rc = integration_put(tx, in, err);
    return rc == OK ? op_commit(rt, &tx, err) : rc;
}

/* A new ingest secret: its hash is stored, the secret itself is sealed in a
 * setting so that deploy can put it into the customer's database. */
static enum status
make_secret(struct runtime *rt, struct arena *a, struct integration *in,
            const char **secret, const char **sealed, struct error *err)
{
    char hash[SHA256_HEX_BYTES];
    const char *aad = arena_printf(a, "%s|ingest|%s", in->workspace_id, in->id);
    enum status rc = random_token(a, "sk_in_", SECRET_BYTES, secret, err);

    if (rc != OK || !aad)
        return rc != OK ? rc : fail(err, E_NOMEM, "secret");
    in->secret_hash =
        arena_strdup(a, sha256_hex(*secret, strlen(*secret), hash));
    rc = seal(a, &runtime_config_get(rt)->key, aad, *secret, strlen(*secret),
              sealed, err);
    return rc == OK && !in->secret_hash ? fail(err, E_NOMEM, "secret") : rc;
}

static enum status
store_with_secret(struct runtime *rt, struct arena *a,
                  const struct integration *in, const char *sealed,
                  struct error *err)
{
    const char *key = arena_printf(a, "ingest:%s", in->id);
    AUTO_TX tx = NULL;
    enum status rc = key ? store_begin(runtime_store(rt), true, &tx, err)
                         : fail(err, E_NOMEM, "integration");

    if (rc == OK)
        rc = integration_put(tx, in, err);
    if (rc == OK)
        rc = setting_put(tx, in->workspace_id, key, sealed, err);
    return rc == OK ? op_commit(rt, &tx, err) : rc;
}

static enum status
check_modes(const char *access_mode, const char *transport, struct error *err)
{
    bool access = strcmp(access_mode, "read_only") == 0 ||
                  strcmp(access_mode, "read_write") == 0;
    bool way = strcmp(transport, "drain") == 0 ||
               strcmp(transport, "push") == 0 ||
               strcmp(transport, "push_only") == 0;

    if (access && way)
        return OK;
    (void)fail(err, E_INVALID,
               access ? "transport must be drain, push or push_only"
                      : "access_mode must be read_only or read_write");
    return error_field(err, "%s", access ? "transport" : "access_mode");
}

/* The database of a URL or key=value string, when no name was given. */
static const char *
default_name(struct arena *a, const char *conninfo)
{
    const char *scheme = strstr(conninfo, "://");
    const char *slash = scheme ? strchr(scheme + 3, '/') : NULL;
    size_t n = slash ? strcspn(slash + 1, "?") : 0;

    return n ? arena_strndup(a, slash + 1, n) : "database";
}

/* A disconnected integration of that name is taken up again: its features
 * stay with it. */
static enum status
reuse_name(struct runtime *rt, struct arena *a, struct integration *in,
           struct error *err)
{
    struct integration *rows = NULL;
    size_t n = 0;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = integration_list(tx, a, in->workspace_id, &rows, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        if (strcmp(rows[i].name, in->name) != 0)
            continue;
        if (strcmp(rows[i].status, "disconnected") != 0) {
            (void)error_hint(err, "disconnect it first, or give another "
                                  "--name");
            return fail(err, E_CONFLICT,
                        "an integration named '%s' exists already", in->name);
        }
        in->id = rows[i].id;
        in->created_us = rows[i].created_us;
    }
    return rc;
}

enum status
op_connect(struct runtime *rt, struct arena *a, const char *workspace_id,
           const char *name, const char *conninfo, const char *access_mode,
           const char *transport, struct json **out, const char **secret,
           struct error *err)
{
    struct id id = id_new(runtime_now_us(rt));
    const char *aad = NULL, *sealed = NULL;
    struct integration in = {
        .id = arena_strdup(a, id.text),
        .workspace_id = workspace_id,
        .name = name && *name ? name : default_name(a, conninfo),
        .kind = "postgres",
        .access_mode = access_mode ? access_mode : "read_write",
        .transport = transport ? transport : "drain",
        .status = "connected",
        .epoch = "",
        .created_us = runtime_now_us(rt)};
    AUTO_TARGET t = NULL;

    if (!in.id || !in.name)
        return fail(err, E_NOMEM, "integration");
    enum status rc = check_modes(in.access_mode, in.transport, err);
    struct target_config config = {
        .conninfo = conninfo, .read_only = true, .application = "skene"};
    if (rc == OK)
        rc = reuse_name(rt, a, &in, err);
    if (rc == OK)
        rc = target_open(&config, &t, err);
    if (rc == OK)
        rc = introspect_into(t, a, &in, err);
    if (rc == OK && !(aad = arena_printf(a, "%s|dsn|%s", workspace_id, in.id)))
        rc = fail(err, E_NOMEM, "integration");
    if (rc == OK)
        rc = seal(a, &runtime_config_get(rt)->key, aad, conninfo,
                  strlen(conninfo), &in.dsn_sealed, err);
    if (rc == OK)
        rc = make_secret(rt, a, &in, secret, &sealed, err);
    if (rc == OK)
        rc = store_with_secret(rt, a, &in, sealed, err);
    if (rc == OK)
        *out = integration_json(a, &in);
    return rc;
}

enum status
op_rotate_secret(struct runtime *rt, struct arena *a, const char *workspace_id,
                 const char *integration_id, const char **secret,
                 struct error *err)
{
    struct integration in;
    const char *sealed = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK)
        rc = make_secret(rt, a, &in, secret, &sealed, err);
    return rc == OK ? store_with_secret(rt, a, &in, sealed, err) : rc;
}

enum status
op_schema(struct runtime *rt, struct arena *a, const char *workspace_id,
          const char *integration_id, bool refresh, struct json **out,
          struct error *err)
{
    struct integration in;
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK && (refresh || !in.catalog)) {
        rc = op_target(rt, &in, false, &t, err);
        if (rc == OK)
            rc = introspect_into(t, a, &in, err);
        if (rc == OK)
            rc = store_integration(rt, &in, err);
    }
    if (rc != OK)
        return rc;
    return json_parse(a, in.catalog, strlen(in.catalog), CATALOG_MAX_BYTES, out,
                      err);
}

static struct json *
database_json(struct arena *a, const struct target_status *s)
{
    struct json *o = json_object(a);

    o = op_put_string(a, o, "version", s->version);
    o = op_put_string(a, o, "role", s->role);
    o = op_put_bool(a, o, "superuser", s->superuser);
    o = op_put_bool(a, o, "can_create_schema", s->can_create_schema);
    o = op_put_bool(a, o, "deployed", s->deployed);
    o = op_put_bool(a, o, "event_log", s->event_log);
    o = op_put_bool(a, o, "failed_events", s->failed_events);
    o = op_put_bool(a, o, "config", s->config);
    o = op_put_bool(a, o, "enrich", s->enrich);
    o = op_put_bool(a, o, "capture_on", s->capture_on);
    o = op_put_bool(a, o, "pg_net", s->pg_net);
    o = op_put_bool(a, o, "home_ok", s->home_ok);
    o = op_put_string(a, o, "epoch", s->epoch);
    o = op_put_int(a, o, "triggers", s->triggers);
    o = op_put_int(a, o, "backlog", s->backlog);
    o = op_put_int(a, o, "failed", s->failed);
    o = op_put_int(a, o, "oldest_event_age_us", s->oldest_us);
    return op_put_int(a, o, "clock_skew_us", s->clock_skew_us);
}

static struct json *
drain_json(struct runtime *rt, struct arena *a, const char *integration_id)
{
    struct drain_state d;
    struct json *o = json_object(a);

    (void)runtime_drain_state(rt, a, integration_id, &d);
    o = op_put_string(a, o, "state", d.state);
    o = op_put_string(a, o, "error", d.error[0] ? d.error : NULL);
    o = op_put_time(a, o, "retry_at", d.retry_us);
    o = op_put_time(a, o, "last_event_at", d.last_event_us);
    return op_put_int(a, o, "events", d.events);
}

enum status
op_integration_status(struct runtime *rt, struct arena *a,
                      const char *workspace_id, const char *integration_id,
                      struct json **out, struct error *err)
{
    struct integration in;
    struct target_status status;
    struct error away = {0};
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc != OK)
        return rc;
    struct json *o = integration_json(a, &in);
    o = json_put(a, o, "drain", drain_json(rt, a, in.id));
    /* Their state is the answer; that they are away is one too. */
    rc = op_target(rt, &in, false, &t, &away);
    if (rc == OK)
        rc = target_status_get(t, a, clock_now_us(NULL), &status, &away);
    o = json_put(a, o, "database",
                 rc == OK ? database_json(a, &status) : json_null(a));
    o = op_put_string(a, o, "error", rc == OK ? NULL : away.msg);
    o = op_put_string(a, o, "hint",
                      rc == OK || !away.hint[0] ? NULL : away.hint);
    *out = o;
    return o ? OK : fail(err, E_NOMEM, "status");
}

enum status
op_disconnect(struct runtime *rt, struct arena *a, const char *workspace_id,
              const char *integration_id, bool drop, struct error *err)
{
    struct integration in;
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK && drop) {
        rc = op_target(rt, &in, true, &t, err);
        if (rc == OK)
            rc = deploy_remove(t, err);
    }
    if (rc != OK)
        return rc;
    in.status = "disconnected";
    in.dsn_sealed = NULL;
    in.secret_hash = NULL;
    return store_integration(rt, &in, err);
}
