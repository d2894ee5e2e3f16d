#include <stdlib.h>

#include "target/introspect.h"
#include "target/target_internal.h"
#include "target_sql_status.h"

/* Columns of status.sql. */
enum {
    S_VERSION,
    S_ROLE,
    S_SUPER,
    S_CREATE,
    S_SCHEMA,
    S_EVENT_LOG,
    S_FAILED,
    S_CONFIG,
    S_ENRICH,
    S_PG_NET,
    S_TRIGGERS,
    S_CLOCK
};
enum { B_CAPTURE_ON, B_HOME, B_EPOCH, B_BACKLOG, B_FAILED, B_OLDEST };

static bool
is_true(const struct target_rows *r, int column)
{
    const char *cell = target_cell(r, 0, column);

    return cell && cell[0] == '1';
}

static int64_t
number(const struct target_rows *r, int column)
{
    const char *cell = target_cell(r, 0, column);

    return cell ? strtoll(cell, NULL, 10) : 0;
}

static enum status
backlog(struct target *t, struct arena *a, struct target_status *out,
        struct error *err)
{
    struct target_rows r;
    enum status rc = target_query(t, a, SQL_STATUS_BACKLOG, NULL, 0, &r, err);

    if (rc != OK)
        return error_wrap(err, "skene_growth");
    if (r.n == 0)
        return OK; /* the config row is gone: shown as capture off */
    out->capture_on = is_true(&r, B_CAPTURE_ON);
    out->home_ok = is_true(&r, B_HOME);
    out->epoch = target_cell(&r, 0, B_EPOCH);
    out->backlog = number(&r, B_BACKLOG);
    out->failed = number(&r, B_FAILED);
    out->oldest_us = number(&r, B_OLDEST);
    return OK;
}

enum status
target_status_get(struct target *t, struct arena *a, int64_t now_us,
                  struct target_status *out, struct error *err)
{
    struct target_rows r;
    enum status rc = target_query(t, a, SQL_STATUS, NULL, 0, &r, err);

    *out = (struct target_status){.epoch = ""};
    if (rc != OK)
        return error_wrap(err, "status");
    out->version = target_cell(&r, 0, S_VERSION);
    out->role = target_cell(&r, 0, S_ROLE);
    out->superuser = is_true(&r, S_SUPER);
    out->can_create_schema = is_true(&r, S_CREATE);
    out->deployed = is_true(&r, S_SCHEMA);
    out->event_log = is_true(&r, S_EVENT_LOG);
    out->failed_events = is_true(&r, S_FAILED);
    out->config = is_true(&r, S_CONFIG);
    out->enrich = is_true(&r, S_ENRICH);
    out->pg_net = is_true(&r, S_PG_NET);
    out->triggers = number(&r, S_TRIGGERS);
    out->clock_skew_us = number(&r, S_CLOCK) - now_us;
    if (!out->config || !out->event_log || !out->failed_events)
        return OK;
    return backlog(t, a, out, err);
}
