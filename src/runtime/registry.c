#include "runtime/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/feature.h"
#include "runtime/parts.h"

enum { REGISTRY_MAX_BYTES = 256 * 1024 * 1024 };

struct registry {
    struct arena *a;
    atomic_int refs;
    pthread_mutex_t lock; /* guards `versions` and, then, `a` */
    struct map *versions; /* "<feature>/<version>" -> struct feature */
    struct live_integration *items;
    size_t n;
    struct map *by_id, *by_secret;
};

struct registries {
    pthread_mutex_t lock;
    struct registry *current; /* one reference */
    bool expired;
};

struct registries *
registries_new(void)
{
    struct registries *r = calloc(1, sizeof(*r));

    if (r)
        pthread_mutex_init(&r->lock, NULL);
    return r;
}

void
registries_free(struct registries *r)
{
    if (!r)
        return;
    registry_put(r->current);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
registries_expire(struct registries *r)
{
    pthread_mutex_lock(&r->lock);
    r->expired = true;
    pthread_mutex_unlock(&r->lock);
}

void
registry_put(struct registry *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&r->lock);
    arena_free(r->a);
    free(r);
}

static bool
predicates_local(const struct predicates *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct predicate *p = &list->items[i];
        if (p->kind == PREDICATE_COUNT)
            return false;
        if (p->kind == PREDICATE_COLUMN && !path_is_local(&p->path))
            return false;
        if (p->kind == PREDICATE_ANY && !predicates_local(&p->sub))
            return false;
    }
    return true;
}

static bool
wants_facts(const struct feature *f)
{
    if (f->exit.n || !path_is_local(&f->subject_id) ||
        (f->subject_email.n && !path_is_local(&f->subject_email)) ||
        !predicates_local(&f->conditions))
        return true;
    for (size_t i = 0; i < f->n_states; i++)
        for (size_t j = 0; j < f->states[i].n_transitions; j++)
            if (f->states[i].transitions[j].guard.n)
                return true;
    return false;
}

static enum status
route_add(struct arena *a, struct live_integration *li, const char *table,
          enum row_op op, struct route route, struct error *err)
{
    const char *type = arena_printf(a, "%s.%s", table, row_op_name(op));
    if (!type)
        return fail(err, E_NOMEM, "routes");
    struct routes *r = map_get(li->by_type, type);
    if (!r) {
        r = arena_alloc(a, sizeof(*r));
        if (!r)
            return fail(err, E_NOMEM, "routes");
        enum status rc = map_put(li->by_type, type, r, err);
        if (rc != OK)
            return rc;
    }
    /* Grown one by one: definitions are few and change rarely. */
    struct route *items = arena_array(a, r->n + 1, sizeof(*items));
    if (!items)
        return fail(err, E_NOMEM, "routes");
    if (r->n)
        memcpy(items, r->items, r->n * sizeof(*items));
    items[r->n] = route;
    r->items = items;
    r->n++;
    return OK;
}

static enum status
feature_routes(struct arena *a, struct live_integration *li,
               struct live_feature *lf, struct error *err)
{
    const struct feature *f = lf->f;
    enum status rc = OK;

    if (f->trigger == TRIGGER_ROW)
        rc = route_add(a, li, f->table, f->op, (struct route){.feature = lf},
                       err);
    struct watch *watches = NULL;
    size_t n = 0;
    if (rc == OK)
        rc = feature_watches(a, f, &watches, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++)
        rc =
            route_add(a, li, watches[i].table, watches[i].op,
                      (struct route){.feature = lf, .watch = &watches[i]}, err);
    return rc;
}

static enum status
load_feature(struct arena *a, struct live_integration *li,
             const struct feature_row *row, struct error *err)
{
    struct live_feature *lf = &li->features[li->n_features];
    struct json *doc = NULL;

    *lf = (struct live_feature){.row = *row,
                                .paused = strcmp(row->status, "paused") == 0};
    enum status rc = json_parse(a, row->document, strlen(row->document),
                                (size_t)1024 * 1024, &doc, err);
    if (rc == OK)
        rc = feature_parse(a, doc, &lf->f, err);
    if (rc != OK)
        return error_wrap(err, "feature %s", row->key);
    lf->wants_facts = wants_facts(lf->f);
    li->n_features++;
    return feature_routes(a, li, lf, err);
}

static bool
in_force(const struct feature_row *row, const char *integration_id)
{
    return strcmp(row->integration_id, integration_id) == 0 &&
           (strcmp(row->status, "active") == 0 ||
            strcmp(row->status, "paused") == 0);
}

int
workspace_holdout(struct arena *a, const struct workspace *ws)
{
    struct json *j = NULL;

    /* It was checked when it was set; an old one without is none. */
    if (!ws->settings || json_parse(a, ws->settings, strlen(ws->settings),
                                    65536, &j, NULL) != OK)
        return 0;
    return (int)(json_double(json_get(j, "holdout"), 0) * 10000 + 0.5);
}

