#include "runtime/ingest.h"

#include <assert.h>
#include <string.h>

#include "codec/json.h"
#include "codec/time.h"
#include "core/feature.h"
#include "runtime/parts.h"

enum { BODY_MAX_BYTES = 16 * 1024 * 1024 };

static bool
type_valid(const char *type)
{
    /* schema.table.op; names may hold anything but a NUL. */
    const char *op = strrchr(type, '.');
    enum row_op parsed;

    return op && op != type && memchr(type, '.', (size_t)(op - type)) &&
           row_op_parse(op + 1, &parsed);
}

static enum status
missing(const char *prefix, const char *field, const char *want,
        struct error *err)
{
    enum status rc =
        fail(err, E_INVALID, "%s%s must be %s", prefix, field, want);

    (void)error_field(err, "%s%s", prefix, field);
    return rc;
}

/* One row of skene_growth.event_log as JSON. */
static enum status
record_parse(struct arena *a, const struct json *j, const char *prefix,
             struct received_event *out, struct error *err)
{
    if (!json_is(j, JSON_OBJECT))
        return missing(prefix, "", "an object", err);
    const struct json *id = json_get(j, "id");
    const struct json *metadata = json_get(j, "metadata");
    const struct json *entity = json_get(j, "entity_id");
    const char *type = json_get_str(j, "event_type", NULL);
    const char *at = json_get_str(j, "occurred_at", NULL);

    if (!json_is(id, JSON_INT) || json_int(id, 0) < 1)
        return missing(prefix, ".id", "a positive integer", err);
    if (!type || !type_valid(type))
        return missing(prefix, ".event_type",
                       "\"schema.table.insert|update|delete\"", err);
    if (!at || iso_parse(at, strlen(at), &out->occurred_us, NULL) != OK)
        return missing(prefix, ".occurred_at", "an ISO 8601 time", err);
    if (metadata && !json_is(metadata, JSON_OBJECT))
        return missing(prefix, ".metadata", "an object", err);
    if (entity && !json_is(entity, JSON_STRING) && !json_is(entity, JSON_NULL))
        return missing(prefix, ".entity_id", "a string or null", err);
    out->source_id = json_int(id, 0);
    out->type = type;
    out->entity_id = json_str(entity, NULL);
    out->metadata = metadata ? json_text(a, metadata) : "{}";
    return out->metadata ? OK : fail(err, E_NOMEM, "record");
}

static enum status
batch_parse(struct arena *a, const struct json *body,
            struct received_event **out, size_t *out_n, struct error *err)
{
    const struct json *records = json_get(body, "records");

    if (!json_is(records, JSON_ARRAY))
        return missing("", "records", "an array", err);
    if (records->n > INGEST_MAX_RECORDS)
        return missing("", "records", "at most 1000 records", err);
    struct received_event *events =
        arena_array(a, records->n + 1, sizeof(*events));
    if (!events)
        return fail(err, E_NOMEM, "%u records", records->n);
    for (uint32_t i = 0; i < records->n; i++) {
        const char *prefix = arena_printf(a, "records[%u]", i);
        enum status rc =
            prefix ? record_parse(a, records->items[i], prefix, &events[i], err)
                   : fail(err, E_NOMEM, "record");
        if (rc != OK)
            return rc;
    }
    *out = events;
    *out_n = records->n;
    return OK;
}

static const char *
row_text(struct arena *a, const struct json *row, const struct json *old)
{
    struct json *copy = json_clone(a, row);

    if (json_is(old, JSON_OBJECT))
        copy = json_put(a, copy, "_old", json_clone(a, old));
    return copy ? json_text(a, copy) : NULL;
}

/* What Supabase's database webhooks send about the customer's own table. It
 * carries no event id: a hash of the body stands in, so only exact repeats of
 * the same millisecond are known as such. */
static enum status
table_parse(struct arena *a, const struct json *body, const char *text,
            size_t n, struct received_event **out, size_t *out_n,
            struct error *err)
{
    static const struct {
        const char *type, *op;
    } ops[] = {
        {"INSERT", "insert"}, {"UPDATE", "update"}, {"DELETE", "delete"}};
    const char *type = json_get_str(body, "type", "");
    const char *schema = json_get_str(body, "schema", NULL);
    const char *table = json_get_str(body, "table", NULL);
    const struct json *record = json_get(body, "record");
    const struct json *old = json_get(body, "old_record");
    const char *op = NULL;

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (strcmp(type, ops[i].type) == 0)
            op = ops[i].op;
    if (!op)
        return missing("", "type", "INSERT, UPDATE, DELETE, BATCH or WAKE",
                       err);
    if (!schema || !table)
        return missing("", schema ? "table" : "schema", "a string", err);
    const struct json *row = json_is(record, JSON_OBJECT) ? record : old;
    if (!json_is(row, JSON_OBJECT))
        return missing("", "record", "an object", err);
    struct received_event *e = arena_alloc(a, sizeof(*e));
    if (!e)
        return fail(err, E_NOMEM, "record");
    e->source_id = (int64_t)(hash64(text, n) >> 1);
    e->type = arena_printf(a, "%s.%s.%s", schema, table, op);
    const struct json *id = json_get(row, "id");
    e->entity_id = json_is(id, JSON_STRING) ? id->text
                   : id                     ? json_text(a, id)
                                            : NULL;
    e->metadata = row_text(a, row, row == record ? old : NULL);
    if (!e->type || !e->metadata)
        return fail(err, E_NOMEM, "record");
    *out = e;
    *out_n = 1;
    return OK;
}

enum status
ingest_parse(struct arena *a, const char *text, size_t n,
             struct received_event **out, size_t *out_n, const char **epoch,
             bool *wake, struct error *err)
{
    struct json *body = NULL;
    enum status rc = json_parse(a, text, n, BODY_MAX_BYTES, &body, err);

    *out_n = 0;
    *wake = false;
    if (rc == E_INPUT) /* malformed is the sender's fault: 422, by contract */
        return err ? (err->code = E_INVALID) : E_INVALID;
    if (rc != OK)
        return rc;
    const char *type = json_get_str(body, "type", NULL);
    if (!json_is(body, JSON_OBJECT) || !type)
        return missing("", "type", "a string", err);
    *epoch = json_get_str(body, "epoch", NULL);
    if (strcmp(type, "WAKE") == 0) {
        *wake = true;
        return OK;
    }
    if (strcmp(type, "BATCH") == 0)
        return batch_parse(a, body, out, out_n, err);
    bool outbox = strcmp(json_get_str(body, "table", ""), "event_log") == 0 &&
                  strcmp(json_get_str(body, "schema", ""), "skene_growth") == 0;
    if (!outbox)
        return table_parse(a, body, text, n, out, out_n, err);
    *out = arena_alloc(a, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "record");
    *out_n = 1;
    return record_parse(a, json_get(body, "record"), "record", *out, err);
}
