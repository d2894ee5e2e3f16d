#include "target/drain.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "target/sql_text.h"
#include "target/target_internal.h"
#include "target_sql_drain.h"

enum { FETCH_MAX = 10000, LEASE_RENEW_S = 10 };

/* Two integers of an advisory lock: "skene" and what for (deploy has 1). */
#define DRAIN_LOCK                                                \
    "select coalesce((select pg_try_advisory_lock(1936418414, 2)" \
    " from skene_growth.config where drained_until is null"       \
    " or drained_until < clock_timestamp()), false)::int::text"
#define DRAIN_HOME                                               \
    "select (c.home = skene_growth.ident())::int::text, c.epoch" \
    " from skene_growth.config c"
#define DRAIN_DEPLOYED                                           \
    "select (to_regclass('skene_growth.config') is not null and" \
    " to_regclass('skene_growth.event_log') is not null)::int::text"

static enum status
ask(struct target *t, struct arena *a, const char *sql,
    struct target_rows *rows, bool *yes, struct error *err)
{
    enum status rc = target_query(t, a, sql, NULL, 0, rows, err);

    *yes = rc == OK && rows->n == 1 && rows->values[0] &&
           rows->values[0][0] == '1';
    return rc;
}

/* Renews the lease when a third of it has passed. */
static enum status
drain_lease(struct target *t, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    const char *params[] = {t->drain_owner};
    struct target_rows rows;

    if (!a)
        return fail(err, E_NOMEM, "drain");
    if (!t->drain_owner[0]) {
        struct id id = id_new(clock_now_us(NULL));
        memcpy(t->drain_owner, id.text, sizeof(t->drain_owner));
    } else if (clock_mono_us() < t->lease_until_us) {
        return OK;
    }
    enum status rc = target_query(t, a, SQL_DRAIN_LEASE, params, 1, &rows, err);
    if (rc == OK && rows.n == 0)
        return fail(err, E_CONFLICT, "another skene drains this database");
    t->lease_until_us = clock_mono_us() + LEASE_RENEW_S * US_PER_S;
    return rc == OK ? OK : error_wrap(err, "drain");
}

enum status
drain_start(struct target *t, struct arena *a, const char **epoch,
            struct error *err)
{
    struct target_rows rows;
    bool yes = false;

    if (t->read_only)
        return fail(err, E_FORBIDDEN,
                    "draining deletes events: the integration is read only");
    enum status rc = ask(t, a, DRAIN_DEPLOYED, &rows, &yes, err);
    if (rc == OK && !yes)
        return fail(err, E_NOTFOUND, "skene_growth is not deployed here yet");
    if (rc == OK)
        rc = ask(t, a, DRAIN_HOME, &rows, &yes, err);
    if (rc != OK)
        return error_wrap(err, "drain");
    if (!yes) {
        (void)error_hint(err, "skene adopt makes it a deployment of its own");
        return fail(err, E_FORBIDDEN,
                    "this is a copy of the database that was deployed to");
    }
    *epoch = target_cell(&rows, 0, 1);
    if (t->pooled)
        return drain_lease(t, err);
    rc = ask(t, a, DRAIN_LOCK, &rows, &yes, err);
    if (rc == OK && !yes)
        return fail(err, E_CONFLICT, "another skene drains this database");
    if (rc == OK)
        rc = target_simple(t, "listen skene_growth", err);
    return rc == OK ? OK : error_wrap(err, "drain");
}

static const char fetch_plain[] =
    "select l.id::text, l.event_type, l.entity_id, l.metadata::text,"
    " (extract(epoch from l.occurred_at) * 1000000)::bigint::text"
    " from skene_growth.event_log l where l.id > $1::bigint"
    " order by l.id limit $2::integer";

/* The events go without context rather than not at all: enrich() or the map
 * is gone, may not be used, or a join outlasts what a statement may take. */
static bool
context_fails(const char *sqlstate)
{
    static const char *const states[] = {"42883", "42P01", "42501", "57014"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(sqlstate, states[i]) == 0)
            return true;
    return false;
}

enum status
drain_fetch(struct target *t, struct arena *a, int64_t floor, int limit,
            struct drained_event **out, size_t *n, struct error *err)
{
    struct target_rows rows;
    const char *params[] = {
        arena_printf(a, "%lld", (long long)floor),
        arena_printf(a, "%d", limit > FETCH_MAX ? FETCH_MAX : limit)};