static enum status
load_integration(struct registry *r, struct store_tx *tx,
                 struct live_integration *li, const struct feature_row *rows,
                 size_t n_rows, struct error *err)
{
    struct arena *a = r->a;
    enum status rc =
        workspace_by_id(tx, a, li->row.workspace_id, &li->workspace, err);

    if (rc != OK)
        return rc;
    li->holdout = workspace_holdout(a, &li->workspace);
    li->by_type = map_new(a);
    li->features = arena_array(a, n_rows ? n_rows : 1, sizeof(*li->features));
    if (!li->by_type || !li->features)
        return fail(err, E_NOMEM, "integration %s", li->row.name);
    if (li->row.catalog) {
        struct json *j = NULL;
        rc = json_parse(a, li->row.catalog, strlen(li->row.catalog),
                        (size_t)64 * 1024 * 1024, &j, err);
        if (rc == OK)
            rc = catalog_from_json(a, j, &li->catalog, err);
    }
    for (size_t i = 0; rc == OK && i < n_rows; i++)
        if (in_force(&rows[i], li->row.id))
            rc = load_feature(a, li, &rows[i], err);
    if (rc == OK)
        rc = map_put(r->by_id, li->row.id, li, err);
    if (rc == OK && li->row.secret_hash)
        rc = map_put(r->by_secret, li->row.secret_hash, li, err);
    return rc;
}

static enum status
load_all(struct registry *r, struct store_tx *tx, struct error *err)
{
    struct integration *rows = NULL;
    struct feature_row *features = NULL;
    size_t n_features = 0;

    enum status rc = integration_list(tx, r->a, NULL, &rows, &r->n, err);
    if (rc == OK)
        rc = feature_list(tx, r->a, NULL, &features, &n_features, err);
    if (rc != OK)
        return rc;
    r->items = arena_array(r->a, r->n ? r->n : 1, sizeof(*r->items));
    if (!r->items)
        return fail(err, E_NOMEM, "%zu integrations", r->n);
    for (size_t i = 0; rc == OK && i < r->n; i++) {
        r->items[i].row = rows[i];
        rc = load_integration(r, tx, &r->items[i], features, n_features, err);
    }
    return rc;
}

static enum status
build(struct runtime *rt, struct registry **out, struct error *err)
{
    struct registry *r = calloc(1, sizeof(*r));

    if (!r)
        return fail(err, E_NOMEM, "definitions");
    atomic_init(&r->refs, 1);
    pthread_mutex_init(&r->lock, NULL);
    r->a = arena_new(REGISTRY_MAX_BYTES);
    r->by_id = r->a ? map_new(r->a) : NULL;
    r->by_secret = r->a ? map_new(r->a) : NULL;
    r->versions = r->a ? map_new(r->a) : NULL;
    enum status rc = OK;
    if (!r->by_id || !r->by_secret || !r->versions)
        rc = fail(err, E_NOMEM, "definitions");
    AUTO_TX tx = NULL;
    if (rc == OK)
        rc = store_begin(runtime_store(rt), false, &tx, err);
    if (rc == OK)
        rc = load_all(r, tx, err);
    if (rc != OK) {
        registry_put(r);
        return error_wrap(err, "load definitions");
    }
    *out = r;
    return OK;
}

enum status
registry_get(struct runtime *rt, struct registry **out, struct error *err)
{
    struct registries *all = runtime_registries(rt);
    enum status rc = OK;

    pthread_mutex_lock(&all->lock);
    if (!all->current || all->expired) {
        struct registry *fresh = NULL;
        all->expired = false;
        rc = build(rt, &fresh, err);
        if (rc == OK) {
            registry_put(all->current);
            all->current = fresh;
        } else {
            all->expired = true;
        }
    }
    if (rc == OK) {
        atomic_fetch_add(&all->current->refs, 1);
        *out = all->current;
    }
    pthread_mutex_unlock(&all->lock);
    return rc;
}

size_t
registry_count(const struct registry *r)
{
    return r->n;
}

struct live_integration *
registry_at(const struct registry *r, size_t i)
{
    return &r->items[i];
}

struct live_integration *
registry_integration(const struct registry *r, const char *id)
{
    return map_get(r->by_id, id);
}

struct live_integration *
registry_by_secret(const struct registry *r, const char *secret_hash)
{
    return map_get(r->by_secret, secret_hash);
}

struct live_feature *
live_feature_find(const struct live_integration *li, const char *feature_id)
{
    for (size_t i = 0; i < li->n_features; i++)
        if (strcmp(li->features[i].row.id, feature_id) == 0)
            return &li->features[i];
    return NULL;
}

static enum status
version_load(struct registry *r, struct store_tx *tx, const char *key,
             const char *feature_id, int64_t version,
             const struct feature **out, struct error *err)
{
    const char *text = NULL;
    struct json *doc = NULL;
    struct feature *f = NULL;

    enum status rc =
        feature_version_get(tx, r->a, feature_id, version, &text, err);
    if (rc == OK)
        rc = json_parse(r->a, text, strlen(text), (size_t)1024 * 1024, &doc,
                        err);
    if (rc == OK)
        rc = feature_parse(r->a, doc, &f, err);
    if (rc == OK)
        rc = map_put(r->versions, key, f, err);
    if (rc == OK)
        *out = f;
    return rc;
}

enum status
registry_version(struct registry *r, struct store_tx *tx,
                 const struct live_integration *li, const char *feature_id,
                 int64_t version, const struct feature **out, struct error *err)
{
    struct live_feature *lf = live_feature_find(li, feature_id);

    if (lf && lf->row.version == version) {
        *out = lf->f;
        return OK;
    }
    enum status rc = OK;
    pthread_mutex_lock(&r->lock);
    const char *key =
        arena_printf(r->a, "%s/%lld", feature_id, (long long)version);
    *out = key ? map_get(r->versions, key) : NULL;
    if (!key)
        rc = fail(err, E_NOMEM, "version %s", feature_id);
    else if (!*out)
        rc = version_load(r, tx, key, feature_id, version, out, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}
