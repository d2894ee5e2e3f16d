/*
 * Runs, enrolments, stages, schedules, leases.
 */
#include <string.h>

#include "store/fields.h"

static const struct field run_fields[] = {
    TEXT_OF(run_row, id),
    TEXT_OF(run_row, workspace_id),
    TEXT_OF(run_row, integration_id),
    TEXT_OF(run_row, feature_id),
    INT_OF(run_row, shard),
    INT64_OF(run_row, version),
    TEXT_OF(run_row, subject_table),
    TEXT_OF(run_row, subject_id),
    TEXT_OF(run_row, subject_key),
    TEXT_OF(run_row, row_table),
    TEXT_OF(run_row, row_key),
    TEXT_OF(run_row, record),
    TEXT_OF(run_row, event_id),
    TEXT_OF(run_row, event_type),
    TEXT_OF(run_row, state),
    TEXT_OF(run_row, status),
    INT64_OF(run_row, entered_us),
    INT64_OF(run_row, state_entered_us),
    INT64_OF(run_row, state_entry),
    INT64_OF(run_row, checked_us),
    INT64_OF(run_row, due_us),
    INT64_OF(run_row, rev),
    TEXT_OF(run_row, goal),
};

enum { RUN_FIELDS = N_OF(run_fields) };

enum status
run_insert(struct store_tx *tx, const struct run_row *in, struct error *err)
{
    struct db_value p[RUN_FIELDS];

    fields_write(run_fields, RUN_FIELDS, in, p);
    return tx_exec(tx, STORE_SQL_RUN_INSERT, p, N_OF(p), NULL, err);
}

enum status
run_update(struct store_tx *tx, const struct run_row *in, struct error *err)
{
    const struct db_value p[] = {DB_I(in->shard),
                                 DB_S(in->id),
                                 DB_S(in->state),
                                 DB_S(in->status),
                                 DB_I(in->state_entered_us),
                                 DB_I(in->state_entry),
                                 DB_I(in->checked_us),
                                 DB_I(in->due_us),
                                 DB_I(in->rev)};
    int64_t changed = 0;
    enum status rc =
        tx_exec(tx, STORE_SQL_RUN_UPDATE, p, N_OF(p), &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_CONFLICT, "run %s moved meanwhile", in->id);
    return rc;
}

static enum status
query(struct store_tx *tx, struct arena *a, int sql, const struct db_value *p,
      size_t n_p, struct run_row **out, size_t *n, struct error *err)
{
    return fields_query(tx, a, sql, p, n_p, run_fields, RUN_FIELDS,
                        sizeof(**out), (void **)out, n, err);
}

enum status
runs_of_subject(struct store_tx *tx, struct arena *a, int shard,
                const char *feature_id, const char *subject_key,
                struct run_row **out, size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_I(shard), DB_S(subject_key),
                                 DB_S(feature_id)};

    return query(tx, a, STORE_SQL_RUNS_OF_SUBJECT, p, N_OF(p), out, n, err);
}

enum status
runs_of_row(struct store_tx *tx, struct arena *a, const char *feature_id,
            const char *row_key, struct run_row **out, size_t *n,
            struct error *err)
{
    const struct db_value p[] = {DB_S(feature_id), DB_S(row_key)};

    return query(tx, a, STORE_SQL_RUNS_OF_ROW, p, N_OF(p), out, n, err);
}

enum status
runs_due(struct store_tx *tx, struct arena *a, int shard_from, int shard_to,
         int64_t now_us, size_t limit, struct run_row **out, size_t *n,
         struct error *err)
{
    const struct db_value p[] = {DB_I(shard_from), DB_I(shard_to), DB_I(now_us),
                                 DB_I((int64_t)limit)};

    return query(tx, a, STORE_SQL_RUNS_DUE, p, N_OF(p), out, n, err);
}

enum status
runs_of_feature(struct store_tx *tx, struct arena *a, const char *feature_id,
                const char *after_id, size_t limit, struct run_row **out,
                size_t *n, struct error *err)
{
    const struct db_value p[] = {DB_S(feature_id), DB_S(after_id),
                                 DB_I((int64_t)limit)};

    return query(tx, a, STORE_SQL_RUNS_OF_FEATURE, p, N_OF(p), out, n, err);
}

enum status
run_set_version(struct store_tx *tx, const struct run_row *in,
                struct error *err)
{
    const struct db_value p[] = {DB_I(in->shard), DB_S(in->id),
                                 DB_I(in->version), DB_I(in->due_us),
                                 DB_I(in->rev)};
    int64_t changed = 0;
    enum status rc =
        tx_exec(tx, STORE_SQL_RUN_VERSION, p, N_OF(p), &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_CONFLICT, "run %s moved meanwhile", in->id);
    return rc;
}

