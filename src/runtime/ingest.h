/*
 * runtime/ingest.h - durable receipt of events: the committer's front door.
 */
#ifndef RUNTIME_INGEST_H
#define RUNTIME_INGEST_H

#include "runtime/runtime.h"

enum { INGEST_MAX_RECORDS = 1000 };

/* One event as received, before it is ours. */
struct received_event {
    int64_t source_id;
    const char *type;      /* "schema.table.op" */
    const char *entity_id; /* NULL */
    const char *metadata;  /* JSON object text; old values under "_old" */
    int64_t occurred_us;
};

struct ingest_result {
    enum status status; /* OK: durable. Else nothing of the batch is stored */
    size_t accepted, duplicates;
    struct error error;
};
/* Runs on the committer's thread: must be quick and not block. */
typedef void ingest_done(const struct ingest_result *result, void *user);

/* Queues a batch for the next group commit; `done` is called once it is
 * durable or refused. Everything is copied.
 * Errors: E_BUSY queue full (answer 503 with Retry-After): `done` is not
 *         called; E_INVALID a malformed record, err->field names it; E_NOMEM.
 * Threads: any. */
CHECKED enum status ingest_submit(struct runtime *rt,
                                  const struct integration *integration,
                                  const char *epoch, const char *transport,
                                  const struct received_event *events, size_t n,
                                  ingest_done *done, void *user,
                                  struct error *err);
/* The same, waiting for the result: for the drain and tests. */
CHECKED enum status ingest_wait(struct runtime *rt,
                                const struct integration *integration,
                                const char *epoch, const char *transport,
                                const struct received_event *events, size_t n,
                                struct ingest_result *out, struct error *err);

/* Reads the three accepted bodies: the published one-record form
 * {type:"INSERT", table:"event_log", schema:"skene_growth", record}, our
 * {type:"BATCH", epoch?, records:[…]}, and a Supabase database-webhook body
 * {type, table, schema, record, old_record}. *ignored = a WAKE doorbell.
 * Errors: E_INVALID with the path of the offending field. */
CHECKED enum status ingest_parse(struct arena *a, const char *body, size_t n,
                                 struct received_event **out, size_t *out_n,
                                 const char **epoch, bool *wake,
                                 struct error *err);
/* Rings the drain of an integration (a doorbell came by HTTP). */
void ingest_ring(struct runtime *rt, const char *integration_id);

#endif
