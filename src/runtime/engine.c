#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/engine_batch.h"
#include "runtime/parts.h"

enum {
    BATCH_MAX_BYTES = 512 * 1024 * 1024,
    FACT_ROUNDS_MAX = 12,
    HOLD_BLOCKED_S = 10, /* before items of a silent database are tried again */
};

struct engine {
    struct runtime *rt;
    struct arena *a;
    struct lookups *lookups;
};

struct engine *
engine_new(struct runtime *rt)
{
    struct engine *en = calloc(1, sizeof(*en));

    if (!en)
        return NULL;
    en->rt = rt;
    en->a = arena_new(BATCH_MAX_BYTES);
    en->lookups = lookups_new(rt);
    if (!en->a || !en->lookups) {
        engine_free(en);
        return NULL;
    }
    return en;
}

void
engine_free(struct engine *en)
{
    if (!en)
        return;
    lookups_free(en->lookups);
    arena_free(en->a);
    free(en);
}

struct lookups *
engine_lookups(struct engine *en)
{
    return en->lookups;
}

static enum status
batch_init(struct batch *b, struct engine *en, struct registry *reg,
           struct error *err)
{
    *b = (struct batch){.en = en,
                        .rt = en->rt,
                        .a = en->a,
                        .reg = reg,
                        .now_us = runtime_now_us(en->rt)};
    struct map **maps[] = {
        &b->runs,        &b->by_subject, &b->by_row,  &b->born_by_subject,
        &b->born_by_row, &b->enrolments, &b->stage_of};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        *maps[i] = map_new(b->a);
        if (!*maps[i])
            return fail(err, E_NOMEM, "batch");
    }
    b->n_scopes = registry_count(reg);
    b->scopes = arena_array(b->a, b->n_scopes + 1, sizeof(*b->scopes));
    if (!b->scopes)
        return fail(err, E_NOMEM, "batch");
    for (size_t i = 0; i < b->n_scopes; i++) {
        b->scopes[i].li = registry_at(reg, i);
        b->scopes[i].facts = facts_new(b->a);
        if (!b->scopes[i].facts)
            return fail(err, E_NOMEM, "batch");
    }
    return OK;
}

static struct scope *
scope_of(struct batch *b, const char *integration_id)
{
    for (size_t i = 0; i < b->n_scopes; i++)
        if (strcmp(b->scopes[i].li->row.id, integration_id) == 0)
            return &b->scopes[i];
    return NULL;
}

static bool
routes_want_facts(const struct routes *routes)
{
    for (size_t i = 0; routes && i < routes->n; i++)
        if (routes->items[i].watch || routes->items[i].feature->wants_facts)
            return true;
    return false;
}

/* An event that cannot be read back concerns nobody: it must not stop the
 * others for ever. */
static void
unreadable(struct batch *b, const struct event_row *row,
           const struct error *err)
{
    log_event(runtime_log(b->rt), LEVEL_ERROR, "event_unreadable", "event",
              row->id, "type", row->type, "reason", err->msg, NULL);
}

static enum status
load_events(struct batch *b, struct queued_event *queued, size_t n,
            struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct event_row *row = &queued[i].event;
        struct error why = {0};
        struct work *w = &b->work[b->n++];
        *w = (struct work){.kind = WORK_EVENT, .queued = &queued[i]};
        w->scope = scope_of(b, row->integration_id);
        enum status rc = event_from_row(b->a, row, &w->event, &why);
        if (rc == E_NOMEM)
            return fail(err, rc, "batch of %zu events", n);
        if (rc != OK)
            unreadable(b, row, &why);
        else if (w->scope)
            w->routes = map_get(w->scope->li->by_type, row->type);
        w->wants_facts = routes_want_facts(w->routes);
    }
    return OK;
}

