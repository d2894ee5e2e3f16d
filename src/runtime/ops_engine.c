/* engine.yaml, version 2: everything a workspace defines, as one file. */
#include <string.h>

#include "codec/yaml.h"
#include "core/template.h"
#include "runtime/ops_parts.h"

enum { FILE_MAX_BYTES = 4 * 1024 * 1024, FEATURES_MAX = 2000 };

/* ---- export ---- */

static enum status
features_put(struct store_tx *tx, struct arena *a, const char *workspace_id,
             struct json **out, struct error *err)
{
    struct feature_row *rows = NULL;
    size_t n = 0;
    enum status rc = feature_list(tx, a, workspace_id, &rows, &n, err);

    *out = json_array(a);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *doc = NULL;
        if (strcmp(rows[i].status, "archived") == 0)
            continue;
        rc = json_parse(a, rows[i].document, strlen(rows[i].document),
                        FILE_MAX_BYTES, &doc, err);
        *out = json_push(a, *out, doc);
    }
    return rc;
}

static enum status
messages_put(struct store_tx *tx, struct arena *a, const char *workspace_id,
             struct json **out, struct error *err)
{
    struct message_row *rows = NULL;
    size_t n = 0;
    enum status rc = message_list(tx, a, workspace_id, &rows, &n, err);

    *out = json_array(a);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *o = op_put_string(a, json_object(a), "key", rows[i].key);
        o = op_put_string(a, o, "subject", rows[i].subject);
        o = op_put_string(a, o, "body", rows[i].body);
        *out = json_push(a, *out, o);
    }
    return rc;
}

/* Names and kinds: a file in git holds no secret. */
static enum status
connections_put(struct runtime *rt, struct arena *a, const char *workspace_id,
                struct json **out, struct error *err)
{
    struct json *all = NULL;
    enum status rc = op_connections(rt, a, workspace_id, &all, err);
    const struct json *data = json_get(all, "data");

    *out = json_array(a);
    for (uint32_t i = 0; rc == OK && data && i < data->n; i++) {
        const struct json *c = data->items[i];
        struct json *o = op_put_string(a, json_object(a), "name",
                                       json_get_str(c, "name", ""));
        o = op_put_string(a, o, "kind", json_get_str(c, "kind", ""));
        *out = json_push(a, *out, o);
    }
    return rc;
}

enum status
op_engine_export(struct runtime *rt, struct arena *a, const char *workspace_id,
                 struct json **out, struct error *err)
{
    struct json *features = NULL, *messages = NULL, *connections = NULL;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = features_put(tx, a, workspace_id, &features, err);
    if (rc == OK)
        rc = messages_put(tx, a, workspace_id, &messages, err);
    if (rc == OK)
        rc = connections_put(rt, a, workspace_id, &connections, err);
    struct json *o = op_put_int(a, json_object(a), "version", 2);
    o = json_put(a, o, "features", features);
    o = json_put(a, o, "messages", messages);
    *out = json_put(a, o, "connections", connections);
    return rc == OK && !*out ? fail(err, E_TOOBIG, "engine.yaml") : rc;
}

/* ---- import ---- */

struct importing {
    struct runtime *rt;
    struct arena *a;
    const char *workspace_id, *text;
    size_t n;
    bool dry;
    struct json *features, *messages, *missing;
};

/* An error inside one part, with the place in the file and its line. */
static enum status
at(struct importing *m, enum status rc, const char *place, struct error *err)
{
    char inner[sizeof(err->field)];

    if (rc != E_INVALID || !err)
        return rc;
    memcpy(inner, err->field, sizeof(inner));
    const char *field =
        arena_printf(m->a, "%s%s%s", place, *inner ? "." : "", inner);
    int line = field ? yaml_line_of(m->text, m->n, field) : 0;
    if (!line)
        line = yaml_line_of(m->text, m->n, place);
    (void)error_field(err, "%s", field ? field : place);
    return line ? error_wrap(err, "line %d: %s", line, place)
                : error_wrap(err, "%s", place);
}

