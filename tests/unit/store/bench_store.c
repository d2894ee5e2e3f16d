/*
 * How fast the store alone is, on one core: what ingest, a worker and the
 * dispatcher write for each event, in batches. Not a test.
 *
 *   bench_store [PATH [EVENTS [BATCH]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

enum {
    FEATURES = 3,
    RECORD_BYTES = 240,
    DETAIL_BYTES = 320,
    PAYLOAD_BYTES = 740,
    BATCH_BYTES = 64 * 1024 * 1024,
};

struct bench {
    struct store *s;
    struct arena *a;
    size_t events, batch;
    const char *record, *detail, *payload;
    const char *workspace, *integration, *features[FEATURES];
    int64_t fence;
};

static void
must(enum status rc, const struct error *err)
{
    if (rc == OK)
        return;
    (void)fprintf(stderr, "bench_store: %s\n", err->msg);
    exit(1);
}

static const char *
filler(size_t n)
{
    char *text = malloc(n + 1);

    if (!text)
        abort();
    memset(text, 'x', n);
    memcpy(text, "{\"v\":\"", 6);
    memcpy(text + n - 2, "\"}", 3);
    return text;
}

static const char *
new_id(struct arena *a, int64_t now_us)
{
    struct id id = id_new(now_us);

    return arena_strdup(a, id.text);
}

static struct store_tx *
begin(struct bench *b, bool write)
{
    struct store_tx *tx = NULL;
    struct error err = {0};

    must(store_begin(b->s, write, &tx, &err), &err);
    return tx;
}

static void
commit(struct store_tx *tx)
{
    struct error err = {0};

    must(store_commit(tx, &err), &err);
}

static void
ingest(struct bench *b, size_t first)
{
    struct error err = {0};
    size_t inserted = 0;
    int64_t now_us = clock_now_us(NULL);
    struct event_row *rows = arena_array(b->a, b->batch, sizeof(*rows));

    for (size_t i = 0; i < b->batch; i++) {
        char seed[40], subject[80];
        int n = snprintf(seed, sizeof(seed), "i|e|%zu", first + i);
        struct id id = id_derive(now_us, seed, (size_t)n);
        /* Random, as the ids of Supabase's users are. */
        (void)snprintf(subject, sizeof(subject), "auth.users/%016llx-%s",
                       (unsigned long long)hash64(seed, (size_t)n), id.text);
        rows[i] =
            (struct event_row){.id = arena_strdup(b->a, id.text),
                               .workspace_id = b->workspace,
                               .integration_id = b->integration,
                               .source_id = (int64_t)(first + i),
                               .type = "auth.users.insert",
                               .key = arena_strdup(b->a, subject),
                               .record = b->record,
                               .occurred_us = now_us,
                               .received_us = now_us,
                               .transport = "drain",
                               .queue_shard = shard_of(b->workspace, subject)};
    }
    struct store_tx *tx = begin(b, true);
    must(events_insert(tx, rows, b->batch, &inserted, &err), &err);
    commit(tx);
}

/* What a worker reads before it decides. */
static size_t
load(struct bench *b, struct queued_event **queued)
{
    struct error err = {0};
    struct store_tx *tx = begin(b, false);
    size_t n = 0;

    must(queue_load(tx, b->a, 0, SHARD_COUNT - 1, clock_now_us(NULL), b->batch,
                    queued, &n, &err),
         &err);
    for (size_t i = 0; i < n; i++) {
        const struct event_row *e = &(*queued)[i].event;
        for (int f = 0; f < FEATURES; f++) {
            struct enrolment_row enrolment;
            struct run_row *runs = NULL;
            size_t n_runs = 0;
            must(enrolment_get(tx, b->workspace, b->features[f], e->key,
                               &enrolment, &err),
                 &err);
            must(runs_of_subject(tx, b->a, e->queue_shard, b->features[f],
                                 e->key, &runs, &n_runs, &err),
                 &err);
            must(runs_of_row(tx, b->a, b->features[f], e->key, &runs, &n_runs,
                             &err),
                 &err);
        }
    }
    store_rollback(tx);
    return n;
}

