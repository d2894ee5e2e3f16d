/*
 * Events, their queue, decisions, logs, retention.
 */
#include <stdio.h>
#include <string.h>

#include "store/fields.h"

static const struct field event_fields[] = {
    TEXT_OF(event_row, id),
    TEXT_OF(event_row, workspace_id),
    TEXT_OF(event_row, integration_id),
    INT64_OF(event_row, source_id),
    TEXT_OF(event_row, type),
    TEXT_OF(event_row, key),
    TEXT_OF(event_row, record),
    TEXT_OF(event_row, old),
    INT64_OF(event_row, occurred_us),
    INT64_OF(event_row, received_us),
    TEXT_OF(event_row, transport),
};

enum { EVENT_FIELDS = N_OF(event_fields) };

static enum status
event_insert(struct store_tx *tx, struct event_row *e, size_t *inserted,
             struct error *err)
{
    struct db_value p[1 + EVENT_FIELDS] = {DB_I(shard_of_id(e->id))};
    int64_t changed = 0;

    fields_write(event_fields, EVENT_FIELDS, e, p + 1);
    enum status rc =
        tx_exec(tx, STORE_SQL_EVENT_INSERT, p, N_OF(p), &changed, err);
    e->duplicate = changed == 0;
    if (rc != OK || changed == 0)
        return rc;
    ++*inserted;
    if (e->queue_shard < 0)
        return OK;
    const struct db_value q[] = {
        DB_I(e->queue_shard), DB_I(store_next_seq(tx->store)), DB_S(e->id),
        DB_S(e->workspace_id), DB_S(e->integration_id)};
    return tx_exec(tx, STORE_SQL_QUEUE_INSERT, q, N_OF(q), NULL, err);
}

enum status
events_insert(struct store_tx *tx, struct event_row *rows, size_t n,
              size_t *inserted, struct error *err)
{
    enum status rc = OK;

    *inserted = 0;
    for (size_t i = 0; rc == OK && i < n; i++)
        rc = event_insert(tx, &rows[i], inserted, err);
    return rc;
}

static enum status
queued_event(struct store_tx *tx, struct arena *a, const struct db_rows *queue,
             size_t row, struct queued_event *out, struct error *err)
{
    const char *id = db_str(queue, row, 3);
    const struct db_value p[] = {DB_I(shard_of_id(id)), DB_S(id),
                                 DB_S(db_str(queue, row, 4))};

    enum status rc =
        fields_one(tx, a, STORE_SQL_QUEUE_EVENT, p, N_OF(p), event_fields,
                   EVENT_FIELDS, &out->event, "event of a queue entry", err);
    out->event.queue_shard = (int)db_int(queue, row, 0);
    out->seq = db_int(queue, row, 1);
    out->attempts = db_int(queue, row, 2);
    return rc;
}

enum status
queue_load(struct store_tx *tx, struct arena *a, int shard_from, int shard_to,
           int64_t now_us, size_t limit, struct queued_event **out, size_t *n,
           struct error *err)
{
    const struct db_value p[] = {DB_I(shard_from), DB_I(shard_to), DB_I(now_us),
                                 DB_I((int64_t)limit)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_QUEUE_LOAD, p, N_OF(p), &rows, err);

    *n = 0;
    if (rc != OK)
        return rc;
    *out = arena_array(a, rows.n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "%zu events", rows.n);
    for (size_t i = 0; rc == OK && i < rows.n; i++)
        rc = queued_event(tx, a, &rows, i, &(*out)[i], err);
    *n = rows.n;
    return rc;
}

enum status
queue_done(struct store_tx *tx, int shard, int64_t seq, struct error *err)
{
    const struct db_value p[] = {DB_I(shard), DB_I(seq)};
    int64_t changed = 0;
    enum status rc =
        tx_exec(tx, STORE_SQL_QUEUE_DELETE, p, N_OF(p), &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_CONFLICT, "the event was decided meanwhile");
    return rc;
}

enum status
queue_later(struct store_tx *tx, int shard, int64_t seq, int64_t not_before_us,
            struct error *err)
{
    const struct db_value p[] = {DB_I(shard), DB_I(seq), DB_I(not_before_us)};

    return tx_exec(tx, STORE_SQL_QUEUE_LATER, p, N_OF(p), NULL, err);
}

enum status
queue_count(struct store_tx *tx, int64_t *out, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    static const struct field one[] = {{FIELD_INT64, 0}};

    if (!a)
        return fail(err, E_NOMEM, "store");
    return fields_one(tx, a, STORE_SQL_QUEUE_COUNT, NULL, 0, one, 1, out,
                      "count", err);
}

enum status
event_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
          const char *id, struct event_row *out, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of_id(id)), DB_S(id),
                                 DB_S(workspace_id)};
    enum status rc = fields_one(tx, a, STORE_SQL_EVENT_GET, p, N_OF(p),
                                event_fields, EVENT_FIELDS, out, "event", err);

    return rc == E_NOTFOUND ? fail(err, rc, "no event '%s'", id) : rc;
}

/* ---- decisions ---- */

static const struct field decision_fields[] = {
    TEXT_OF(decision_row, id),          TEXT_OF(decision_row, workspace_id),
    TEXT_OF(decision_row, event_id),    TEXT_OF(decision_row, feature_id),
    TEXT_OF(decision_row, feature_key), INT64_OF(decision_row, version),
    TEXT_OF(decision_row, verdict),     TEXT_OF(decision_row, subject_key),
    TEXT_OF(decision_row, run_id),      INT64_OF(decision_row, at_us),
    TEXT_OF(decision_row, detail),
};

