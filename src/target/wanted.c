#include <string.h>

#include "codec/crypto.h"
#include "target/capture_sql.h"
#include "target/deploy.h"
#include "target/enrich_sql.h"
#include "target/sql_text.h"
#include "target_sql_wanted.h"

enum { OBJECT_MAX_BYTES = 1024 * 1024, CAPTURES_MAX = 10000 };

/* What every deployment has, in the order in which it can be made. */
static const struct {
    const char *kind, *name, *sql, *drop;
} base_objects[] = {
    {"schema", "skene_growth", SQL_SCHEMA, "drop schema skene_growth cascade"},
    {"function", "skene_growth.sign(text,text,text,text)", SQL_FN_SIGN, NULL},
    {"function", "skene_growth.ident()", SQL_FN_IDENT, NULL},
    {"table", "skene_growth.config", SQL_TABLE_CONFIG, NULL},
    {"sequence", "skene_growth.bell", SQL_SEQUENCE_BELL, NULL},
    {"table", "skene_growth.event_log", SQL_TABLE_EVENT_LOG, NULL},
    {"table", "skene_growth.failed_events", SQL_TABLE_FAILED_EVENTS, NULL},
    {"table", "skene_growth.enrichment_map", SQL_TABLE_ENRICHMENT_MAP, NULL},
    {"function", "skene_growth.strip(text,jsonb)", SQL_FN_STRIP, NULL},
    {"function", "skene_growth.rescue(text,jsonb,text)", SQL_FN_RESCUE, NULL},
    {"function", "skene_growth.ingest_secret()", SQL_FN_SECRET, NULL},
    {"function", "skene_growth.bell(bigint)", SQL_FN_BELL, NULL},
    {"function", "skene_growth.ring()", SQL_FN_RING, NULL},
};
enum { BASE_COUNT = sizeof(base_objects) / sizeof(base_objects[0]) };

static const char bell_name[] = "skene_growth_bell";
static const char bell_trigger[] =
    " trigger skene_growth_bell after insert on skene_growth.event_log\n"
    "    referencing new table as new_rows for each statement"
    " execute function skene_growth.ring();\n";

/* Fills digest and sql: the statement, then the note in the comment. */
static enum status
complete(struct arena *a, struct object *o, const char *sql, struct error *err)
{
    char hex[SHA256_HEX_BYTES];
    const char *name = sql_literal(a, o->name);
    const char *on = o->on[0] ? sql_table(a, o->on) : "";

    on = on && *on ? sql_literal(a, on) : NULL;
    o->digest = arena_strdup(a, sha256_hex(sql, strlen(sql), hex));
    if (!name || !o->digest || (o->on[0] && !on))
        return fail(err, E_NOMEM, "%s", o->name);
    o->sql = arena_printf(
        a, "%sselect skene_growth.sign('%s', %s, '%s'%s%s);\n", sql, o->kind,
        name, o->digest, on ? ", " : "", on ? on : "");
    return o->sql && o->drop ? OK : fail(err, E_NOMEM, "%s", o->name);
}

static enum status
base(struct arena *a, size_t i, struct object *o, struct error *err)
{
    *o = (struct object){.kind = base_objects[i].kind,
                         .name = base_objects[i].name,
                         .on = "",
                         .drop = base_objects[i].drop,
                         .rows = -1};
    if (!o->drop)
        o->drop =
            arena_printf(a, "drop %s if exists %s cascade", o->kind, o->name);
    if (i > 0)
        return complete(a, o, base_objects[i].sql, err);
    /* sign() does not exist yet when the schema is made. */
    char hex[SHA256_HEX_BYTES];
    const char *sql = base_objects[i].sql;
    o->digest = arena_strdup(a, sha256_hex(sql, strlen(sql), hex));
    o->sql = arena_printf(a,
                          "%scomment on schema skene_growth is"
                          " 'Made by skene. schema=%s.';\n",
                          sql, hex);
    return o->sql && o->digest ? OK : fail(err, E_NOMEM, "schema");
}