enum status
goals_count(struct store_tx *tx, struct arena *a, const char *workspace_id,
            const char *feature_id, int64_t over_us, struct goal_count **out,
            size_t *n, struct error *err)
{
    static const struct field fields[] = {
        INT64_OF(goal_count, version), TEXT_OF(goal_count, arm),
        TEXT_OF(goal_count, state), INT64_OF(goal_count, n),
        INT64_OF(goal_count, over)};
    const struct db_value p[] = {DB_S(workspace_id), DB_S(feature_id),
                                 DB_I(over_us)};

    return fields_query(tx, a, STORE_SQL_GOALS_COUNT, p, N_OF(p), fields,
                        N_OF(fields), sizeof(**out), (void **)out, n, err);
}

/* A count above zero. */
static enum status
any(struct store_tx *tx, int sql, const struct db_value *p, size_t n_p,
    bool *out, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    static const struct field one[] = {{FIELD_INT64, 0}};
    int64_t n = 0;

    if (!a)
        return fail(err, E_NOMEM, "store");
    enum status rc = fields_one(tx, a, sql, p, n_p, one, 1, &n, "value", err);
    *out = n > 0;
    return rc;
}

enum status
goal_of_subject(struct store_tx *tx, const char *workspace_id,
                const char *feature_id, const char *subject_key, bool *out,
                struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(subject_key), DB_S(feature_id)};

    return any(tx, STORE_SQL_GOAL_OF_SUBJECT, p, N_OF(p), out, err);
}

static enum status
one_int(struct store_tx *tx, int sql, int64_t *out, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    static const struct field one[] = {{FIELD_INT64, 0}};

    if (!a)
        return fail(err, E_NOMEM, "store");
    return fields_one(tx, a, sql, NULL, 0, one, 1, out, "value", err);
}

enum status
run_of_row_any(struct store_tx *tx, const char *feature_id, const char *row_key,
               bool *out, struct error *err)
{
    const struct db_value p[] = {DB_S(feature_id), DB_S(row_key)};

    return any(tx, STORE_SQL_RUN_OF_ROW_ANY, p, N_OF(p), out, err);
}

enum status
runs_next_due(struct store_tx *tx, int64_t *out, struct error *err)
{
    return one_int(tx, STORE_SQL_RUNS_NEXT_DUE, out, err);
}

enum status
actions_next_due(struct store_tx *tx, int64_t *out, struct error *err)
{
    return one_int(tx, STORE_SQL_ACTIONS_NEXT_DUE, out, err);
}

enum status
runs_of_journey(struct store_tx *tx, struct arena *a, const char *workspace_id,
                const char *subject_key, struct run_row **out, size_t *n,
                struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(workspace_id), DB_S(subject_key)};

    return query(tx, a, STORE_SQL_RUNS_OF_JOURNEY, p, N_OF(p), out, n, err);
}

enum status
runs_count(struct store_tx *tx, struct arena *a, const char *workspace_id,
           struct run_count **out, size_t *n, struct error *err)
{
    static const struct field fields[] = {
        TEXT_OF(run_count, feature_id), TEXT_OF(run_count, state),
        TEXT_OF(run_count, status), INT64_OF(run_count, n)};
    const struct db_value p[] = {DB_S(workspace_id)};

    return fields_query(tx, a, STORE_SQL_RUNS_COUNT, p, N_OF(p), fields,
                        N_OF(fields), sizeof(**out), (void **)out, n, err);
}

/* ---- enrolments ---- */

enum status
enrolment_get(struct store_tx *tx, const char *workspace_id,
              const char *feature_id, const char *subject_key,
              struct enrolment_row *out, struct error *err)
{
    static const struct field fields[] = {
        INT64_OF(enrolment_row, entries),
        INT64_OF(enrolment_row, last_entered_us),
        BOOL_OF(enrolment_row, matched),
        INT64_OF(enrolment_row, rev),
    };
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(subject_key), DB_S(feature_id)};
    AUTO_ARENA a = arena_new(4096);
    struct db_rows rows;

    *out = (struct enrolment_row){.workspace_id = workspace_id,
                                  .feature_id = feature_id,
                                  .subject_key = subject_key};
    if (!a)
        return fail(err, E_NOMEM, "enrolment");
    enum status rc =
        tx_query(tx, a, STORE_SQL_ENROLMENT_GET, p, N_OF(p), &rows, err);
    if (rc == OK && rows.n)
        fields_read(fields, N_OF(fields), &rows, 0, 0, out);
    return rc;
}

enum status
enrolment_put(struct store_tx *tx, const struct enrolment_row *in,
              struct error *err)
{
    const struct db_value p[] = {
        DB_I(shard_of(in->workspace_id, in->subject_key)),
        DB_S(in->subject_key),
        DB_S(in->feature_id),
        DB_I(in->entries),
        DB_I(in->last_entered_us),
        DB_I(in->matched),
        DB_I(in->rev)};
    bool known = in->rev > 0;
    int64_t changed = 0;
    enum status rc = tx_exec(
        tx, known ? STORE_SQL_ENROLMENT_UPDATE : STORE_SQL_ENROLMENT_INSERT, p,
        known ? N_OF(p) : N_OF(p) - 1, &changed, err);

