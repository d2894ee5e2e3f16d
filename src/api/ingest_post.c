/*
 * POST /cloud/ingest/db-trigger: the one hot route. Nothing here reads the
 * store or waits: the secret is looked up in the registry's snapshot by its
 * hash, the batch goes to the committer, and the answer is sent from the
 * committer's thread once the batch is durable.
 */
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "codec/crypto.h"
#include "runtime/ingest.h"
#include "runtime/registry.h"

enum { SECRET_MAX_BYTES = 512 };

static void
refuse(struct call *c, const struct error *err)
{
    if (!c->request_id) {
        struct id id = id_new(runtime_now_us(c->rt));
        c->request_id = arena_strdup(c->a, id.text);
    }
    atomic_fetch_add(&c->api->ingest_refused, 1);
    error_send(c, err, NULL);
}

static void
accepted(struct call *c, size_t n, size_t duplicates)
{
    char text[80];
    int len = snprintf(text, sizeof(text),
                       "{\"accepted\":%zu,\"duplicates\":%zu}", n, duplicates);

    atomic_fetch_add(&c->api->ingested, (long long)n);
    http_reply(c->x, &(struct http_reply){
                         .status = 202, .body = text, .body_n = (size_t)len});
}

static void
done(const struct ingest_result *result, void *user)
{
    struct call *c = user;
    struct api *api = c->api; /* the call is gone once answered */

    if (result->status == OK)
        accepted(c, result->accepted, result->duplicates);
    else
        refuse(c, &result->error);
    atomic_fetch_sub(&api->in_hand, 1);
}

/* Looking up a SHA-256 leaks nothing of the secret through its timing. */
static enum status
sender(struct call *c, struct registry *r, struct live_integration **out,
       struct error *err)
{
    const char *secret = http_header_get(c->x, "x-skene-secret");
    char hash[SHA256_HEX_BYTES];
    size_t n = secret ? strlen(secret) : 0;

    *out = NULL;
    if (n > 0 && n <= SECRET_MAX_BYTES)
        *out = registry_by_secret(r, sha256_hex(secret, n, hash));
    if (*out && strcmp((*out)->row.status, "connected") == 0 &&
        (!c->workspace_slug ||
         strcmp((*out)->workspace.slug, c->workspace_slug) == 0))
        return OK;
    (void)error_hint(err, "skene integrations lists them; the secret can be "
                          "rotated");
    return fail(err, E_AUTH,
                "x-skene-secret is missing or not that of a "
                "connected integration");
}

static enum status
receive(struct call *c, struct registry *r, bool *queued, struct error *err)
{
    struct live_integration *li = NULL;
    struct received_event *events = NULL;
    const char *epoch = NULL;
    bool wake = false;
    size_t n = 0;

    enum status rc = sender(c, r, &li, err);
    if (rc == OK)
        rc = ingest_parse(c->a, c->req->body, c->req->body_n, &events, &n,
                          &epoch, &wake, err);
    if (rc != OK)
        return rc;
    if (wake)
        ingest_ring(c->rt, li->row.id);
    if (wake || n == 0) {
        accepted(c, 0, 0);
        return OK;
    }
    /* Suspend first: the commit may be over before submit returns. */
    http_suspend(c->x);
    rc = ingest_submit(c->rt, &li->row, epoch ? epoch : li->row.epoch, "push",
                       events, n, done, c, err);
    *queued = rc == OK;
    return rc;
}

void
ingest_post(struct call *c)
{
    AUTO_REGISTRY r = NULL;
    struct api *api = c->api;
    struct error err = {0};
    bool queued = false;

    atomic_fetch_add(&api->in_hand, 1);
    enum status rc = atomic_load(&api->stopping)
                         ? fail(&err, E_BUSY, "the server is stopping")
                         : registry_get(c->rt, &r, &err);
    if (rc == OK)
        rc = receive(c, r, &queued, &err);
    if (rc != OK)
        refuse(c, &err);
    if (!queued)
        atomic_fetch_sub(&api->in_hand, 1);
}