static enum status
message_check(struct importing *m, const struct json *j, struct message *out,
              struct error *err)
{
    struct template *t = NULL;

    *out = (struct message){.key = json_get_str(j, "key", ""),
                            .subject = json_get_str(j, "subject", ""),
                            .body = json_get_str(j, "body", "")};
    if (!*out->key ||
        strspn(out->key, "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
            strlen(out->key)) {
        (void)error_field(err, "key");
        return fail(err, E_INVALID, "a message key is of a-z 0-9 - _");
    }
    if (!*out->subject || strpbrk(out->subject, "\r\n")) {
        (void)error_field(err, "subject");
        return fail(err, E_INVALID, "a subject is one line");
    }
    enum status rc =
        template_parse(m->a, out->subject, strlen(out->subject), &t, err);
    if (rc == OK)
        rc = template_parse(m->a, out->body, strlen(out->body), &t, err);
    return rc == E_INPUT ? (err->code = E_INVALID) : rc;
}

static const char *
message_change(struct importing *m, struct store_tx *tx,
               const struct message *in)
{
    struct message_row old;
    struct error none = {0};

    if (message_get(tx, m->a, m->workspace_id, in->key, &old, &none) != OK)
        return "new";
    return strcmp(old.subject, in->subject) == 0 &&
                   strcmp(old.body, in->body) == 0
               ? "same"
               : "changed";
}

static enum status
messages(struct importing *m, const struct json *list, bool write,
         struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(m->rt), write, &tx, err);

    for (uint32_t i = 0; rc == OK && list && i < list->n; i++) {
        const char *place = arena_printf(m->a, "messages[%u]", i);
        struct message one;
        rc = at(m, message_check(m, list->items[i], &one, err),
                place ? place : "messages", err);
        if (rc != OK)
            return rc;
        if (write) {
            struct message_row row = {.workspace_id = m->workspace_id,
                                      .key = one.key,
                                      .subject = one.subject,
                                      .body = one.body,
                                      .updated_us = runtime_now_us(m->rt)};
            rc = message_put(tx, &row, err);
            continue;
        }
        struct json *o = op_put_string(m->a, json_object(m->a), "key", one.key);
        o = op_put_string(m->a, o, "change", message_change(m, tx, &one));
        m->messages = json_push(m->a, m->messages, o);
    }
    return rc == OK && write ? op_commit(m->rt, &tx, err) : rc;
}

static const char *
feature_change(struct importing *m, const struct feature *f,
               const struct catalog *c)
{
    struct feature_row row;
    struct feature *old = NULL;
    struct error none = {0};
    AUTO_TX tx = NULL;

    if (store_begin(runtime_store(m->rt), false, &tx, &none) != OK ||
        feature_get(tx, m->a, m->workspace_id, f->key, &row, &none) != OK)
        return "new";
    if (feature_parse_text(m->a, row.document, strlen(row.document), &old,
                           &none) != OK)
        return "changed";
    return json_equal(feature_to_json(m->a, old, c),
                      feature_to_json(m->a, f, c))
               ? "same"
               : "changed";
}

static bool
connection_there(const struct json *all, const char *name)
{
    const struct json *data = json_get(all, "data");

    for (uint32_t i = 0; data && i < data->n; i++)
        if (strcmp(json_get_str(data->items[i], "name", ""), name) == 0)
            return true;
    return false;
}

static enum status
connections(struct importing *m, const struct json *list, struct error *err)
{
    struct json *all = NULL;
    enum status rc = op_connections(m->rt, m->a, m->workspace_id, &all, err);

    for (uint32_t i = 0; rc == OK && list && i < list->n; i++) {
        const char *name = json_get_str(list->items[i], "name", "");
        if (!connection_there(all, name))
            m->missing = json_push(m->a, m->missing, json_string(m->a, name));
    }
    return rc;
}

