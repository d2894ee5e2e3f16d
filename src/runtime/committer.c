/*
 * The committer: one thread that makes received events durable, many requests
 * in one transaction (group commit). Parsing and routing happen on the
 * submitter's thread, so this one only writes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "codec/json.h"
#include "runtime/parts.h"
#include "runtime/registry.h"

enum {
    QUEUE_MAX = 4096,
    GROUP_MAX = 512,
    SUBMISSION_MAX_BYTES = 48 * 1024 * 1024,
};
static const size_t queue_max_bytes = (size_t)256 * 1024 * 1024;

struct submission {
    struct arena *a;
    struct event_row *rows;
    size_t n;
    size_t bytes;
    ingest_done *done;
    void *user;
};

struct committer {
    struct runtime *rt;
    struct queue *queue;
    atomic_size_t bytes; /* held by submissions in the queue */
    pthread_t thread;
};

static void
finish(struct submission *s, enum status status, const struct error *err)
{
    struct ingest_result result = {.status = status};

    if (status != OK) {
        result.error = *err;
    } else {
        for (size_t i = 0; i < s->n; i++)
            result.duplicates += s->rows[i].duplicate;
        result.accepted = s->n - result.duplicates;
    }
    s->done(&result, s->user);
    arena_free(s->a);
}

static void
publish(struct runtime *rt, const struct submission *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct event_row *e = &s->rows[i];
        if (e->duplicate)
            continue;
        struct buf out = buf_new(4096);
        struct json_writer w = jw_new(&out);
        jw_object(&w);
        jw_kv_string(&w, "id", e->id);
        jw_kv_string(&w, "type", e->type);
        jw_kv_string(&w, "key", e->key);
        jw_kv_time(&w, "occurred_at", e->occurred_us);
        jw_object_end(&w);
        if (buf_ok(&out))
            feed_publish(rt, e->workspace_id, "event", e->id, out.data);
        buf_free(&out);
    }
}

static enum status
write_group(struct runtime *rt, struct submission **group, size_t n,
            struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    for (size_t i = 0; rc == OK && i < n; i++) {
        size_t inserted = 0;
        rc = events_insert(tx, group[i]->rows, group[i]->n, &inserted, err);
    }
    if (rc != OK)
        return rc;
    failpoint("committer.before_commit");
    struct store_tx *whole = tx;
    tx = NULL;
    rc = store_commit(whole, err);
    failpoint("committer.after_commit");
    return rc;
}

static void *
run(void *arg)
{
    struct committer *c = arg;
    void *items[GROUP_MAX];
    size_t n;

    while ((n = queue_pop_many(c->queue, items, GROUP_MAX, -1)) > 0) {
        struct submission *group[GROUP_MAX];
        struct error err = {0};
        for (size_t i = 0; i < n; i++) {
            group[i] = items[i];
            atomic_fetch_sub(&c->bytes, group[i]->bytes);
        }
        enum status rc = write_group(c->rt, group, n, &err);
        if (rc != OK)
            log_error(runtime_log(c->rt), "commit_failed", &err);
        if (rc == OK && feed_wanted(c->rt))
            for (size_t i = 0; i < n; i++)
                publish(c->rt, group[i]);
        for (size_t i = 0; i < n; i++)
            finish(group[i], rc, &err);
        if (rc == OK)
            workers_wake(runtime_workers(c->rt));
    }
    return NULL;
}

enum status
committer_start(struct runtime *rt, struct committer **out, struct error *err)
{
    struct committer *c = calloc(1, sizeof(*c));

    if (!c)
        return fail(err, E_NOMEM, "committer");
    c->rt = rt;
    c->queue = queue_new(QUEUE_MAX);
    if (!c->queue || pthread_create(&c->thread, NULL, run, c) != 0) {
        queue_free(c->queue);
        free(c);
        return fail(err, E_NOMEM, "committer thread");
    }
    *out = c;
    return OK;
}

void
committer_stop(struct committer *c)
{
    if (!c)
        return;
    queue_close(c->queue);
    pthread_join(c->thread, NULL);
    queue_free(c->queue);
    free(c);
}