static enum status
load_runs(struct batch *b, const struct run_row *rows, size_t n,
          struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct work *w = &b->work[b->n++];
        *w = (struct work){.kind = WORK_RUN, .wants_facts = true};
        w->scope = scope_of(b, rows[i].integration_id);
        rc = hold_run(b, &rows[i], &w->run, err);
    }
    return rc;
}

static enum status
batch_load(struct batch *b, int from, int to, size_t limit, struct error *err)
{
    struct queued_event *queued = NULL;
    struct run_row *runs = NULL;
    size_t n_queued = 0, n_runs = 0;

    enum status rc = store_begin(runtime_store(b->rt), false, &b->tx, err);
    if (rc == OK)
        rc = queue_load(b->tx, b->a, from, to, b->now_us, limit, &queued,
                        &n_queued, err);
    if (rc == OK)
        rc = runs_due(b->tx, b->a, from, to, b->now_us, limit, &runs, &n_runs,
                      err);
    if (rc != OK)
        return rc;
    b->work = arena_array(b->a, n_queued + n_runs + 1, sizeof(*b->work));
    if (!b->work)
        return fail(err, E_NOMEM, "batch of %zu", n_queued + n_runs);
    rc = load_events(b, queued, n_queued, err);
    return rc == OK ? load_runs(b, runs, n_runs, err) : rc;
}

/* Fetches what the scope wants; a database that does not answer blocks the
 * scope for this batch. */
static void
scope_fetch(struct batch *b, struct scope *s)
{
    const struct fact_need *const *needs;
    struct target *t = NULL;
    struct error err = {0};

    if (s->blocked || facts_wanted(s->facts, &needs) == 0)
        return;
    enum status rc = OK;
    if (!s->li->catalog)
        rc = fail(&err, E_NOTFOUND, "no catalogue yet");
    if (rc == OK)
        rc = lookups_target(b->en->lookups, s->li, &t, &err);
    if (rc == OK) {
        rc = lookup_facts(t, b->a, s->li->catalog, s->facts, &err);
        if (rc != OK)
            lookups_drop(b->en->lookups, s->li);
    }
    facts_clear_wanted(s->facts);
    if (rc == OK)
        return;
    s->blocked = true;
    if (rc != E_BUSY) /* the pause after a failure was logged already */
        log_error(runtime_log(b->rt), "facts_unavailable", &err);
}

/* Asks every item for the facts it needs until none is missing. */
static enum status
gather_facts(struct batch *b, struct error *err)
{
    for (int round = 0; round < FACT_ROUNDS_MAX; round++) {
        bool any = false;
        for (size_t i = 0; i < b->n; i++) {
            struct work *w = &b->work[i];
            bool needs = false;
            if (!w->scope || w->scope->blocked || !w->wants_facts)
                continue;
            enum status rc = work_decide(b, w, true, &needs, err);
            if (rc != OK)
                return rc;
            any = any || needs;
        }
        if (!any)
            return OK;
        for (size_t i = 0; i < b->n_scopes; i++)
            scope_fetch(b, &b->scopes[i]);
    }
    return OK;
}

/* Facts of one item, whose state may have changed with the items before. */
static enum status
settle(struct batch *b, struct work *w, struct error *err)
{
    for (int round = 0; round < FACT_ROUNDS_MAX; round++) {
        bool needs = false;
        enum status rc = work_decide(b, w, true, &needs, err);
        if (rc != OK || !needs)
            return rc;
        scope_fetch(b, w->scope);
        if (w->scope->blocked)
            return OK;
    }
    return fail(err, E_BUG, "facts keep missing after %d rounds",
                FACT_ROUNDS_MAX);
}

static void
put_off(struct batch *b, struct work *w)
{
    if (w->kind != WORK_RUN)
        return;
    w->run->run.due_us = b->now_us + HOLD_BLOCKED_S * US_PER_S;
    run_to_row(&w->run->run, &w->run->row);
    w->run->dirty = true;
}

