/* Versions of a feature, the runs on them, and what came of them. */
#include <stdlib.h>

#include "api/route.h"
#include "codec/time.h"
#include "runtime/ops.h"

enum { VERSION_MAX = 1000000, FUNNEL_DAYS = 30 };

enum status
feature_versions_all(struct call *c, struct answer *out, struct error *err)
{
    return op_versions(c->rt, c->a, c->workspace_id, c->param, &out->json, err);
}

static enum status
query_version(struct call *c, const char *key, int64_t *out, struct error *err)
{
    const char *text = call_query(c, key);
    char *end = NULL;

    *out = text ? strtol(text, &end, 10) : 0;
    if (!text || (*end == '\0' && *out >= 1 && *out <= VERSION_MAX))
        return OK;
    enum status rc = fail(err, E_INVALID, "%s must be a version", key);
    (void)error_field(err, "%s", key);
    return rc;
}

enum status
feature_version_diff(struct call *c, struct answer *out, struct error *err)
{
    int64_t from = 0, to = 0;
    enum status rc = query_version(c, "from", &from, err);

    if (rc == OK)
        rc = query_version(c, "to", &to, err);
    return rc == OK ? op_version_diff(c->rt, c->a, c->workspace_id, c->param,
                                      from, to, &out->json, err)
                    : rc;
}

enum status
feature_runs_move(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    const char *what = NULL;
    enum status rc = call_body(c, &body, err);

    if (rc == OK)
        rc = body_text(body, "do", &what, err);
    return rc == OK ? op_runs_move(c->rt, c->a, c->workspace_id, c->param, what,
                                   json_bool(json_get(body, "dry"), false),
                                   &out->json, err)
                    : rc;
}

enum status
feature_conversion(struct call *c, struct answer *out, struct error *err)
{
    return op_conversion(c->rt, c->a, c->workspace_id, c->param, &out->json,
                         err);
}

enum status
feature_funnel(struct call *c, struct answer *out, struct error *err)
{
    int64_t since_us = 0, until_us = 0, now_us = runtime_now_us(c->rt);
    enum status rc = query_time(c, "since", &since_us, err);

    if (rc == OK)
        rc = query_time(c, "until", &until_us, err);
    return rc == OK ? op_funnel(c->rt, c->a, c->workspace_id, c->param,
                                since_us ? since_us
                                         : now_us - FUNNEL_DAYS * US_PER_DAY,
                                until_us ? until_us : now_us, &out->json, err)
                    : rc;
}