enum { DECISION_FIELDS = N_OF(decision_fields) };

enum status
decision_add(struct store_tx *tx, const struct decision_row *in,
             struct error *err)
{
    const char *place = in->event_id ? in->event_id
                        : in->run_id ? in->run_id
                                     : in->id;
    struct db_value p[1 + DECISION_FIELDS] = {DB_I(shard_of_id(place))};

    fields_write(decision_fields, DECISION_FIELDS, in, p + 1);
    return tx_exec(tx, STORE_SQL_DECISION_INSERT, p, N_OF(p), NULL, err);
}

enum status
decisions_of_event(struct store_tx *tx, struct arena *a,
                   const char *workspace_id, const char *event_id,
                   struct decision_row **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of_id(event_id)), DB_S(event_id),
                                 DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_DECISIONS_OF_EVENT, p, N_OF(p),
                        decision_fields, DECISION_FIELDS, sizeof(**out),
                        (void **)out, n, err);
}

enum { LOG_LIMIT_MAX = 1000 };

static int64_t
limit_of(size_t limit)
{
    return limit == 0              ? 50
           : limit > LOG_LIMIT_MAX ? LOG_LIMIT_MAX
                                   : (int64_t)limit;
}

/* A cursor is always set, so that it bounds the walk over the index. */
static const char *
cursor_of(const struct log_filter *f)
{
    if (f->after_id)
        return f->after_id;
    return f->before_id ? f->before_id : ID_ABOVE_ALL;
}

enum status
events_list(struct store_tx *tx, struct arena *a, const struct log_filter *f,
            struct event_row **out, size_t *n, struct error *err)
{
    bool decided = f->feature_key || f->verdict || f->subject_key;
    bool after = f->after_id != NULL;
    const struct db_value p[] = {
        DB_S(f->workspace_id), DB_S(f->type),
        DB_I(decided),         DB_S(f->feature_key),
        DB_S(f->verdict),      DB_S(f->subject_key),
        DB_I(f->since_us),     DB_I(f->until_us ? f->until_us : INT64_MAX),
        DB_S(cursor_of(f)),    DB_I(limit_of(f->limit))};

    return fields_query(
        tx, a, after ? STORE_SQL_EVENTS_AFTER : STORE_SQL_EVENTS_BEFORE, p,
        N_OF(p), event_fields, EVENT_FIELDS, sizeof(**out), (void **)out, n,
        err);
}

enum status
decisions_list(struct store_tx *tx, struct arena *a, const struct log_filter *f,
               struct decision_row **out, size_t *n, struct error *err)
{
    bool after = f->after_id != NULL;
    const struct db_value p[] = {
        DB_S(f->workspace_id), DB_S(f->feature_key),
        DB_S(f->verdict),      DB_S(f->subject_key),
        DB_I(f->since_us),     DB_I(f->until_us ? f->until_us : INT64_MAX),
        DB_S(cursor_of(f)),    DB_I(limit_of(f->limit))};

    return fields_query(
        tx, a, after ? STORE_SQL_DECISIONS_AFTER : STORE_SQL_DECISIONS_BEFORE,
        p, N_OF(p), decision_fields, DECISION_FIELDS, sizeof(**out),
        (void **)out, n, err);
}

/* ---- retention ---- */

static enum status
event_drop(struct store_tx *tx, const char *workspace_id, const char *id,
           struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of_id(id)), DB_S(id),
                                 DB_S(workspace_id)};
    enum status rc =
        tx_exec(tx, STORE_SQL_RETENTION_DECISIONS, p, N_OF(p), NULL, err);

    if (rc == OK)
        rc = tx_exec(tx, STORE_SQL_RETENTION_EVENT, p, N_OF(p), NULL, err);
    return rc;
}

/* Ids begin with the time of their event: the old ones are a range. */
static enum status
workspace_retain(struct store_tx *tx, struct arena *a, const char *workspace_id,
                 int64_t before_us, int64_t limit, int64_t *deleted,
                 struct error *err)
{
    unsigned long long ms =
        before_us > 0 ? (unsigned long long)before_us / 1000 : 0;
    char bound[ID_TEXT_BYTES];
    struct db_rows rows;

    (void)snprintf(bound, sizeof(bound), "%08llx-%04llx", ms >> 16,
                   ms & 0xffff);
    const struct db_value p[] = {DB_S(workspace_id), DB_S(bound),
                                 DB_I(limit - *deleted)};
    enum status rc =
        tx_query(tx, a, STORE_SQL_RETENTION_FIND, p, N_OF(p), &rows, err);
    for (size_t i = 0; rc == OK && i < rows.n; i++) {
        rc = event_drop(tx, workspace_id, db_str(&rows, i, 0), err);
        ++*deleted;
    }
    return rc;
}

enum status
retention_step(struct store_tx *tx, int64_t before_us, size_t limit,
               int64_t *deleted, struct error *err)
{
    AUTO_ARENA a = arena_new((size_t)16 * 1024 * 1024);
    struct db_rows workspaces;

    *deleted = 0;
    if (!a)
        return fail(err, E_NOMEM, "retention");
    enum status rc =
        tx_query(tx, a, STORE_SQL_WORKSPACE_IDS, NULL, 0, &workspaces, err);
    for (size_t i = 0;
         rc == OK && i < workspaces.n && *deleted < (int64_t)limit; i++)
        rc = workspace_retain(tx, a, db_str(&workspaces, i, 0), before_us,
                              (int64_t)limit, deleted, err);
    return rc;
}
