/* What would happen, or would have: nothing is written, nothing is sent. */
#include "api/route.h"
#include "runtime/ops.h"

enum status
feature_simulate(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    enum status rc = call_body(c, &body, err);

    return rc == OK ? op_simulate(c->rt, c->a, c->workspace_id, c->param, body,
                                  &out->json, err)
                    : rc;
}

enum status
feature_backtest(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    enum status rc = call_body(c, &body, err);

    return rc == OK ? op_backtest(c->rt, c->a, c->workspace_id, c->param, body,
                                  &out->json, err)
                    : rc;
}

enum status
subject_why_not(struct call *c, struct answer *out, struct error *err)
{
    const char *feature = call_query(c, "feature");

    if (feature)
        return op_why_not(c->rt, c->a, c->workspace_id, c->param, feature,
                          &out->json, err);
    (void)error_hint(err, "?feature=KEY");
    enum status rc = fail(err, E_INVALID, "which feature?");
    (void)error_field(err, "feature");
    return rc;
}
