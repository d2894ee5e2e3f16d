#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "target/target_internal.h"

enum { CONNECT_TIMEOUT_S = 10, STATEMENT_TIMEOUT_MS = 10000 };

static void
quiet(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* Every code holds a digit; "FATAL:" looks alike otherwise. */
static bool
is_sqlstate(const char *s)
{
    return strcspn(s, "0123456789") < 5 &&
           strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
           s[5] == ':';
}

/* Before a connection stands, libpq gives the SQLSTATE only inside the verbose
 * message: `… FATAL:  28P01: password authentication failed …`. Cuts it out
 * of the first line of `text`. */
static void
take_sqlstate(char *text, char state[6])
{
    text[strcspn(text, "\n")] = '\0';
    for (char *p = strchr(text, ':'); p; p = strchr(p + 1, ':')) {
        char *code = p + 1 + strspn(p + 1, " ");
        if (!is_sqlstate(code))
            continue;
        memcpy(state, code, 5);
        state[5] = '\0';
        char *rest = code + 6 + strspn(code + 6, " ");
        memmove(code, rest, strlen(rest) + 1);
        return;
    }
}

static enum status
refuse(PGconn *conn, struct error *err)
{
    char text[400], state[6] = "";
    enum status code = E_NET;

    (void)snprintf(text, sizeof(text), "%s", PQerrorMessage(conn));
    take_sqlstate(text, state);
    if (strncmp(state, "28", 2) == 0 || PQconnectionNeedsPassword(conn)) {
        code = E_AUTH;
        (void)error_hint(err, "check user and password of the connection "
                              "string; percent-encode special characters");
    } else if (state[0]) {
        code = E_DB;
    } else {
        (void)error_hint(err, "is the database running and reachable from "
                              "here? see skene doctor");
    }
    enum status rc = fail(err, code, "%s", text[0] ? text : "not connected");
    if (err)
        memcpy(err->sqlstate, state, sizeof(err->sqlstate));
    return rc;
}

static enum status
wait_connected(PGconn *conn, int timeout_s, struct error *err)
{
    int64_t deadline_us = clock_mono_us() + timeout_s * US_PER_S;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED)
            return refuse(conn, err);
        int64_t left_ms = (deadline_us - clock_mono_us()) / US_PER_MS;
        struct pollfd p = {.fd = PQsocket(conn),
                           .events = want == PGRES_POLLING_READING ? POLLIN
                                                                   : POLLOUT};
        int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
        if (n == 0) {
            const char *host = PQhost(conn), *port = PQport(conn);
            return fail(err, E_NET, "%s port %s did not answer in %d s",
                        host && *host ? host : "server", port ? port : "?",
                        timeout_s);
        }
        if (n > 0 || errno != EINTR)
            want = PQconnectPoll(conn);
    }
    return OK;
}

/* Messages of the parser may quote the password: they are not passed on. */
static enum status
check_conninfo(const char *conninfo, struct error *err)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);

    PQfreemem(message);
    if (!options) {
        (void)error_hint(err, "postgres://user:password@host:5432/database; "
                              "percent-encode special characters");
        return fail(err, E_INPUT,
                    "the connection string is neither a URL "
                    "nor a list of key=value");
    }
    PQconninfoFree(options);
    return OK;
}

static enum status
settle(struct target *t, struct error *err)
{
    char sql[256];

    if (t->pooled)
        return OK; /* each transaction sets its own */
    (void)snprintf(sql, sizeof(sql),
                   "set search_path = pg_catalog, pg_temp; "
                   "set timezone = 'UTC'; set statement_timeout = %d; "
                   "set default_transaction_read_only = %s",
                   t->statement_timeout_ms, t->read_only ? "on" : "off");
    return target_simple(t, sql, err);
}

static PGconn *
start(const struct target_config *config)
{
    const char *const keys[] = {
        "dbname",           "application_name", "client_encoding",
        "keepalives",       "keepalives_idle",  "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", NULL};
    const char *const values[] = {config->conninfo,
                                  config->application ? config->application
                                                      : "skene",
                                  "UTF8",
                                  "1",
                                  "15",
                                  "5",
                                  "3",
                                  "20000",
                                  NULL};

    return PQconnectStartParams(keys, values, 1);
}

enum status
target_open(const struct target_config *config, struct target **out,
            struct error *err)
{
    int timeout_s = config->connect_timeout_s > 0 ? config->connect_timeout_s
                                                  : CONNECT_TIMEOUT_S;
    enum status rc = check_conninfo(config->conninfo, err);

    *out = NULL;
    if (rc != OK)
        return rc;
    struct target *t = calloc(1, sizeof(*t));
    if (!t)
        return fail(err, E_NOMEM, "connection");
    t->read_only = config->read_only;
    t->statement_timeout_ms = config->statement_timeout_ms > 0
                                  ? config->statement_timeout_ms
                                  : STATEMENT_TIMEOUT_MS;
    t->conn = start(config);
    if (!t->conn) {
        target_close(t);
        return fail(err, E_NOMEM, "connection");
    }
    (void)PQsetErrorVerbosity(t->conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(t->conn, quiet, NULL);
    rc = PQstatus(t->conn) == CONNECTION_BAD
             ? refuse(t->conn, err)
             : wait_connected(t->conn, timeout_s, err);
    if (rc == OK) {
        /* Supabase's transaction poolers listen on this port. */
        const char *port = PQport(t->conn);
        t->pooled = port && strcmp(port, "6543") == 0;
        rc = settle(t, err);
    }
    if (rc != OK) {
        target_close(t);
        return rc;
    }
    *out = t;
    return OK;
}

void
target_close(struct target *t)
{
    if (!t)
        return;
    if (t->channel)
        t->channel->close(t->channel->self);
    free(t->channel);
    PQfinish(t->conn);
    free(t);
}
