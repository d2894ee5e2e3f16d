#include <string.h>

#include "runtime/ops_parts.h"
#include "target/backfill.h"
#include "target/introspect.h"

/* Where it stands, by the position its scan keeps. */
static const char *
state_of(const struct feature *f, const struct feature_row *row,
         const struct schedule_row *position)
{
    if (!f->backfill)
        return "off";
    if (position->next_us == INT64_MAX)
        return "done";
    if (position->scan_started_us)
        return "running";
    return strcmp(row->status, "active") == 0 ? "waiting" : "not active";
}

static enum status
load(struct runtime *rt, struct arena *a, const char *workspace_id,
     const char *key, struct feature_row *row, struct feature **f,
     struct schedule_row *position, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, row, err);
    if (rc == OK)
        rc = schedule_get(tx, a, row->id, position, err);
    return rc == OK ? feature_parse_text(a, row->document,
                                         strlen(row->document), f, err)
                    : rc;
}

enum status
op_backfill(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *key, struct json **out, struct error *err)
{
    struct integration in;
    struct feature_row row;
    struct feature *f = NULL;
    struct schedule_row position = {0};
    struct backfill_preview preview = {0};
    struct catalog *c = NULL;
    AUTO_TARGET t = NULL;

    enum status rc = load(rt, a, workspace_id, key, &row, &f, &position, err);
    if (rc == OK && (f->trigger != TRIGGER_ROW || f->op != ROW_INSERT))
        rc = fail(err, E_INVALID,
                  "%s has no trigger on insert: existing rows do not enter it",
                  row.key);
    if (rc == OK)
        rc = op_integration_pick(rt, a, workspace_id, row.integration_id, &in,
                                 err);
    if (rc == OK)
        rc = op_catalog(a, &in, &c, err);
    if (rc == OK)
        rc = op_target(rt, &in, false, &t, err);
    if (rc == OK)
        rc = backfill_preview(t, a, c, f, &preview, err);
    if (rc != OK)
        return rc;
    struct json *o = json_object(a);
    o = op_put_string(a, o, "feature", row.key);
    o = op_put_string(a, o, "backfill", f->backfill ? "existing" : "none");
    o = op_put_string(a, o, "state", state_of(f, &row, &position));
    o = op_put_string(a, o, "table", f->table);
    o = op_put_int(a, o, "rows", preview.rows);
    o = op_put_int(a, o, "matching", preview.matching);
    o = op_put_bool(a, o, "exact", preview.exact);
    o = position.scan_started_us
            ? op_put_time(a, o, "started_at", position.scan_started_us)
            : op_put_string(a, o, "started_at", NULL);
    *out = op_put_string(a, o, "position", position.scan_after);
    return *out ? OK : fail(err, E_NOMEM, "backfill");
}
