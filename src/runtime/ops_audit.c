/* The audit of gaps: rows that are there and of which no event came. */
#include <string.h>

#include "base/map.h"
#include "runtime/ops_parts.h"
#include "target/audit.h"

enum {
    ROWS_MAX = 50000,
    SAMPLES = 10,
    PAGE_ROWS = 5000,
    PAGE_MAX_BYTES = 512 * 1024 * 1024,
    DEPLOYMENTS = 200
};
/* A row younger than this may still be on its way. */
static const int64_t GRACE_US = 30 * US_PER_S;
/* An event is dated by the trigger, its row by its own column. */
static const int64_t SLACK_US = 3600 * US_PER_S;

/* Before its newest change the deployment may not have had the trigger. */
static enum status
newest_change(struct runtime *rt, struct arena *a, const struct integration *in,
              int64_t *out, struct error *err)
{
    struct deployment_row *rows = NULL;
    size_t n = 0;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    *out = 0;
    if (rc == OK)
        rc = deployment_list(tx, a, in->workspace_id, DEPLOYMENTS, &rows, &n,
                             err);
    for (size_t i = 0; rc == OK && i < n; i++)
        if (strcmp(rows[i].integration_id, in->id) == 0 && rows[i].changes &&
            rows[i].applied_us > *out)
            *out = rows[i].applied_us;
    return rc;
}

static enum status
strike(struct map *left, const struct integration *in,
       const struct event_row *e, size_t *missing, struct error *err)
{
    static char gone;
    bool ours = e->key && strcmp(e->integration_id, in->id) == 0;
    const void *found = ours ? map_get(left, e->key) : NULL;

    if (!found || found == &gone)
        return OK;
    *missing -= 1;
    return map_put(left, e->key, &gone, err);
}

/* Takes the rows out of `left` of which an event came. */
static enum status
strike_received(struct runtime *rt, const struct integration *in,
                const char *type, int64_t since_us, struct map *left,
                size_t *missing, struct error *err)
{
    AUTO_ARENA a = arena_new(PAGE_MAX_BYTES);
    char after[ID_TEXT_BYTES] = "00000000-0000-7000-8000-000000000000";
    struct event_row *rows = NULL;
    size_t n = PAGE_ROWS;

    if (!a)
        return fail(err, E_NOMEM, "audit");
    enum status rc = OK;
    while (rc == OK && n == PAGE_ROWS) {
        const struct log_filter filter = {.workspace_id = in->workspace_id,
                                          .type = type,
                                          .since_us = since_us - SLACK_US,
                                          .after_id = after,
                                          .limit = PAGE_ROWS};
        AUTO_TX tx = NULL;
        arena_reset(a);
        rc = store_begin(runtime_store(rt), false, &tx, err);
        if (rc == OK)
            rc = events_list(tx, a, &filter, &rows, &n, err);
        for (size_t i = 0; rc == OK && i < n; i++)
            rc = strike(left, in, &rows[i], missing, err);
        if (rc == OK && n)
            memcpy(after, rows[n - 1].id, sizeof(after));
    }
    return rc;
}

static enum status
audit_one(struct runtime *rt, struct arena *a, struct target *t,
          const struct catalog *c, const struct integration *in,
          const struct capture *capture, int64_t since_us, int64_t until_us,
          struct json *o, size_t *missing, struct error *err)
{
    const char *type =
        arena_printf(a, "%s.%s", capture->table, row_op_name(capture->op));
    const char **keys = NULL;
    struct map *left = map_new(a);
    struct json *samples = json_array(a);
    size_t n = 0, shown = 0;

    if (!type || !left)
        return fail(err, E_NOMEM, "audit");
    enum status rc = audit_rows(t, a, c, capture, since_us, until_us, ROWS_MAX,
                                &keys, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++)
        rc = map_put(left, keys[i], left, err);
    *missing = n;
    if (rc == OK && n)
        rc = strike_received(rt, in, type, since_us, left, missing, err);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < n && shown < SAMPLES; i++)
        if (map_get(left, keys[i]) == left) {
            samples = json_push(a, samples, json_string(a, keys[i]));
            shown++;
        }
    o = op_put_int(a, o, "rows", (int64_t)n);
    o = op_put_bool(a, o, "more", n == ROWS_MAX);
    o = op_put_int(a, o, "missing", (int64_t)*missing);
    o = json_put(a, o, "samples", samples);
    return o ? OK : fail(err, E_NOMEM, "audit");
}

/* One line of the answer for each table whose inserts are captured. */
static enum status
audit_all(struct runtime *rt, struct arena *a, struct target *t,
          const struct integration *in, int64_t since_us, int64_t until_us,
          struct json *data, int64_t *total, struct error *err)
{
    struct catalog *c = NULL;
    struct capture *captures = NULL;
    size_t n = 0, missing = 0;
    enum status rc = op_captures(rt, a, t, in->workspace_id, in, NULL, &c,
                                 &captures, &n, err);

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *o = json_object(a);
        if (captures[i].op != ROW_INSERT)
            continue;
        o = op_put_string(a, o, "table", captures[i].table);
        rc = audit_one(rt, a, t, c, in, &captures[i], since_us, until_us, o,
                       &missing, err);
        *total += rc == OK ? (int64_t)missing : 0;
        if (rc == E_UNSUPPORTED) {
            o = op_put_string(a, o, "cannot", err->msg);
            *err = (struct error){0};
            rc = OK;
        }
        data = json_push(a, data, o);
    }
    return rc == OK && !data ? fail(err, E_NOMEM, "audit") : rc;
}

enum status
op_audit(struct runtime *rt, struct arena *a, const char *workspace_id,
         const char *integration_id, int64_t since_us, struct json **out,
         struct error *err)
{
    struct integration in;
    struct json *data = json_array(a);
    int64_t deployed_us = 0, missing = 0;
    int64_t until_us = runtime_now_us(rt) - GRACE_US;
    AUTO_TARGET t = NULL;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    if (rc == OK)
        rc = newest_change(rt, a, &in, &deployed_us, err);
    if (rc == OK && !deployed_us)
        (void)error_hint(err, "run: skene deploy");
    if (rc == OK && !deployed_us)
        rc = fail(err, E_NOTFOUND, "nothing was deployed to %s yet", in.name);
    if (rc == OK)
        rc = op_target(rt, &in, false, &t, err);
    if (since_us < deployed_us)
        since_us = deployed_us;
    if (rc == OK && since_us < until_us)
        rc = audit_all(rt, a, t, &in, since_us, until_us, data, &missing, err);
    if (rc != OK)
        return rc;
    struct json *o = op_put_time(a, json_object(a), "since", since_us);
    o = op_put_time(a, o, "until", until_us);
    o = op_put_int(a, o, "missing", missing);
    *out = json_put(a, o, "data", data);
    return *out ? OK : fail(err, E_NOMEM, "audit");
}