/* Key of the subject, where the row itself has it; else NULL. */
static const char *
route_key(struct arena *a, struct facts *facts, const struct route *route,
          const struct event *e)
{
    const struct feature *f = route->feature->f;
    const struct watch *w = route->watch;

    if (w && w->column) {
        const struct json *v = json_get(e->record, w->column);
        const char *id = json_is(v, JSON_STRING) ? v->text
                         : v                     ? json_text(a, v)
                                                 : NULL;
        return id ? arena_printf(a, "%s/%s", f->subject_table, id) : NULL;
    }
    if (w || !path_is_local(&f->subject_id))
        return NULL;
    struct decide_env env = {.a = a, .facts = facts};
    struct subject s = {0};
    bool needs = false;
    return subject_resolve(&env, f, e, &s, &needs, NULL) == OK && !needs ? s.key
                                                                         : NULL;
}

/* Shard of the subject the event is about, as far as the row itself tells; of
 * the row otherwise. -1: no feature asks for this type. */
static int
route_shard(struct arena *a, struct facts *facts,
            const struct live_integration *li, const struct event *e,
            const char *type)
{
    const struct routes *routes = map_get(li->by_type, type);
    const char *key = NULL;

    if (!routes)
        return -1;
    for (size_t i = 0; !key && i < routes->n; i++)
        key = route_key(a, facts, &routes->items[i], e);
    if (!key)
        key = arena_printf(a, "%s/%s", e->table, e->key ? e->key : "");
    return key ? shard_of(li->workspace.id, key) : 0;
}

static enum status
split_type(struct arena *a, const char *type, struct event *e,
           struct error *err)
{
    const char *dot = strrchr(type, '.');

    if (!dot || !row_op_parse(dot + 1, &e->op))
        return fail(err, E_INVALID, "event type '%s' is not schema.table.op",
                    type);
    e->table = arena_strndup(a, type, (size_t)(dot - type));
    return e->table ? OK : fail(err, E_NOMEM, "event type");
}

/* Updates carry old values under "_old": stored apart. */
static enum status
split_old(struct arena *a, struct json *record, struct event_row *row,
          struct error *err)
{
    struct json *old = json_get(record, "_old");

    if (!old)
        return OK;
    struct json *rest = json_object(a);
    for (uint32_t i = 0; i < record->n; i++)
        if (strcmp(record->members[i].key, "_old") != 0)
            rest = json_put(a, rest, record->members[i].key,
                            record->members[i].value);
    row->record = rest ? json_text(a, rest) : NULL;
    row->old = json_text(a, old);
    return row->record && row->old ? OK : fail(err, E_NOMEM, "record");
}

static enum status
prepare_row(struct arena *a, struct facts *facts,
            const struct live_integration *li, const char *epoch,
            const struct received_event *in, struct event_row *row,
            struct error *err)
{
    struct json *record = NULL;
    struct event e = {.workspace = li->workspace.id, .integration = li->row.id};
    size_t n = strlen(in->metadata);

    row->type = arena_strdup(a, in->type);
    row->record = arena_strndup(a, in->metadata, n);
    row->key = in->entity_id ? arena_strdup(a, in->entity_id) : NULL;
    if (!row->type || !row->record || (in->entity_id && !row->key))
        return fail(err, E_NOMEM, "record");
    enum status rc = json_parse(a, row->record, n, n + 1, &record, err);
    if (rc == OK && !json_is(record, JSON_OBJECT))
        rc = fail(err, E_INVALID, "metadata is not an object");
    if (rc == OK)
        rc = split_type(a, row->type, &e, err);
    if (rc == OK)
        rc = split_old(a, record, row, err);
    if (rc != OK)
        return rc;
    e.key = row->key;
    e.record = record;
    row->queue_shard = route_shard(a, facts, li, &e, row->type);
    row->source_id = in->source_id;
    row->occurred_us = in->occurred_us ? in->occurred_us : row->received_us;
    char seed[160];
    int seed_n = snprintf(seed, sizeof(seed), "%s|%s|%lld", li->row.id, epoch,
                          (long long)in->source_id);
    struct id id = id_derive(row->occurred_us, seed,
                             (size_t)seed_n < sizeof(seed) ? (size_t)seed_n
                                                           : sizeof(seed));
    row->id = arena_strdup(a, id.text);
    return row->id ? OK : fail(err, E_NOMEM, "record");
}

