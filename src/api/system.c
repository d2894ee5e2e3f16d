/* Operations: alive, ready, figures, findings. */
#include <string.h>

#include "api/route.h"
#include "runtime/feed.h"
#include "runtime/ops.h"

void
health_get(struct call *c)
{
    static const char alive[] = "{\"status\":\"ok\",\"version\":"
                                "\"" SKENE_VERSION "\"}";

    answer_send(c, &(struct answer){.content_type = "application/json",
                                    .body = alive,
                                    .body_n = sizeof(alive) - 1});
}

void
openapi_get(struct call *c)
{
    answer_send(c, &(struct answer){.content_type = "application/json",
                                    .body = c->api->openapi,
                                    .body_n = c->api->openapi_n});
}

enum status
ready_get(struct call *c, struct answer *out, struct error *err)
{
    const char *why = "";
    bool ready = runtime_ready(c->rt, c->a, &why);

    out->status = ready ? 200 : 503;
    out->json =
        json_put(c->a, json_object(c->a), "ready", json_boolean(c->a, ready));
    if (!ready)
        json_put(c->a, out->json, "why", json_string(c->a, why));
    return out->json ? OK : fail(err, E_NOMEM, "ready");
}

enum status
doctor_get(struct call *c, struct answer *out, struct error *err)
{
    return op_doctor(c->rt, c->a, c->workspace_id, &out->json, err);
}

/* One row per figure: /counts prints the names, /metrics the families. */
static const struct count_row {
    const char *name, *metric, *type, *help;
    size_t offset;
} count_rows[] = {
#define ROW(field, metric_name, kind, text)                                   \
    {                                                                         \
#field, metric_name, kind, text, offsetof(struct store_counts, field) \
    }
    ROW(events, "skene_events", "gauge", "Events in the store."),
    ROW(queued, "skene_events_queued", "gauge", "Events not decided yet."),
    ROW(decisions, "skene_decisions", "gauge", "Decisions in the store."),
    ROW(runs_active, "skene_runs_active", "gauge", "Runs under way."),
    ROW(actions_pending, "skene_actions_pending", "gauge",
        "Actions to be performed."),
    ROW(actions_succeeded, "skene_actions_succeeded", "gauge",
        "Actions performed."),
    ROW(actions_failed, "skene_actions_failed", "gauge",
        "Actions given up; skene actions failed lists them."),
    ROW(actions_skipped, "skene_actions_skipped", "gauge",
        "Actions a gate refused at send time."),
    ROW(mails, "skene_inbox_mails", "gauge", "Mails in the dev inbox."),
    ROW(tracks, "skene_tracks", "gauge", "Analytics events recorded."),
#undef ROW
};
enum { METRICS_MAX_BYTES = 64 * 1024 };
enum { COUNT_ROWS = sizeof(count_rows) / sizeof(count_rows[0]) };

static int64_t
count_of(const struct store_counts *counts, const struct count_row *row)
{
    int64_t value;

    memcpy(&value, (const char *)counts + row->offset, sizeof(value));
    return value;
}

static enum status
counts_read(struct call *c, struct store_counts *out, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = call_begin(c, false, &tx, err);

    return rc == OK ? store_counts(tx, c->workspace_id, out, err) : rc;
}

enum status
counts_get(struct call *c, struct answer *out, struct error *err)
{
    struct store_counts counts = {0};
    enum status rc = counts_read(c, &counts, err);

    out->json = json_object(c->a);
    for (size_t i = 0; rc == OK && i < COUNT_ROWS; i++)
        json_put(c->a, out->json, count_rows[i].name,
                 json_integer(c->a, count_of(&counts, &count_rows[i])));
    return rc;
}

static void
family(struct buf *b, const char *name, const char *type, const char *help,
       long long value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name,
               type, name, value);
}

static void
own_families(struct call *c, struct buf *b)
{
    struct api *api = c->api;

    family(b, "skene_http_requests_total", "counter", "HTTP requests.",
           atomic_load(&api->requests));
    family(b, "skene_http_errors_total", "counter",
           "HTTP requests answered with an error.", atomic_load(&api->errors));
    family(b, "skene_http_refused_total", "counter",
           "HTTP requests refused because the job queue was full.",
           atomic_load(&api->refused));
    family(b, "skene_ingest_events_total", "counter",
           "Events accepted by the ingest endpoint.",
           atomic_load(&api->ingested));
    family(b, "skene_ingest_refused_total", "counter",
           "Ingest requests refused.", atomic_load(&api->ingest_refused));
    family(b, "skene_store_bytes", "gauge", "Size of the store on disk.",
           store_bytes(runtime_store(c->rt)));
}

/* Prometheus text format 0.0.4. */
enum status
metrics_get(struct call *c, struct answer *out, struct error *err)
{
    struct store_counts counts = {0};
    AUTO_BUF b = buf_new(METRICS_MAX_BYTES);
    enum status rc = counts_read(c, &counts, err);

    if (rc != OK)
        return rc;
    for (size_t i = 0; i < COUNT_ROWS; i++)
        family(&b, count_rows[i].metric, count_rows[i].type, count_rows[i].help,
               count_of(&counts, &count_rows[i]));
    own_families(c, &b);
    rc = buf_check(&b, "metrics", err);
    out->content_type = "text/plain; version=0.0.4; charset=utf-8";
    out->body = arena_strndup(c->a, b.data, b.len);
    out->body_n = b.len;
    return rc == OK && !out->body ? fail(err, E_NOMEM, "metrics") : rc;
}
