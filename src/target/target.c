#include "target/target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "target/target_internal.h"

enum { GRACE_MS = 5000, PARAMS_MAX = 64 };

bool
target_alive(const struct target *t)
{
    return t->channel || (t->conn && PQstatus(t->conn) == CONNECTION_OK);
}

bool
target_read_only(const struct target *t)
{
    return t->read_only;
}

int
target_version(const struct target *t)
{
    return t->channel ? t->channel->server_version : PQserverVersion(t->conn);
}

enum status
target_fail(struct target *t, const PGresult *result, struct error *err)
{
    const char *state =
        result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text =
        result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *hint =
        result ? PQresultErrorField(result, PG_DIAG_MESSAGE_HINT) : NULL;

    if (!state || PQstatus(t->conn) != CONNECTION_OK) {
        char line[300];
        (void)snprintf(line, sizeof(line), "%s",
                       text ? text : PQerrorMessage(t->conn));
        line[strcspn(line, "\n")] = '\0';
        return fail(err, E_NET, "connection lost: %s", line);
    }
    if (hint)
        (void)error_hint(err, "%s", hint);
    enum status rc = fail(err, E_DB, "%s", text ? text : "query failed");
    if (err)
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    return rc;
}

/* Waits for the next result; a server that went silent costs the statement's
 * time limit and a little, then the connection is given up. */
static enum status
wait_readable(struct target *t, int64_t deadline_us, struct error *err)
{
    while (PQisBusy(t->conn)) {
        int64_t left_ms = (deadline_us - clock_mono_us()) / US_PER_MS;
        struct pollfd p = {.fd = PQsocket(t->conn), .events = POLLIN};
        int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
        if (n == 0) {
            PQfinish(t->conn);
            t->conn = NULL;
            return fail(err, E_TIMEOUT, "no answer from the database");
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (!PQconsumeInput(t->conn))
            return target_fail(t, NULL, err);
    }
    return OK;
}

/* All results of what was sent; the first bad one, or the last good one. */
static enum status
collect(struct target *t, PGresult **out, struct error *err)
{
    int64_t deadline_us =
        clock_mono_us() + (t->statement_timeout_ms + GRACE_MS) * US_PER_MS;
    bool bad = false;

    *out = NULL;
    for (;;) {
        enum status rc = wait_readable(t, deadline_us, err);
        if (rc != OK)
            return rc;
        PGresult *r = PQgetResult(t->conn);
        if (!r)
            break;
        if (bad) {
            PQclear(r);
            continue;
        }
        PQclear(*out);
        *out = r;
        ExecStatusType s = PQresultStatus(r);
        bad = s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK &&
              s != PGRES_EMPTY_QUERY;
    }
    return bad || !*out ? target_fail(t, *out, err) : OK;
}

enum status
target_simple(struct target *t, const char *sql, struct error *err)
{
    AUTO_PGRESULT r = NULL;

    if (!PQsendQuery(t->conn, sql))
        return target_fail(t, NULL, err);
    return collect(t, &r, err);
}

static enum status
copy_rows(struct arena *a, const PGresult *r, struct target_rows *out,
          struct error *err)
{
    size_t n = (size_t)PQntuples(r);
    int columns = PQnfields(r);
    size_t cells = n * (size_t)columns;

    *out = (struct target_rows){.n = n, .columns = columns};
    out->values = arena_array(a, cells + 1, sizeof(*out->values));
    if (!out->values)
        return fail(err, E_NOMEM, "%zu rows", n);
    for (size_t i = 0; i < cells; i++) {
        int row = (int)(i / (size_t)columns), col = (int)(i % (size_t)columns);
        if (PQgetisnull(r, row, col))
            continue;
        out->values[i] = arena_strndup(a, PQgetvalue(r, row, col),
                                       (size_t)PQgetlength(r, row, col));
        if (!out->values[i])
            return fail(err, E_NOMEM, "%zu rows", n);
    }
    return OK;
}

static enum status
run(struct target *t, struct arena *a, const char *sql,
    const char *const *params, int n_params, struct target_rows *out,
    struct error *err)
{
    AUTO_PGRESULT r = NULL;

    if (!PQsendQueryParams(t->conn, sql, n_params, NULL, params, NULL, NULL, 0))
        return target_fail(t, NULL, err);
    enum status rc = collect(t, &r, err);
    if (rc != OK || !out)
        return rc;
    return copy_rows(a, r, out, err);
}

/* Behind a transaction pooler the settings live in the transaction. */
static enum status
begin(struct target *t, struct error *err)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "begin %s; set local search_path = pg_catalog, pg_temp; "
                   "set local timezone = 'UTC'; "
                   "set local statement_timeout = %d",
                   t->read_only ? "read only" : "read write",
                   t->statement_timeout_ms);
    return target_simple(t, sql, err);
}