    if (rc == OK && changed == 0)
        rc = fail(err, E_CONFLICT, "enrolment of %s changed meanwhile",
                  in->subject_key);
    return rc;
}

/* ---- stages ---- */

enum status
stage_get(struct store_tx *tx, struct arena *a, const char *workspace_id,
          const char *subject_key, const char **stage, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(workspace_id), DB_S(subject_key)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_STAGE_GET, p, N_OF(p), &rows, err);

    *stage = rc == OK && rows.n ? db_str(&rows, 0, 0) : NULL;
    return rc;
}

enum status
stage_put(struct store_tx *tx, const char *workspace_id,
          const char *subject_key, const char *stage, const char *run_id,
          int64_t at_us, struct error *err)
{
    const struct db_value p[] = {DB_I(shard_of(workspace_id, subject_key)),
                                 DB_S(workspace_id),
                                 DB_S(subject_key),
                                 DB_I(at_us),
                                 DB_S(stage),
                                 DB_S(run_id)};

    return tx_exec(tx, STORE_SQL_STAGE_INSERT, p, N_OF(p), NULL, err);
}

/* ---- schedules ---- */

enum status
schedule_get(struct store_tx *tx, struct arena *a, const char *feature_id,
             struct schedule_row *out, struct error *err)
{
    static const struct field fields[] = {
        INT64_OF(schedule_row, next_us),
        TEXT_OF(schedule_row, scan_after),
        INT64_OF(schedule_row, scan_started_us),
    };
    const struct db_value p[] = {DB_S(feature_id)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_SCHEDULE_GET, p, N_OF(p), &rows, err);

    *out = (struct schedule_row){.feature_id = feature_id};
    if (rc == OK && rows.n)
        fields_read(fields, N_OF(fields), &rows, 0, 0, out);
    return rc;
}

enum status
schedule_put(struct store_tx *tx, const struct schedule_row *in,
             struct error *err)
{
    const struct db_value p[] = {DB_S(in->feature_id), DB_I(in->next_us),
                                 DB_S(in->scan_after),
                                 DB_I(in->scan_started_us)};

    return tx_exec(tx, STORE_SQL_SCHEDULE_PUT, p, N_OF(p), NULL, err);
}

/* ---- leases ---- */

struct lease {
    const char *node;
    int64_t until_us, fence;
};

static enum status
lease_get(struct store_tx *tx, struct arena *a, int shard, struct lease *out,
          struct error *err)
{
    static const struct field fields[] = {TEXT_OF(lease, node),
                                          INT64_OF(lease, until_us),
                                          INT64_OF(lease, fence)};
    const struct db_value p[] = {DB_I(shard)};
    struct db_rows rows;
    enum status rc =
        tx_query(tx, a, STORE_SQL_LEASE_GET, p, N_OF(p), &rows, err);

    *out = (struct lease){0};
    if (rc == OK && rows.n)
        fields_read(fields, N_OF(fields), &rows, 0, 0, out);
    return rc;
}

enum status
lease_take(struct store_tx *tx, const char *node, int64_t now_us,
           int64_t until_us, int64_t *fence, struct error *err)
{
    AUTO_ARENA a = arena_new((size_t)256 * 1024);
    struct lease have;

    if (!a)
        return fail(err, E_NOMEM, "leases");
    enum status rc = lease_get(tx, a, 0, &have, err);
    bool ours = have.node && strcmp(have.node, node) == 0;
    if (rc == OK && have.node && !ours && have.until_us > now_us)
        return fail(err, E_CONFLICT, "node %s owns the shards for %lld s more",
                    have.node, (long long)((have.until_us - now_us) / 1000000));
    *fence = ours ? have.fence : have.fence + 1;
    for (int shard = 0; rc == OK && shard < SHARD_COUNT; shard++) {
        const struct db_value p[] = {DB_I(shard), DB_S(node), DB_I(until_us),
                                     DB_I(*fence)};
        rc = tx_exec(tx, STORE_SQL_LEASE_PUT, p, N_OF(p), NULL, err);
    }
    return rc;
}

enum status
lease_check(struct store_tx *tx, int shard, int64_t fence, struct error *err)
{
    AUTO_ARENA a = arena_new((size_t)16 * 1024);
    struct lease have;

    if (!a)
        return fail(err, E_NOMEM, "lease");
    enum status rc = lease_get(tx, a, shard, &have, err);
    if (rc == OK && have.fence != fence)
        rc = fail(err, E_STORE, "shard %d belongs to another node now", shard);
    return rc;
}
