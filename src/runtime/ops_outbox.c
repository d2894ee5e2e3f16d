/* The outbox in the customer's database: what failed there, and adopting a
 * copy. */
#include "runtime/ops_parts.h"
#include "target/deploy.h"
#include "target/failed.h"

static enum status
open_picked(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *integration_id, bool write, struct target **t,
            struct error *err)
{
    struct integration in;
    enum status rc =
        op_integration_pick(rt, a, workspace_id, integration_id, &in, err);

    return rc == OK ? op_target(rt, &in, write, t, err) : rc;
}

static struct json *
failed_json(struct arena *a, const struct failed_event *f)
{
    struct json *o = json_object(a);

    o = op_put_int(a, o, "id", f->id);
    o = op_put_string(a, o, "type", f->event_type);
    o = op_put_string(a, o, "entity_id", f->entity_id);
    o = op_put_string(a, o, "reason", f->reason);
    o = op_put_string(a, o, "payload", f->payload);
    return op_put_time(a, o, "moved_at", f->moved_us);
}

enum status
op_failed_events(struct runtime *rt, struct arena *a, const char *workspace_id,
                 const char *integration_id, int limit, int64_t before,
                 struct json **out, struct error *err)
{
    struct failed_event *list = NULL;
    size_t n = 0;
    AUTO_TARGET t = NULL;
    enum status rc =
        open_picked(rt, a, workspace_id, integration_id, false, &t, err);

    if (rc == OK)
        rc = failed_list(t, a, limit, before, &list, &n, err);
    if (rc != OK)
        return rc;
    struct json *data = json_array(a);
    for (size_t i = 0; i < n; i++)
        data = json_push(a, data, failed_json(a, &list[i]));
    bool more = n > 0 && n == (size_t)limit;
    *out = json_put(a, json_object(a), "data", data);
    *out = op_put_string(
        a, *out, "next_cursor",
        more ? arena_printf(a, "%lld", (long long)list[n - 1].id) : NULL);
    return *out ? OK : fail(err, E_NOMEM, "failed events");
}

enum status
op_failed_replay(struct runtime *rt, struct arena *a, const char *workspace_id,
                 const char *integration_id, int64_t id, int64_t *n,
                 struct error *err)
{
    AUTO_TARGET t = NULL;
    enum status rc =
        open_picked(rt, a, workspace_id, integration_id, true, &t, err);

    if (rc == OK)
        rc = failed_replay(t, a, id, n, err);
    if (rc == OK && id && *n == 0)
        rc = fail(err, E_NOTFOUND,
                  "no failed event %lld that could be put back", (long long)id);
    return rc;
}

enum status
op_adopt(struct runtime *rt, struct arena *a, const char *workspace_id,
         const char *integration_id, int64_t *forgotten, struct error *err)
{
    AUTO_TARGET t = NULL;
    enum status rc =
        open_picked(rt, a, workspace_id, integration_id, true, &t, err);

    return rc == OK ? deploy_adopt(t, a, forgotten, err) : rc;
}