static const char *
enter(struct bench *b, struct store_tx *tx, const struct event_row *e,
      int64_t now_us)
{
    struct error err = {0};
    const struct run_row run = {.id = new_id(b->a, now_us),
                                .workspace_id = b->workspace,
                                .integration_id = b->integration,
                                .feature_id = b->features[0],
                                .shard = e->queue_shard,
                                .version = 1,
                                .subject_table = "auth.users",
                                .subject_id = e->key,
                                .subject_key = e->key,
                                .row_table = "auth.users",
                                .row_key = e->key,
                                .record = e->record,
                                .event_id = e->id,
                                .event_type = e->type,
                                .state = "waiting",
                                .status = "active",
                                .entered_us = now_us,
                                .state_entered_us = now_us,
                                .due_us = now_us + US_PER_DAY,
                                .rev = 1};
    const struct enrolment_row enrolment = {.workspace_id = b->workspace,
                                            .feature_id = b->features[0],
                                            .subject_key = e->key,
                                            .entries = 1,
                                            .last_entered_us = now_us};
    const char *key = arena_printf(b->a, "%s/1/0", run.id);
    const struct action_row action = {.id = new_id(b->a, now_us),
                                      .workspace_id = b->workspace,
                                      .key = key,
                                      .run_id = run.id,
                                      .feature_id = b->features[0],
                                      .feature_key = "welcome",
                                      .version = 1,
                                      .event_id = e->id,
                                      .subject_key = e->key,
                                      .kind = "email",
                                      .address = "someone@example.com",
                                      .payload = b->payload,
                                      .status = "pending",
                                      .due_us = now_us,
                                      .created_us = now_us};

    must(run_insert(tx, &run, &err), &err);
    must(enrolment_put(tx, &enrolment, &err), &err);
    must(action_insert(tx, &action, &err), &err);
    return run.id;
}

static void
decide_one(struct bench *b, struct store_tx *tx, const struct queued_event *q,
           bool enters)
{
    struct error err = {0};
    const struct event_row *e = &q->event;
    int64_t now_us = clock_now_us(NULL);
    const char *run_id = enters ? enter(b, tx, e, now_us) : NULL;

    must(queue_done(tx, e->queue_shard, q->seq, &err), &err);
    for (int f = 0; f < FEATURES; f++) {
        bool entered = f == 0 && enters;
        const struct decision_row row = {.workspace_id = b->workspace,
                                         .event_id = e->id,
                                         .id = new_id(b->a, now_us),
                                         .feature_id = b->features[f],
                                         .feature_key = "welcome",
                                         .version = 1,
                                         .verdict = entered ? "entered"
                                                            : "guard_false",
                                         .subject_key = e->key,
                                         .run_id = entered ? run_id : NULL,
                                         .at_us = now_us,
                                         .detail = b->detail};
        must(decision_add(tx, &row, &err), &err);
    }
}

static size_t
decide(struct bench *b, bool enters)
{
    struct error err = {0};
    struct queued_event *queued = NULL;
    size_t n = load(b, &queued);
    struct store_tx *tx = begin(b, true);

    for (int shard = 0; shard < SHARD_COUNT; shard++)
        must(lease_check(tx, shard, b->fence, &err), &err);
    for (size_t i = 0; i < n; i++)
        decide_one(b, tx, &queued[i], enters);
    commit(tx);
    return n;
}