static enum status
bell(struct arena *a, int server_version, struct object *o, struct error *err)
{
    *o = (struct object){.kind = "trigger",
                         .name = bell_name,
                         .on = "skene_growth.event_log",
                         .drop = "drop trigger if exists skene_growth_bell"
                                 " on skene_growth.event_log",
                         .rows = -1};
    /* The table is ours: before 14 the trigger may be dropped first. */
    const char *sql =
        server_version >= 140000
            ? arena_printf(a, "create or replace%s", bell_trigger)
            : arena_printf(a, "%s;\ncreate%s", o->drop, bell_trigger);
    return sql ? complete(a, o, sql, err) : fail(err, E_NOMEM, "doorbell");
}

static enum status
capture_objects(struct arena *a, const struct catalog *catalog,
                const struct capture *c, const struct deploy_for *in,
                struct object *function, struct object *trigger,
                struct error *err)
{
    AUTO_BUF fn = buf_new(OBJECT_MAX_BYTES);
    AUTO_BUF trg = buf_new(OBJECT_MAX_BYTES);
    const struct table *t = catalog_table(catalog, c->table);
    struct capture_names names;

    enum status rc = capture_names(a, c, &names, err);
    if (rc == OK)
        rc = capture_function_sql(a, catalog, c, &names, in->push, &fn, err);
    if (rc != OK)
        return error_wrap(err, "capture of %s", c->table);
    capture_trigger_sql(a, c, &names, in->server_version, &trg);
    rc = buf_check(&fn, "trigger function", err);
    if (rc == OK)
        rc = buf_check(&trg, "trigger", err);
    if (rc != OK)
        return rc;
    const char *drop = arena_printf(
        a, "drop function if exists skene_growth.%s() cascade", names.function);
    *function = (struct object){
        .kind = "function",
        .name = arena_printf(a, "skene_growth.%s()", names.function),
        .on = "",
        .drop = drop,
        .features = c->features,
        .n_features = c->n_features,
        .rows = -1};
    *trigger = (struct object){
        .kind = "trigger",
        .name = names.trigger,
        .on = c->table,
        .drop = drop,
        .features = c->features,
        .n_features = c->n_features,
        .rows = t->row_estimate,
        .event = arena_printf(a, "%s.%s", c->table, row_op_name(c->op))};
    if (!function->name || !trigger->event)
        return fail(err, E_NOMEM, "capture of %s", c->table);
    rc = complete(a, function, fn.data, err);
    return rc == OK ? complete(a, trigger, trg.data, err) : rc;
}

static enum status
enrich(struct arena *a, const struct deploy_for *in, struct object *o,
       struct error *err)
{
    AUTO_BUF fn = buf_new(OBJECT_MAX_BYTES);

    *o = (struct object){
        .kind = "function",
        .name = "skene_growth.enrich(text,jsonb)",
        .on = "",
        .drop = "drop function if exists skene_growth.enrich(text,jsonb)"
                " cascade",
        .rows = -1};
    enum status rc =
        enrich_function_sql(a, in->catalog, in->rules, in->n_rules, &fn, err);
    if (rc == OK)
        rc = buf_check(&fn, "enrich()", err);
    return rc == OK ? complete(a, o, fn.data, err) : rc;
}

enum status
deploy_wanted(struct arena *a, const struct deploy_for *in, struct object **out,
              size_t *out_n, struct error *err)
{
    size_t n = in->n_captures;

    if (n > CAPTURES_MAX)
        return fail(err, E_TOOBIG, "%zu triggers, at most %d", n, CAPTURES_MAX);
    size_t fixed = BASE_COUNT + 1 + in->push;
    size_t total = fixed + 2 * n;
    struct object *objects = arena_array(a, total, sizeof(*objects));
    if (!objects)
        return fail(err, E_NOMEM, "deployment");
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < BASE_COUNT; i++)
        rc = base(a, i, &objects[i], err);
    if (rc == OK)
        rc = enrich(a, in, &objects[BASE_COUNT], err);
    if (rc == OK && in->push)
        rc = bell(a, in->server_version, &objects[BASE_COUNT + 1], err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct object *pair = &objects[fixed + 2 * i];
        rc = capture_objects(a, in->catalog, &in->captures[i], in, &pair[0],
                             &pair[1], err);
        pair[1].use = in->use ? &in->use[i] : NULL;
    }
    if (rc != OK)
        return rc;
    *out = objects;
    *out_n = total;
    return OK;
}
