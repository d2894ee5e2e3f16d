/*
 * Actions, attempts, sends, the dev inbox, analytics events, suppressions,
 * totals.
 */
#include <string.h>

#include "store/fields.h"

static const struct field action_fields[] = {
    TEXT_OF(action_row, id),          TEXT_OF(action_row, workspace_id),
    TEXT_OF(action_row, key),         TEXT_OF(action_row, run_id),
    TEXT_OF(action_row, feature_id),  TEXT_OF(action_row, feature_key),
    INT64_OF(action_row, version),    TEXT_OF(action_row, event_id),
    TEXT_OF(action_row, subject_key), TEXT_OF(action_row, kind),
    TEXT_OF(action_row, address),     TEXT_OF(action_row, payload),
    TEXT_OF(action_row, status),      TEXT_OF(action_row, verdict),
    INT64_OF(action_row, attempts),   INT64_OF(action_row, due_us),
    INT64_OF(action_row, created_us), INT64_OF(action_row, done_us),
    TEXT_OF(action_row, last_error),  TEXT_OF(action_row, provider_id),
    TEXT_OF(action_row, gates),
};

enum { ACTION_FIELDS = N_OF(action_fields) };

/* An action lives in the shard of its run's id, so that key and id agree. */
static int
shard_of_action(const struct action_row *in)
{
    return shard_of_id(in->run_id);
}

enum status
action_insert(struct store_tx *tx, const struct action_row *in,
              struct error *err)
{
    struct db_value p[1 + ACTION_FIELDS] = {DB_I(shard_of_action(in))};

    fields_write(action_fields, ACTION_FIELDS, in, p + 1);
    return tx_exec(tx, STORE_SQL_ACTION_INSERT, p, N_OF(p), NULL, err);
}

static enum status
query(struct store_tx *tx, struct arena *a, int sql, const struct db_value *p,
      size_t n_p, struct action_row **out, size_t *n, struct error *err)
{
    return fields_query(tx, a, sql, p, n_p, action_fields, ACTION_FIELDS,
                        sizeof(**out), (void **)out, n, err);
}

enum status
actions_due(struct store_tx *tx, struct arena *a, int shard_from, int shard_to,
            int64_t now_us, size_t limit, struct action_row **out, size_t *n,
            struct error *err)
{
    const struct db_value p[] = {DB_I(shard_from), DB_I(shard_to), DB_I(now_us),
                                 DB_I((int64_t)limit)};

    return query(tx, a, STORE_SQL_ACTIONS_DUE, p, N_OF(p), out, n, err);
}

enum status
action_update(struct store_tx *tx, const struct action_row *in,
              struct error *err)
{
    const struct db_value p[] = {
        DB_I(shard_of_action(in)), DB_S(in->id),          DB_S(in->status),
        DB_S(in->verdict),         DB_I(in->attempts),    DB_I(in->due_us),
        DB_I(in->done_us),         DB_S(in->last_error),  DB_S(in->provider_id),
        DB_S(in->gates),           DB_S(in->workspace_id)};

    return tx_exec(tx, STORE_SQL_ACTION_UPDATE, p, N_OF(p), NULL, err);
}

enum status
action_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
           const char *id, struct action_row *out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(id)};
    enum status rc =
        fields_one(tx, a, STORE_SQL_ACTION_GET, p, N_OF(p), action_fields,
                   ACTION_FIELDS, out, "action", err);

    return rc == E_NOTFOUND ? fail(err, rc, "no action '%s'", id) : rc;
}

enum status
actions_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
             const char *status, const char *event_id, const char *run_id,
             const char *before_id, size_t limit, struct action_row **out,
             size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id),
                                 DB_S(status),
                                 DB_S(event_id),
                                 DB_S(run_id),
                                 DB_S(before_id ? before_id : ID_ABOVE_ALL),
                                 DB_I(limit == 0     ? 50
                                      : limit > 1000 ? 1000
                                                     : (int64_t)limit)};

    if (event_id && !status && !run_id && !before_id)
        return query(tx, a, STORE_SQL_ACTIONS_OF_EVENT,
                     (const struct db_value[]){p[0], p[2]}, 2, out, n, err);
    return query(tx, a, STORE_SQL_ACTIONS_LIST, p, N_OF(p), out, n, err);
}

