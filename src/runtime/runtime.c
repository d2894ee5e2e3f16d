#include "runtime/runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/parts.h"
#include "runtime/registry.h"

enum { CONFIG_MAX_BYTES = 64 * 1024, LEASE_FIRST_S = 30 };

struct runtime {
    struct runtime_config config;
    struct arena *strings; /* of the config */
    struct store *store;
    struct registries *registries;
    struct feed *feed;
    char node[80];
    int64_t fence;
    struct committer *committer;
    struct workers *workers;
    struct ticker *ticker;
    struct scanner *scanner;
    _Atomic(struct dispatcher *) dispatcher; /* workers run before it */
    struct drainer *drainer;
};

static bool
config_copy(struct runtime *rt, const struct runtime_config *config)
{
    const char **strings[] = {
        &rt->config.store_url,
        &rt->config.public_url,
        &rt->config.mail_from,
        &rt->config.resend_key,
        &rt->config.resend_url,
        &rt->config.smtp_url,
        &rt->config.resend_webhook_secret,
        &rt->config.track_sink,
        &rt->config.webhook_secret,
    };

    rt->config = *config;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (!*strings[i])
            continue;
        *strings[i] = arena_strdup(rt->strings, *strings[i]);
        if (!*strings[i])
            return false;
    }
    return true;
}

/* The process that held the lease may have died a moment ago: with a store
 * that one process owns (the lock file says so), its lease is void. */
static enum status
first_lease(struct runtime *rt, struct error *err)
{
    int64_t now_us = clock_now_us(&rt->config.clock);
    AUTO_TX tx = NULL;
    enum status rc = store_begin(rt->store, true, &tx, err);

    if (rc == OK)
        rc = workspace_ensure(tx, "default", "Default", now_us, err);
    if (rc == OK)
        rc = lease_take(tx, rt->node, INT64_MAX,
                        now_us + LEASE_FIRST_S * US_PER_S, &rt->fence, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    return store_commit(whole, err);
}

static enum status
start_parts(struct runtime *rt, struct error *err)
{
    int workers = rt->config.workers ? rt->config.workers : 2;
    /* From the decision back to the source: nobody gets work before the one
     * he hands it to is there. Actions wait in the store for the sender. */
    enum status rc = workers_start(rt, workers, &rt->workers, err);

    if (rc == OK)
        rc = committer_start(rt, &rt->committer, err);
    if (rc == OK)
        rc = scanner_start(rt, &rt->scanner, err);
    if (rc == OK)
        rc = drainer_start(rt, &rt->drainer, err);
    if (rc == OK)
        rc = ticker_start(rt, &rt->ticker, err);
    return rc;
}

enum status
runtime_start(const struct runtime_config *config, struct runtime **out,
              struct error *err)
{
    struct runtime *rt = calloc(1, sizeof(*rt));

    if (!rt)
        return fail(err, E_NOMEM, "runtime");
    struct id id = id_new(clock_now_us(NULL));
    (void)snprintf(rt->node, sizeof(rt->node), "%ld-%.8s", (long)getpid(),
                   id.text + 28);
    rt->strings = arena_new(CONFIG_MAX_BYTES);
    rt->registries = registries_new();
    rt->feed = feed_new();
    enum status rc = OK;
    if (!rt->strings || !rt->registries || !rt->feed ||
        !config_copy(rt, config))
        rc = fail(err, E_NOMEM, "runtime");
    if (rc == OK)
        rc = store_open(rt->config.store_url, &rt->store, err);
    if (rc == OK)
        rc = first_lease(rt, err);
    if (rc == OK)
        rc = start_parts(rt, err);
    if (rc != OK) {
        runtime_stop(rt, 0);
        return rc;
    }
    *out = rt;
    return OK;
}

enum status
runtime_begin_sending(struct runtime *rt, const char *url, struct error *err)
{
    struct dispatcher *d = NULL;

    if (!rt->config.public_url && url && *url) {
        rt->config.public_url = arena_strdup(rt->strings, url);
        if (!rt->config.public_url)
            return fail(err, E_NOMEM, "URL");
    }
    enum status rc = dispatcher_start(rt, &d, err);
    atomic_store(&rt->dispatcher, d);
    return rc;
}

void
runtime_stop(struct runtime *rt, int grace_ms)
{
    if (!rt)
        return;
    /* Source first: what is accepted is finished on its way down. */
    ticker_stop(rt->ticker);
    drainer_stop(rt->drainer);
    scanner_stop(rt->scanner);
    committer_stop(rt->committer);
    workers_stop(rt->workers);
    dispatcher_stop(runtime_dispatcher(rt), grace_ms);
    feed_free(rt->feed);
    registries_free(rt->registries);
    store_close(rt->store);
    arena_free(rt->strings);
    free(rt);
}

struct store *
runtime_store(struct runtime *rt)
{
    return rt->store;
}

const struct runtime_config *
runtime_config_get(const struct runtime *rt)
{
    return &rt->config;
}

int64_t
runtime_now_us(const struct runtime *rt)
{
    return clock_now_us(&rt->config.clock);
}

const struct log *
runtime_log(const struct runtime *rt)
{
    return &rt->config.log;
}

void
runtime_wake(struct runtime *rt)
{
    registries_expire(rt->registries);
    workers_wake(rt->workers);
    dispatcher_wake(runtime_dispatcher(rt));
    drainer_wake(rt->drainer);
    scanner_wake(rt->scanner);
    ticker_wake(rt->ticker);
}

bool
runtime_drain_state(struct runtime *rt, struct arena *a,
                    const char *integration_id, struct drain_state *out)
{
    return drainer_state(rt->drainer, a, integration_id, out);
}

bool
runtime_ready(struct runtime *rt, struct arena *a, const char **why)
{
    AUTO_REGISTRY reg = NULL;
    AUTO_TX tx = NULL;
    struct error err = {0};
    int64_t generation;

    if (store_begin(rt->store, false, &tx, &err) != OK ||
        store_generation(tx, &generation, &err) != OK ||
        registry_get(rt, &reg, &err) != OK) {
        *why = arena_strdup(a, err.msg);
        return false;
    }
    for (size_t i = 0; i < registry_count(reg); i++) {
        const struct integration *row = &registry_at(reg, i)->row;
        struct drain_state state;
        if (runtime_drain_state(rt, a, row->id, &state) &&
            strcmp(state.state, "waiting") == 0) {
            *why =
                arena_printf(a, "integration %s: %s", row->name, state.error);
            return false;
        }
    }
    *why = "";
    return true;
}

struct committer *
runtime_committer(struct runtime *rt)
{
    return rt->committer;
}

struct workers *
runtime_workers(struct runtime *rt)
{
    return rt->workers;
}

struct dispatcher *
runtime_dispatcher(struct runtime *rt)
{
    return atomic_load(&rt->dispatcher);
}

struct drainer *
runtime_drainer(struct runtime *rt)
{
    return rt->drainer;
}

struct ticker *
runtime_ticker(struct runtime *rt)
{
    return rt->ticker;
}

struct scanner *
runtime_scanner(struct runtime *rt)
{
    return rt->scanner;
}

struct registries *
runtime_registries(struct runtime *rt)
{
    return rt->registries;
}

struct feed *
runtime_feed(struct runtime *rt)
{
    return rt->feed;
}

const char *
runtime_node(struct runtime *rt)
{
    return rt->node;
}

int64_t
runtime_fence(struct runtime *rt)
{
    return rt->fence;
}

void
ingest_ring(struct runtime *rt, const char *integration_id)
{
    drainer_ring(rt->drainer, integration_id);
}