void
target_undo(struct target *t)
{
    AUTO_PGRESULT r = NULL;
    struct error ignored;

    if (!target_alive(t))
        return;
    if (PQsendQuery(t->conn, "rollback") && collect(t, &r, &ignored) == OK)
        return;
    PQfinish(t->conn);
    t->conn = NULL;
}

static enum status
finish(struct target *t, enum status rc, struct error *err)
{
    if (rc == OK)
        return target_simple(t, "commit", err);
    target_undo(t);
    return rc;
}

static enum status
check_open(const struct target *t, struct error *err)
{
    return t->conn || t->channel ? OK
                                 : fail(err, E_NET, "the connection is closed");
}

/* The server refuses writes as well; what can be seen is not even sent. */
static enum status
check_reads(const struct target *t, const char *sql, struct error *err)
{
    static const char *const reads[] = {"select", "with", "show"};

    if (!t->read_only)
        return OK;
    sql += strspn(sql, " \t\n");
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
        if (strncasecmp(sql, reads[i], strlen(reads[i])) == 0)
            return OK;
    return fail(err, E_FORBIDDEN, "this integration is read only");
}

enum status
target_query(struct target *t, struct arena *a, const char *sql,
             const char *const *params, int n_params, struct target_rows *out,
             struct error *err)
{
    enum status rc = check_open(t, err);

    if (rc == OK)
        rc = check_reads(t, sql, err);

    if (rc != OK)
        return rc;
    if (n_params > PARAMS_MAX)
        return fail(err, E_BUG, "%d parameters", n_params);
    if (t->channel)
        return channel_query(t, a, sql, params, n_params, out, err);
    bool wrap = t->pooled && !t->in_tx;
    if (wrap)
        rc = begin(t, err);
    if (rc == OK)
        rc = run(t, a, sql, params, n_params, out, err);
    return wrap ? finish(t, rc, err) : rc;
}

enum status
target_script(struct target *t, const char *sql, struct error *err)
{
    enum status rc = check_open(t, err);

    if (rc != OK)
        return rc;
    if (t->read_only) {
        (void)error_hint(err, "connect it again with write access, or take "
                              "the SQL of deploy --out");
        return fail(err, E_FORBIDDEN, "this integration is read only");
    }
    if (t->channel)
        return channel_script(t, sql, err);
    bool wrap = t->pooled && !t->in_tx;
    if (wrap)
        rc = begin(t, err);
    if (rc == OK)
        rc = target_simple(t, sql, err);
    return wrap ? finish(t, rc, err) : rc;
}

enum status
target_snapshot(struct target *t, struct error *err)
{
    enum status rc = check_open(t, err);

    if (rc == OK && t->channel)
        rc = fail(err, E_UNSUPPORTED, "a snapshot needs a connection string");
    if (rc == OK)
        rc = target_simple(t,
                           "begin isolation level repeatable read read only; "
                           "set local search_path = pg_catalog, pg_temp; "
                           "set local timezone = 'UTC'",
                           err);
    t->in_tx = rc == OK;
    t->read_only = t->read_only || rc == OK;
    return rc;
}