    *n = 0;
    if (!params[0] || !params[1])
        return fail(err, E_NOMEM, "drain");
    enum status lease = t->pooled ? drain_lease(t, err) : OK;
    if (lease != OK)
        return lease;
    enum status rc = target_query(t, a, SQL_DRAIN_FETCH, params, 2, &rows, err);
    if (rc == E_DB && context_fails(err->sqlstate)) {
        *err = (struct error){0};
        rc = target_query(t, a, SQL_DRAIN_FETCH_BARE, params, 2, &rows, err);
        if (rc == E_DB && strcmp(err->sqlstate, "42P01") == 0) {
            *err = (struct error){0}; /* no map: no rules */
            rc = target_query(t, a, fetch_plain, params, 2, &rows, err);
        }
    }
    if (rc != OK)
        return error_wrap(err, "drain");
    *out = arena_array(a, rows.n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "drain");
    for (size_t i = 0; i < rows.n; i++)
        (*out)[i] = (struct drained_event){
            .id = strtoll(target_cell(&rows, i, 0), NULL, 10),
            .event_type = target_cell(&rows, i, 1),
            .entity_id = target_cell(&rows, i, 2),
            .metadata = target_cell(&rows, i, 3),
            .occurred_us = strtoll(target_cell(&rows, i, 4), NULL, 10)};
    *n = rows.n;
    return OK;
}

static const char ids_only[] =
    "select l.id::text from skene_growth.event_log l where l.id > $1::bigint"
    " order by l.id limit $2::integer";

enum status
drain_ids(struct target *t, struct arena *a, int64_t floor, int limit,
          int64_t **out, size_t *n, struct error *err)
{
    struct target_rows rows;
    const char *params[] = {arena_printf(a, "%lld", (long long)floor),
                            arena_printf(a, "%d", limit)};

    *n = 0;
    if (!params[0] || !params[1])
        return fail(err, E_NOMEM, "drain");
    enum status rc = target_query(t, a, ids_only, params, 2, &rows, err);
    if (rc != OK)
        return error_wrap(err, "drain");
    if (!(*out = arena_array(a, rows.n + 1, sizeof(**out))))
        return fail(err, E_NOMEM, "drain");
    for (size_t i = 0; i < rows.n; i++)
        (*out)[i] = strtoll(target_cell(&rows, i, 0), NULL, 10);
    *n = rows.n;
    return OK;
}

bool
drain_cannot_read(const struct error *err)
{
    return strncmp(err->sqlstate, "22", 2) == 0; /* data exception */
}

enum status
drain_horizon(struct target *t, struct arena *a, struct drain_horizon *out,
              struct error *err)
{
    struct target_rows rows;
    enum status rc = target_query(t, a, SQL_DRAIN_HORIZON, NULL, 0, &rows, err);

    if (rc != OK)
        return error_wrap(err, "drain");
    if (rows.n == 0)
        return fail(err, E_NOTFOUND, "skene_growth.config is empty");
    *out = (struct drain_horizon){
        .xmin = strtoll(target_cell(&rows, 0, 0), NULL, 10),
        .xmax = strtoll(target_cell(&rows, 0, 1), NULL, 10),
        .epoch = target_cell(&rows, 0, 2)};
    return OK;
}

enum status
drain_ack(struct target *t, const int64_t *ids, size_t n, struct error *err)
{
    /* 20 digits and a comma each, and what the arena needs. */
    AUTO_ARENA a = arena_new(n * 48 + 4096);

    if (n == 0)
        return OK;
    const char *params[] = {a ? sql_int_array(a, ids, n) : NULL};
    if (!params[0])
        return fail(err, E_NOMEM, "acknowledging %zu events", n);
    enum status rc = target_query(t, a, SQL_DRAIN_ACK, params, 1, NULL, err);
    return rc == OK ? OK : error_wrap(err, "acknowledging %zu events", n);
}

enum status
drain_set_aside(struct target *t, int64_t id, const char *reason,
                struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    const char *params[] = {a ? arena_printf(a, "%lld", (long long)id) : NULL,
                            reason};

    if (!params[0])
        return fail(err, E_NOMEM, "setting event %lld aside", (long long)id);
    enum status rc =
        target_query(t, a, SQL_DRAIN_SET_ASIDE, params, 2, NULL, err);
    return rc == OK
               ? OK
               : error_wrap(err, "setting event %lld aside", (long long)id);
}

int
drain_fd(const struct target *t)
{
    return target_alive(t) && !t->pooled ? PQsocket(t->conn) : -1;
}

enum status
drain_rang(struct target *t, bool *rang, struct error *err)
{
    *rang = false;
    if (t->pooled)
        return OK; /* no LISTEN there: the poll finds what came */
    if (!t->conn || !PQconsumeInput(t->conn))
        return t->conn ? target_fail(t, NULL, err)
                       : fail(err, E_NET, "the connection is closed");
    PGnotify *note;
    while ((note = PQnotifies(t->conn)) != NULL) {
        PQfreemem(note);
        *rang = true;
    }
    return OK;
}