/* ---- attempts ---- */

static const struct field attempt_fields[] = {
    TEXT_OF(attempt_row, action_id), INT64_OF(attempt_row, number),
    INT64_OF(attempt_row, at_us),    INT64_OF(attempt_row, latency_us),
    INT_OF(attempt_row, code),       TEXT_OF(attempt_row, outcome),
    TEXT_OF(attempt_row, message),   TEXT_OF(attempt_row, response),
};

enum status
attempt_add(struct store_tx *tx, const struct attempt_row *in,
            struct error *err)
{
    struct db_value p[1 + N_OF(attempt_fields)] = {
        DB_I(shard_of_id(in->action_id))};

    fields_write(attempt_fields, N_OF(attempt_fields), in, p + 1);
    return tx_exec(tx, STORE_SQL_ATTEMPT_INSERT, p, N_OF(p), NULL, err);
}

enum status
attempts_of(struct store_tx *tx, struct arena *a, const char *action_id,
            struct attempt_row **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of_id(action_id)), DB_S(action_id)};

    return fields_query(tx, a, STORE_SQL_ATTEMPTS_OF, p, N_OF(p),
                        attempt_fields, N_OF(attempt_fields), sizeof(**out),
                        (void **)out, n, err);
}

/* ---- sends ---- */

enum status
send_add(struct store_tx *tx, const char *workspace_id, const char *subject_key,
         const char *feature_id, const char *action_id, int64_t at_us,
         struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(workspace_id),
                                 DB_S(subject_key),
                                 DB_I(at_us),
                                 DB_S(action_id),
                                 DB_S(feature_id)};

    return tx_exec(tx, STORE_SQL_SEND_INSERT, p, N_OF(p), NULL, err);
}

enum status
sends_count(struct store_tx *tx, const char *workspace_id,
            const char *subject_key, const char *feature_id, int64_t since_us,
            int64_t *count, int64_t *oldest_us, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(workspace_id), DB_S(subject_key),
                                 DB_S(feature_id), DB_I(since_us)};
    AUTO_ARENA a = arena_new(4096);
    struct db_rows rows;

    if (!a)
        return fail(err, E_NOMEM, "sends");
    enum status rc =
        tx_query(tx, a, STORE_SQL_SENDS_COUNT, p, N_OF(p), &rows, err);
    if (rc == OK) {
        *count = db_int(&rows, 0, 0);
        *oldest_us = db_int(&rows, 0, 1);
    }
    return rc;
}

/* ---- inbox and tracks ---- */

static const struct field mail_fields[] = {
    TEXT_OF(mail_row, workspace_id), TEXT_OF(mail_row, id),
    TEXT_OF(mail_row, sender),       TEXT_OF(mail_row, recipient),
    TEXT_OF(mail_row, subject),      TEXT_OF(mail_row, html),
    TEXT_OF(mail_row, text),         TEXT_OF(mail_row, headers),
    INT64_OF(mail_row, at_us),
};

enum status
inbox_add(struct store_tx *tx, const struct mail_row *in, struct error *err)
{
    struct db_value p[N_OF(mail_fields)];

    fields_write(mail_fields, N_OF(p), in, p);
    return tx_exec(tx, STORE_SQL_INBOX_INSERT, p, N_OF(p), NULL, err);
}

static int64_t
page(size_t limit)
{
    return limit == 0 ? 50 : limit > 1000 ? 1000 : (int64_t)limit;
}

enum status
inbox_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
           const char *before_id, size_t limit, struct mail_row **out,
           size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id),
                                 DB_S(before_id ? before_id : ID_ABOVE_ALL),
                                 DB_I(page(limit))};

    return fields_query(tx, a, STORE_SQL_INBOX_LIST, p, N_OF(p), mail_fields,
                        N_OF(mail_fields), sizeof(**out), (void **)out, n, err);
}