static enum status
decide_all(struct batch *b, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < b->n; i++) {
        struct work *w = &b->work[i];
        bool needs = false;
        if (w->scope && w->wants_facts && !w->scope->blocked)
            rc = settle(b, w, err);
        if (rc != OK)
            break;
        /* The order of a subject's events is kept: once its database is
         * silent, all items of the scope wait. */
        if (!w->scope || w->scope->blocked)
            put_off(b, w);
        else
            rc = work_decide(b, w, false, &needs, err);
    }
    return rc;
}

static bool
item_waits(const struct work *w)
{
    return w->scope && w->scope->blocked;
}

static enum status
write_queue(struct batch *b, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < b->n; i++) {
        struct work *w = &b->work[i];
        if (w->kind != WORK_EVENT)
            continue;
        int shard = w->queued->event.queue_shard;
        rc = item_waits(w)
                 ? queue_later(b->tx, shard, w->queued->seq,
                               b->now_us + HOLD_BLOCKED_S * US_PER_S, err)
                 : queue_done(b->tx, shard, w->queued->seq, err);
    }
    return rc;
}

static enum status
write_runs(struct batch *b, struct error *err)
{
    const char *key;
    void *value;
    enum status rc = OK;

    for (size_t i = 0; rc == OK && map_at(b->runs, i, &key, &value); i++) {
        struct held_run *held = value;
        if (held->fresh)
            rc = run_insert(b->tx, &held->row, err);
        else if (held->dirty)
            rc = run_update(b->tx, &held->row, err);
    }
    for (size_t i = 0; rc == OK && map_at(b->enrolments, i, &key, &value);
         i++) {
        struct held_enrolment *held = value;
        if (held->dirty)
            rc = enrolment_put(b->tx, &held->row, err);
    }
    return rc;
}

static enum status
write_all(struct batch *b, struct error *err)
{
    enum status rc = write_queue(b, err);

    if (rc == OK)
        rc = write_runs(b, err);
    for (size_t i = 0; rc == OK && i < b->n_stages; i++) {
        const struct stage_move *m = &b->stages[i];
        rc = stage_put(b->tx, m->workspace_id, m->subject_key, m->stage,
                       m->run_id, b->now_us, err);
    }
    for (size_t i = 0; rc == OK && i < b->n_decisions; i++)
        rc = decision_add(b->tx, &b->decisions[i], err);
    for (size_t i = 0; rc == OK && i < b->n_actions; i++)
        rc = action_insert(b->tx, &b->actions[i], err);
    return rc;
}

static enum status
check_leases(struct batch *b, int from, int to, struct error *err)
{
    int64_t fence = runtime_fence(b->rt);
    enum status rc = OK;

    for (int shard = from; rc == OK && shard <= to; shard++)
        rc = lease_check(b->tx, shard, fence, err);
    return rc;
}

static void
publish(struct batch *b)
{
    if (!feed_wanted(b->rt))
        return;
    for (size_t i = 0; i < b->n_decisions; i++) {
        const struct decision_row *d = &b->decisions[i];
        AUTO_BUF out = buf_new(8192);
        struct json_writer w = jw_new(&out);
        jw_object(&w);
        jw_kv_string(&w, "id", d->id);
        jw_kv_string(&w, "event_id", d->event_id);
        jw_kv_string(&w, "feature", d->feature_key);
        jw_kv_int(&w, "version", d->version);
        jw_kv_string(&w, "verdict", d->verdict);
        jw_kv_string(&w, "subject", d->subject_key);
        jw_kv_string(&w, "run", d->run_id);
        jw_kv_time(&w, "at", d->at_us);
        jw_object_end(&w);
        if (buf_ok(&out))
            feed_publish(b->rt, d->workspace_id, "decision", d->id, out.data);
    }
}