static size_t
dispatch(struct bench *b)
{
    struct error err = {0};
    struct action_row *actions = NULL;
    size_t n = 0;
    int64_t now_us = clock_now_us(NULL);
    struct store_tx *tx = begin(b, false);

    must(actions_due(tx, b->a, 0, SHARD_COUNT - 1, now_us, b->batch, &actions,
                     &n, &err),
         &err);
    store_rollback(tx);
    tx = begin(b, true);
    for (size_t i = 0; i < n; i++) {
        struct action_row *action = &actions[i];
        const struct attempt_row attempt = {.action_id = action->id,
                                            .number = 1,
                                            .at_us = now_us,
                                            .latency_us = 1000,
                                            .code = 200,
                                            .outcome = "succeeded"};
        action->status = "succeeded";
        action->attempts = 1;
        action->done_us = now_us;
        must(action_update(tx, action, &err), &err);
        must(attempt_add(tx, &attempt, &err), &err);
        must(send_add(tx, b->workspace, action->subject_key, action->feature_id,
                      action->id, now_us, &err),
             &err);
    }
    commit(tx);
    return n;
}

static void
report(const char *what, size_t n, int64_t from_us)
{
    double s = (double)(clock_mono_us() - from_us) / 1e6;

    (void)printf("%-28s %10.0f /s   (%.2f s)\n", what, (double)n / s, s);
}

static void
setup(struct bench *b)
{
    struct error err = {0};
    struct workspace w;
    struct store_tx *tx = begin(b, true);
    int64_t now_us = clock_now_us(NULL);

    must(workspace_ensure(tx, "default", "Default", now_us, &err), &err);
    must(workspace_get(tx, b->a, "default", &w, &err), &err);
    must(lease_take(tx, "bench", now_us, INT64_MAX, &b->fence, &err), &err);
    b->workspace = strdup(w.id);
    b->integration = strdup(id_new(now_us).text);
    for (int f = 0; f < FEATURES; f++)
        b->features[f] = strdup(id_new(now_us).text);
    commit(tx);
}

/* `step` until it has worked through `n`, each time with a clean arena. */
static void
drain_queue(struct bench *b, const char *what, bool enters)
{
    int64_t from_us = clock_mono_us();
    size_t done = 0;

    while (done < b->events) {
        arena_reset(b->a);
        done += decide(b, enters);
    }
    report(what, done, from_us);
}

static void
fill_queue(struct bench *b, const char *what, size_t first)
{
    int64_t from_us = clock_mono_us();

    for (size_t i = 0; i < b->events; i += b->batch) {
        arena_reset(b->a);
        ingest(b, first + i);
    }
    report(what, b->events, from_us);
}

static void
run(struct bench *b)
{
    int64_t all_us = clock_mono_us();
    size_t done = 0;

    fill_queue(b, "ingest", 0);
    drain_queue(b, "decide 3, none enters", false);
    report("ingest + decide", b->events, all_us);
    fill_queue(b, "ingest", b->events);
    drain_queue(b, "decide 3, one enters", true);
    int64_t from_us = clock_mono_us();
    while (done < b->events) {
        arena_reset(b->a);
        done += dispatch(b);
    }
    report("dispatch", done, from_us);
    /* Little at a time, as when it keeps up. */
    from_us = clock_mono_us();
    for (size_t i = 0; i < b->events; i += b->batch) {
        arena_reset(b->a);
        ingest(b, 2 * b->events + i);
        (void)decide(b, false);
    }
    report("ingest + decide, no backlog", b->events, from_us);
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "bench_store.db";
    struct bench b = {.events = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000,
                      .batch = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000,
                      .record = filler(RECORD_BYTES),
                      .detail = filler(DETAIL_BYTES),
                      .payload = filler(PAYLOAD_BYTES)};
    struct error err = {0};
    struct rusage used;

    b.a = arena_new(BATCH_BYTES);
    must(store_open(path, &b.s, &err), &err);
    setup(&b);
    run(&b);
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("%-28s %10.1f MiB, peak memory %.1f MiB\n", "on disk",
                 (double)store_bytes(b.s) / 1048576.0,
                 (double)used.ru_maxrss / 1024.0);
    store_close(b.s);
    return 0;
}