enum status
inbox_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
          const char *id, struct mail_row *out, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(id)};

    return fields_one(tx, a, STORE_SQL_INBOX_GET, p, N_OF(p), mail_fields,
                      N_OF(mail_fields), out, "such mail", err);
}

static const struct field track_fields[] = {
    TEXT_OF(track_row, workspace_id), TEXT_OF(track_row, id),
    TEXT_OF(track_row, event),        TEXT_OF(track_row, subject_key),
    TEXT_OF(track_row, properties),   INT64_OF(track_row, at_us),
};

enum status
track_add(struct store_tx *tx, const struct track_row *in, struct error *err)
{
    struct db_value p[N_OF(track_fields)];

    fields_write(track_fields, N_OF(p), in, p);
    return tx_exec(tx, STORE_SQL_TRACK_INSERT, p, N_OF(p), NULL, err);
}

enum status
tracks_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
            const char *before_id, size_t limit, struct track_row **out,
            size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id),
                                 DB_S(before_id ? before_id : ID_ABOVE_ALL),
                                 DB_I(page(limit))};

    return fields_query(tx, a, STORE_SQL_TRACKS_LIST, p, N_OF(p), track_fields,
                        N_OF(track_fields), sizeof(**out), (void **)out, n,
                        err);
}

/* ---- suppressions ---- */

enum status
suppression_add(struct store_tx *tx, const char *workspace_id,
                const char *address, const char *reason, int64_t at_us,
                struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(address),
                                 DB_S(reason), DB_I(at_us)};

    return tx_exec(tx, STORE_SQL_SUPPRESSION_INSERT, p, N_OF(p), NULL, err);
}

enum status
suppression_remove(struct store_tx *tx, const char *workspace_id,
                   const char *address, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(address)};
    int64_t changed = 0;
    enum status rc =
        tx_exec(tx, STORE_SQL_SUPPRESSION_DELETE, p, N_OF(p), &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_NOTFOUND, "'%s' is not suppressed", address);
    return rc;
}

enum status
suppression_find(struct store_tx *tx, struct arena *a, const char *workspace_id,
                 const char *address, const char **reason, struct error *err)
{
    const struct db_value p[] = {DB_S(workspace_id), DB_S(address)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_SUPPRESSION_FIND, p, N_OF(p), &rows, err);

    *reason = rc == OK && rows.n ? db_str(&rows, 0, 0) : NULL;
    return rc;
}

enum status
suppression_list(struct store_tx *tx, struct arena *a, const char *workspace_id,
                 struct suppression_row **out, size_t *n, struct error *err)
{
    static const struct field fields[] = {
        TEXT_OF(suppression_row, address),
        TEXT_OF(suppression_row, reason),
        INT64_OF(suppression_row, at_us),
    };
    const struct db_value p[] = {DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_SUPPRESSION_LIST, p, N_OF(p), fields,
                        N_OF(fields), sizeof(**out), (void **)out, n, err);
}

enum status
store_counts(struct store_tx *tx, const char *workspace_id,
             struct store_counts *out, struct error *err)
{
    static const struct field fields[] = {
        INT64_OF(store_counts, events),
        INT64_OF(store_counts, queued),
        INT64_OF(store_counts, decisions),
        INT64_OF(store_counts, runs_active),
        INT64_OF(store_counts, actions_pending),
        INT64_OF(store_counts, actions_succeeded),
        INT64_OF(store_counts, actions_failed),
        INT64_OF(store_counts, actions_skipped),
        INT64_OF(store_counts, mails),
        INT64_OF(store_counts, tracks),
    };
    const struct db_value p[] = {DB_S(workspace_id)};
    AUTO_ARENA a = arena_new((size_t)16 * 1024);

    if (!a)
        return fail(err, E_NOMEM, "counts");
    return fields_one(tx, a, STORE_SQL_COUNTS, p, N_OF(p), fields, N_OF(fields),
                      out, "counts", err);
}