static enum status
feature_one(struct importing *m, const struct json *doc,
            const struct catalog *c, bool write, struct error *err)
{
    struct feature *f = NULL;
    enum status rc = feature_parse(m->a, doc, &f, err);

    if (rc == OK)
        rc = feature_check(c, f, err);
    if (rc != OK)
        return rc;
    const char *change = feature_change(m, f, c);
    if (write && strcmp(change, "same") != 0) {
        struct json *stored = NULL;
        const char *text = json_text(m->a, doc);
        return text ? op_feature_put(m->rt, m->a, m->workspace_id, NULL, text,
                                     strlen(text), &stored, err)
                    : fail(err, E_NOMEM, "feature");
    }
    if (write)
        return OK;
    struct json *o = op_put_string(m->a, json_object(m->a), "key", f->key);
    o = op_put_string(m->a, o, "change", change);
    m->features = json_push(m->a, m->features, o);
    return OK;
}

static enum status
features(struct importing *m, const struct json *list, bool write,
         struct error *err)
{
    struct integration in;
    struct catalog *c = NULL;
    enum status rc = OK;

    if (!list || list->n == 0)
        return OK;
    rc = op_integration_pick(m->rt, m->a, m->workspace_id, NULL, &in, err);
    if (rc == OK)
        rc = op_catalog(m->a, &in, &c, err);
    for (uint32_t i = 0; rc == OK && i < list->n; i++) {
        const char *place = arena_printf(m->a, "features[%u]", i);
        rc = at(m, feature_one(m, list->items[i], c, write, err),
                place ? place : "features", err);
    }
    return rc;
}

static enum status
whole(const struct json *file, struct error *err)
{
    static const char *const known[] = {"version", "features", "messages",
                                        "connections", "subjects"};

    if (!json_is(file, JSON_OBJECT) ||
        json_int(json_get(file, "version"), 0) != 2) {
        (void)error_field(err, "version");
        return fail(err, E_INVALID, "an engine.yaml of version 2 is needed");
    }
    for (uint32_t i = 0; i < file->n; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found = found || strcmp(known[k], file->members[i].key) == 0;
        bool list = strcmp(file->members[i].key, "version") == 0 ||
                    json_is(file->members[i].value, JSON_ARRAY) ||
                    strcmp(file->members[i].key, "subjects") == 0;
        if (found && list)
            continue;
        (void)error_field(err, "%s", file->members[i].key);
        return fail(err, E_INVALID, "%s: %s", file->members[i].key,
                    found ? "must be a list" : "unknown field");
    }
    return OK;
}

enum status
op_engine_import(struct runtime *rt, struct arena *a, const char *workspace_id,
                 const char *text, size_t n, bool dry, struct json **out,
                 struct error *err)
{
    struct importing m = {.rt = rt,
                          .a = a,
                          .workspace_id = workspace_id,
                          .text = text,
                          .n = n,
                          .dry = dry,
                          .features = json_array(a),
                          .messages = json_array(a),
                          .missing = json_array(a)};
    struct json *file = NULL;
    enum status rc = yaml_parse(a, text, n, FILE_MAX_BYTES, &file, err);

    if (rc == E_INPUT && err)
        rc = err->code = E_INVALID;
    if (rc == OK)
        rc = whole(file, err);
    /* All of it is checked before any of it is stored. */
    if (rc == OK)
        rc = messages(&m, json_get(file, "messages"), false, err);
    if (rc == OK)
        rc = features(&m, json_get(file, "features"), false, err);
    if (rc == OK)
        rc = connections(&m, json_get(file, "connections"), err);
    if (rc == OK && !dry)
        rc = messages(&m, json_get(file, "messages"), true, err);
    if (rc == OK && !dry)
        rc = features(&m, json_get(file, "features"), true, err);
    if (rc != OK)
        return rc;
    struct json *o = op_put_bool(a, json_object(a), "dry", dry);
    o = json_put(a, o, "features", m.features);
    o = json_put(a, o, "messages", m.messages);
    *out = json_put(a, o, "missing_connections", m.missing);
    return *out ? OK : fail(err, E_TOOBIG, "engine.yaml");
}
