/*
 * runtime/registry.h - the definitions in force: integrations with their
 * catalogue and features, parsed once and shared by all threads.
 *
 * A snapshot never changes; a changed definition makes the next
 * registry_get() build a new one. Old versions of a feature, for runs that
 * began on them, are parsed on demand into the snapshot.
 */
#ifndef RUNTIME_REGISTRY_H
#define RUNTIME_REGISTRY_H

#include "core/decide.h"
#include "store/store.h"

struct runtime;

struct live_feature {
    struct feature_row row;
    struct feature *f;
    bool paused;
    bool wants_facts; /* its decisions may need the customer's database */
};

/* Why an event type concerns a feature. */
struct route {
    struct live_feature *feature;
    const struct watch *watch; /* NULL: it is the trigger */
};

struct routes {
    struct route *items;
    size_t n;
};

struct live_integration {
    struct integration row;
    struct workspace workspace;
    int holdout;                   /* the workspace's, of 10,000 */
    struct catalog *catalog;       /* NULL before introspection */
    struct live_feature *features; /* active and paused */
    size_t n_features;
    struct map *by_type; /* "schema.table.op" -> struct routes */
};

struct registry; /* a snapshot; reference-counted */

struct registries;
struct registries *registries_new(void);
void registries_free(struct registries *r);
/* The next registry_get() reads the store again. Threads: any. */
void registries_expire(struct registries *r);

/* Owns: one reference; registry_put(). */
CHECKED enum status registry_get(struct runtime *rt, struct registry **out,
                                 struct error *err);
void registry_put(struct registry *r); /* NULL is allowed */

size_t registry_count(const struct registry *r);
struct live_integration *registry_at(const struct registry *r, size_t i);
struct live_integration *registry_integration(const struct registry *r,
                                              const char *id);
/* By SHA-256 hex of the ingest secret; NULL. */
struct live_integration *registry_by_secret(const struct registry *r,
                                            const char *secret_hash);
/* A feature in a version, whatever its status. Errors: E_NOTFOUND. */
CHECKED enum status registry_version(struct registry *r, struct store_tx *tx,
                                     const struct live_integration *li,
                                     const char *feature_id, int64_t version,
                                     const struct feature **out,
                                     struct error *err);
/* The workspace's holdout from its settings, of 10,000. */
int workspace_holdout(struct arena *a, const struct workspace *ws);
/* Live feature by id, or NULL (archived, draft). */
struct live_feature *live_feature_find(const struct live_integration *li,
                                       const char *feature_id);

static inline void
registry_putp(struct registry **r)
{
    registry_put(*r);
}
#define AUTO_REGISTRY __attribute__((cleanup(registry_putp))) struct registry *

#endif