static enum status
write_phase(struct batch *b, int from, int to,
            const struct schedule_row *position, struct error *err)
{
    enum status rc = store_begin(runtime_store(b->rt), true, &b->tx, err);

    if (rc == OK)
        rc = check_leases(b, from, to, err);
    if (rc == OK)
        rc = write_all(b, err);
    if (rc == OK && position)
        rc = schedule_put(b->tx, position, err);
    if (rc != OK)
        return rc;
    failpoint("worker.before_commit");
    struct store_tx *whole = b->tx;
    b->tx = NULL;
    rc = store_commit(whole, err);
    failpoint("worker.after_commit");
    if (rc == OK) {
        publish(b);
        if (b->n_actions)
            dispatcher_wake(runtime_dispatcher(b->rt));
    }
    return rc;
}

/* Decides against what is stored now; nobody waits for the writer meanwhile,
 * and a row that changes in between is noticed by its revision. */
static enum status
decide_phase(struct batch *b, struct error *err)
{
    enum status rc = gather_facts(b, err);

    if (rc == OK)
        rc = decide_all(b, err);
    store_rollback(b->tx);
    b->tx = NULL;
    return rc;
}

enum status
engine_run(struct engine *en, int from, int to, size_t limit, size_t *done,
           struct error *err)
{
    AUTO_REGISTRY reg = NULL;
    struct batch b;

    *done = 0;
    arena_reset(en->a);
    enum status rc = registry_get(en->rt, &reg, err);
    if (rc == OK)
        rc = batch_init(&b, en, reg, err);
    if (rc != OK)
        return rc;
    rc = batch_load(&b, from, to, limit, err);
    if (rc == OK && b.n)
        rc = decide_phase(&b, err);
    store_rollback(b.tx);
    b.tx = NULL;
    if (rc == OK && b.n)
        rc = write_phase(&b, from, to, NULL, err);
    store_rollback(b.tx);
    if (rc == OK)
        *done = b.n;
    return rc;
}

enum status
engine_rows(struct engine *en, const struct live_integration *li,
            const struct live_feature *lf, const struct scanned_row *rows,
            size_t n, const struct schedule_row *position, struct error *err)
{
    AUTO_REGISTRY reg = NULL;
    struct batch b;

    /* The page lives in another arena: this one is the engine's own. */
    arena_reset(en->a);
    enum status rc = registry_get(en->rt, &reg, err);
    if (rc == OK)
        rc = batch_init(&b, en, reg, err);
    if (rc != OK)
        return rc;
    b.work = arena_array(b.a, n + 1, sizeof(*b.work));
    struct scope *scope = scope_of(&b, li->row.id);
    struct live_feature *fresh =
        scope ? live_feature_find(scope->li, lf->row.id) : NULL;
    if (!b.work)
        return fail(err, E_NOMEM, "page of %zu rows", n);
    /* Its rows come by once: left out now they would be for ever. */
    if (lf->f->backfill && (!fresh || fresh->paused))
        return fail(err, E_BUSY, "%s is not active", lf->row.key);
    for (size_t i = 0; fresh && i < n; i++)
        b.work[b.n++] = (struct work){.kind = WORK_ROW,
                                      .scope = scope,
                                      .row_route = {.feature = fresh},
                                      .wants_facts = fresh->wants_facts,
                                      .event = {.workspace = li->workspace.id,
                                                .integration = li->row.id,
                                                .table = fresh->f->table,
                                                .op = ROW_INSERT,
                                                .key = rows[i].key,
                                                .record = rows[i].record,
                                                .occurred_us = b.now_us}};
    rc = store_begin(runtime_store(en->rt), false, &b.tx, err);
    if (rc == OK)
        rc = decide_phase(&b, err);
    if (rc == OK && scope && scope->blocked)
        rc = fail(err, E_NET, "%s does not answer", li->row.name);
    if (rc == OK)
        rc = write_phase(&b, 0, SHARD_COUNT - 1, position, err);
    store_rollback(b.tx);
    return rc;
}
