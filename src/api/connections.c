/* Named receivers of effects, and what mail providers tell us. */
#include <string.h>

#include "api/route.h"
#include "codec/crypto.h"
#include "codec/time.h"
#include "runtime/ops.h"

enum { SIGNATURE_TOLERANCE_S = 300 };

enum status
connection_all(struct call *c, struct answer *out, struct error *err)
{
    return op_connections(c->rt, c->a, c->workspace_id, &out->json, err);
}

enum status
connection_set(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    enum status rc = call_body(c, &body, err);

    return rc == OK ? op_connection_put(c->rt, c->a, c->workspace_id, c->param,
                                        body, &out->json, err)
                    : rc;
}

enum status
connection_delete(struct call *c, struct answer *out, struct error *err)
{
    return op_connection_remove(c->rt, c->a, c->workspace_id, c->param,
                                &out->json, err);
}

/* ---- Resend ---- */

static bool
signed_by_resend(struct call *c)
{
    const struct runtime_config *config = runtime_config_get(c->rt);
    const char *id = http_header_get(c->x, "svix-id");
    const char *at = http_header_get(c->x, "svix-timestamp");
    const char *signatures = http_header_get(c->x, "svix-signature");

    return id && at && signatures &&
           webhook_verify(config->resend_webhook_secret, id, at, signatures,
                          c->req->body, c->req->body_n,
                          runtime_now_us(c->rt) / US_PER_S,
                          SIGNATURE_TOLERANCE_S);
}

/* Why the address should get no more mail; NULL: it may. */
static const char *
reason_of(const struct json *event)
{
    const char *type = json_get_str(event, "type", "");
    const char *bounce = json_get_str(
        json_get(json_get(event, "data"), "bounce"), "type", "Permanent");

    if (strcmp(type, "email.complained") == 0)
        return "complaint";
    if (strcmp(type, "email.suppressed") == 0)
        return "suppressed at Resend";
    if (strcmp(type, "email.bounced") == 0 && strcmp(bounce, "Permanent") == 0)
        return "bounce";
    return NULL;
}

static enum status
suppress_all(struct call *c, const struct json *to, const char *reason,
             int64_t *n, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = call_begin(c, true, &tx, err);

    for (uint32_t i = 0; rc == OK && json_is(to, JSON_ARRAY) && i < to->n;
         i++) {
        const char *address = json_str(to->items[i], NULL);
        if (!address || !strchr(address, '@'))
            continue;
        rc = suppression_add(tx, c->workspace_id, address, reason,
                             runtime_now_us(c->rt), err);
        ++*n;
    }
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    return store_commit(whole, err);
}

/* Bounces and complaints: those addresses get no mail any more. Other events
 * are taken note of by answering, so that they are not sent again. */
enum status
resend_event(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    int64_t n = 0;

    if (!runtime_config_get(c->rt)->resend_webhook_secret) {
        (void)error_hint(err, "set RESEND_WEBHOOK_SECRET");
        return fail(err, E_NOTFOUND, "Resend's webhook is not set up");
    }
    if (!signed_by_resend(c))
        return fail(err, E_AUTH, "the signature does not fit");
    enum status rc = call_body(c, &body, err);
    if (rc != OK)
        return rc;
    const char *reason = reason_of(body);
    if (reason)
        rc = suppress_all(c, json_get(json_get(body, "data"), "to"), reason, &n,
                          err);
    out->json =
        json_put(c->a, json_object(c->a), "suppressed", json_integer(c->a, n));
    return rc;
}
