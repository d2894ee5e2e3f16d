#include "runtime/lookups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

enum { LOOKUPS_MAX = 64, PAUSE_S = 5 };

struct slot {
    char id[ID_TEXT_BYTES];
    char dsn_digest[SHA256_HEX_BYTES]; /* reconnect when it changes */
    struct target *target;
    int64_t not_before_us; /* monotonic */
};

struct lookups {
    struct runtime *rt;
    struct slot slots[LOOKUPS_MAX];
    size_t n;
    size_t evict; /* next slot to reuse when full */
};

struct lookups *
lookups_new(struct runtime *rt)
{
    struct lookups *l = calloc(1, sizeof(*l));

    if (l)
        l->rt = rt;
    return l;
}

void
lookups_free(struct lookups *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        target_close(l->slots[i].target);
    free(l);
}

enum status
integration_dsn(struct runtime *rt, const struct integration *row,
                struct secret *out, struct error *err)
{
    char aad[160];

    if (!row->dsn_sealed) {
        (void)error_hint(err, "connect it again with a connection string");
        return fail(err, E_FORBIDDEN, "integration %s has no connection string",
                    row->name);
    }
    (void)snprintf(aad, sizeof(aad), "%s|dsn|%s", row->workspace_id, row->id);
    enum status rc =
        unseal(&runtime_config_get(rt)->key, aad, row->dsn_sealed, out, err);
    return rc == OK ? OK
                    : error_wrap(err, "connection string of %s", row->name);
}

static struct slot *
slot_of(struct lookups *l, const char *id)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->slots[i].id, id) == 0)
            return &l->slots[i];
    struct slot *s;
    if (l->n < LOOKUPS_MAX) {
        s = &l->slots[l->n++];
    } else {
        s = &l->slots[l->evict++ % LOOKUPS_MAX];
        target_close(s->target);
    }
    *s = (struct slot){0};
    (void)snprintf(s->id, sizeof(s->id), "%s", id);
    return s;
}

static enum status
slot_open(struct lookups *l, struct slot *s, const struct integration *row,
          struct error *err)
{
    struct secret dsn = {0};
    enum status rc = integration_dsn(l->rt, row, &dsn, err);

    if (rc != OK)
        return rc;
    struct target_config config = {.conninfo = (const char *)dsn.bytes,
                                   .read_only = true,
                                   .connect_timeout_s = 3,
                                   .statement_timeout_ms = 5000,
                                   .application = "skene lookup"};
    rc = target_open(&config, &s->target, err);
    secret_free(&dsn);
    if (rc != OK)
        s->not_before_us = clock_mono_us() + PAUSE_S * US_PER_S;
    return rc;
}

enum status
lookups_target(struct lookups *l, const struct live_integration *li,
               struct target **out, struct error *err)
{
    struct slot *s = slot_of(l, li->row.id);
    char digest[SHA256_HEX_BYTES] = "";

    if (li->row.dsn_sealed)
        sha256_hex(li->row.dsn_sealed, strlen(li->row.dsn_sealed), digest);
    if (s->target &&
        (strcmp(digest, s->dsn_digest) != 0 || !target_alive(s->target))) {
        target_close(s->target);
        s->target = NULL;
    }
    if (!s->target) {
        if (clock_mono_us() < s->not_before_us)
            return fail(err, E_BUSY, "%s did not answer a moment ago",
                        li->row.name);
        memcpy(s->dsn_digest, digest, sizeof(digest));
        enum status rc = slot_open(l, s, &li->row, err);
        if (rc != OK)
            return rc;
    }
    *out = s->target;
    return OK;
}

void
lookups_drop(struct lookups *l, const struct live_integration *li)
{
    struct slot *s = slot_of(l, li->row.id);

    target_close(s->target);
    s->target = NULL;
    s->not_before_us = clock_mono_us() + PAUSE_S * US_PER_S;
}