static enum status
prepare(struct runtime *rt, struct submission *s,
        const struct integration *integration, const char *epoch,
        const char *transport, const struct received_event *events,
        struct error *err)
{
    AUTO_REGISTRY reg = NULL;
    enum status rc = registry_get(rt, &reg, err);

    if (rc != OK)
        return rc;
    const struct live_integration *li =
        registry_integration(reg, integration->id);
    if (!li)
        return fail(err, E_NOTFOUND, "integration %s is gone", integration->id);
    struct facts *facts = facts_new(s->a);
    const char *workspace = arena_strdup(s->a, li->workspace.id);
    const char *id = arena_strdup(s->a, li->row.id);
    s->rows = arena_array(s->a, s->n ? s->n : 1, sizeof(*s->rows));
    if (!facts || !workspace || !id || !s->rows)
        return fail(err, E_NOMEM, "%zu events", s->n);
    int64_t now_us = runtime_now_us(rt);
    for (size_t i = 0; rc == OK && i < s->n; i++) {
        s->rows[i].workspace_id = workspace;
        s->rows[i].integration_id = id;
        s->rows[i].received_us = now_us;
        s->rows[i].transport = transport; /* literals */
        rc = prepare_row(s->a, facts, li, epoch ? epoch : li->row.epoch,
                         &events[i], &s->rows[i], err);
        if (rc != OK && err && !err->field[0])
            (void)error_field(err, "records[%zu].metadata", i);
    }
    return rc;
}

enum status
ingest_submit(struct runtime *rt, const struct integration *integration,
              const char *epoch, const char *transport,
              const struct received_event *events, size_t n, ingest_done *done,
              void *user, struct error *err)
{
    struct committer *c = runtime_committer(rt);
    struct arena *a = arena_new(SUBMISSION_MAX_BYTES);
    struct submission *s = a ? arena_alloc(a, sizeof(*s)) : NULL;

    if (!s) {
        arena_free(a);
        return fail(err, E_NOMEM, "ingest");
    }
    *s = (struct submission){.a = a, .n = n, .done = done, .user = user};
    enum status rc = prepare(rt, s, integration, epoch, transport, events, err);
    if (rc == E_NOMEM && arena_used(a) > SUBMISSION_MAX_BYTES / 2)
        rc = fail(err, E_TOOBIG, "%zu events are over %d MiB together", n,
                  SUBMISSION_MAX_BYTES / (1024 * 1024));
    if (rc == OK) {
        s->bytes = arena_used(a);
        size_t held = atomic_fetch_add(&c->bytes, s->bytes);
        if (held > queue_max_bytes || !queue_try_push(c->queue, s)) {
            atomic_fetch_sub(&c->bytes, s->bytes);
            rc = fail(err, E_BUSY, "the ingest queue is full");
            (void)error_hint(err, "send it again in a second; the row is "
                                  "still in the outbox");
        }
    }
    if (rc != OK)
        arena_free(a);
    return rc;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    bool done;
    struct ingest_result result;
};

static void
waiter_done(const struct ingest_result *result, void *user)
{
    struct waiter *w = user;

    pthread_mutex_lock(&w->lock);
    w->result = *result;
    w->done = true;
    pthread_cond_signal(&w->ready);
    pthread_mutex_unlock(&w->lock);
}

enum status
ingest_wait(struct runtime *rt, const struct integration *integration,
            const char *epoch, const char *transport,
            const struct received_event *events, size_t n,
            struct ingest_result *out, struct error *err)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                       .ready = PTHREAD_COND_INITIALIZER};
    enum status rc = ingest_submit(rt, integration, epoch, transport, events, n,
                                   waiter_done, &w, err);

    if (rc != OK)
        return rc;
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.ready, &w.lock);
    pthread_mutex_unlock(&w.lock);
    *out = w.result;
    if (out->status != OK && err)
        *err = out->error;
    return out->status;
}
