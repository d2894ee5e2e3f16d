/*
 * The scanner: runs the schedules of features (a scan of the customer's table
 * in keyset pages, each page one transaction together with its position),
 * backfills, and the retention of our own store. On its own thread, because a
 * slow database must not delay a timer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "core/capture.h"
#include "runtime/backfill.h"
#include "runtime/engine.h"
#include "runtime/lookups.h"
#include "runtime/parts.h"

enum {
    LOOK_MS = 1000,
    PAGE_ROWS = 500,
    PAGE_MAX_BYTES = 64 * 1024 * 1024,
    RETRY_S = 30, /* a scan whose database did not answer */
    RETENTION_EVERY_S = 600,
    RETENTION_STEP = 500,
};

struct scanner {
    struct runtime *rt;
    struct bell *bell;
    struct engine *engine;
    atomic_bool stop;
    pthread_t thread;
    int64_t retention_at_us; /* monotonic */
};

enum status
scan_position_get(struct runtime *rt, struct arena *a, const char *feature_id,
                  struct schedule_row *out, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = schedule_get(tx, a, feature_id, out, err);
    if (rc == OK)
        out->feature_id = feature_id;
    return rc;
}

enum status
scan_position_put(struct runtime *rt, const struct schedule_row *row,
                  struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), true, &tx, err);

    if (rc == OK)
        rc = schedule_put(tx, row, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    return store_commit(whole, err);
}

static int64_t
next_start(const struct feature *f, int64_t now_us)
{
    struct cron cron;
    const struct zone *zone;

    /* Both were checked when the document was stored. */
    if (cron_parse(f->cron, &cron, NULL) != OK ||
        zone_get(f->cron_tz ? f->cron_tz : "UTC", &zone, NULL) != OK)
        return INT64_MAX;
    return cron_next(&cron, zone, now_us);
}

/* One page. *more tells whether the scan goes on. */
static enum status
scan_page(struct scanner *s, const struct live_integration *li,
          const struct live_feature *lf, struct schedule_row *position,
          struct arena *a, bool *more, struct error *err)
{
    struct target *t = NULL;
    const char **columns = NULL;
    size_t n_columns = 0, n = 0;
    struct scanned_row *rows = NULL;

    enum status rc =
        scan_columns(a, li->catalog, lf->f, &columns, &n_columns, err);
    if (rc == OK)
        rc = lookups_target(engine_lookups(s->engine), li, &t, err);
    if (rc == OK) {
        rc = lookup_scan(t, a, li->catalog, lf->f->table, columns, n_columns,
                         position->scan_after, PAGE_ROWS, &rows, &n, err);
        if (rc != OK)
            lookups_drop(engine_lookups(s->engine), li);
    }
    if (rc != OK)
        return rc;
    *more = n == PAGE_ROWS;
    position->scan_after = *more ? rows[n - 1].key : NULL;
    if (!*more) {
        position->scan_started_us = 0;
        position->next_us = next_start(lf->f, runtime_now_us(s->rt));
    }
    return engine_rows(s->engine, li, lf, rows, n, position, err);
}

static enum status
scan(struct scanner *s, const struct live_integration *li,
     const struct live_feature *lf, struct error *err)
{
    AUTO_ARENA even = arena_new(PAGE_MAX_BYTES);
    AUTO_ARENA odd = arena_new(PAGE_MAX_BYTES);
    struct arena *const pages[] = {even, odd};
    struct schedule_row position;
    bool more = true;
    int turn = 0;

    if (!pages[0] || !pages[1])
        return fail(err, E_NOMEM, "scan");
    enum status rc =
        scan_position_get(s->rt, pages[1], lf->row.id, &position, err);
    position.scan_started_us = runtime_now_us(s->rt);
    while (rc == OK && more && !atomic_load(&s->stop)) {
        /* The position's text lives in the page before. */
        arena_reset(pages[turn]);
        rc = scan_page(s, li, lf, &position, pages[turn], &more, err);
        turn = 1 - turn;
        if (rc == E_CONFLICT)
            rc = scan_position_get(s->rt, pages[turn], lf->row.id, &position,
                                   err);
    }
    return rc;
}

static enum status
look_at(struct scanner *s, struct arena *a, const struct live_integration *li,
        const struct live_feature *lf, struct error *err)
{
    int64_t now_us = runtime_now_us(s->rt);
    struct schedule_row position;

    enum status rc = scan_position_get(s->rt, a, lf->row.id, &position, err);
    if (rc != OK)
        return rc;
    if (position.next_us == 0) {
        position.next_us = next_start(lf->f, now_us);
        return scan_position_put(s->rt, &position, err);
    }
    if (position.next_us > now_us)
        return OK;
    rc = scan(s, li, lf, err);
    if (rc == OK)
        return OK;
    /* The position stays; the scan goes on from it later. */
    struct error ignored;
    if (scan_position_get(s->rt, a, lf->row.id, &position, &ignored) == OK) {
        position.next_us = now_us + RETRY_S * US_PER_S;
        (void)(scan_position_put(s->rt, &position, &ignored) == OK);
    }
    return error_wrap(err, "schedule of %s", lf->row.key);
}

static void
look(struct scanner *s)
{
    AUTO_REGISTRY reg = NULL;
    AUTO_ARENA a = arena_new((size_t)1024 * 1024);
    struct error err = {0};

    if (!a || registry_get(s->rt, &reg, &err) != OK) {
        log_error(runtime_log(s->rt), "schedule_failed", &err);
        return;
    }
    for (size_t i = 0; i < registry_count(reg); i++) {
        const struct live_integration *li = registry_at(reg, i);
        bool connected = strcmp(li->row.status, "connected") == 0;
        for (size_t j = 0; connected && li->catalog && j < li->n_features;
             j++) {
            const struct live_feature *lf = &li->features[j];
            if (lf->paused)
                continue;
            if (lf->f->backfill &&
                backfill_look(s->rt, s->engine, li, lf, &s->stop, &err) != OK)
                log_error(runtime_log(s->rt), "backfill_failed", &err);
            if (lf->f->trigger != TRIGGER_SCHEDULE)
                continue;
            arena_reset(a);
            if (look_at(s, a, li, lf, &err) != OK)
                log_error(runtime_log(s->rt), "schedule_failed", &err);
        }
    }
}

static void
retention(struct scanner *s)
{
    const struct runtime_config *config = runtime_config_get(s->rt);
    int64_t days = config->retention_days ? config->retention_days : 30;
    int64_t before_us = runtime_now_us(s->rt) - days * US_PER_DAY;
    int64_t deleted = RETENTION_STEP;
    struct error err = {0};

    while (deleted == RETENTION_STEP && !atomic_load(&s->stop)) {
        AUTO_TX tx = NULL;
        enum status rc = store_begin(runtime_store(s->rt), true, &tx, &err);
        if (rc == OK)
            rc = retention_step(tx, before_us, RETENTION_STEP, &deleted, &err);
        struct store_tx *whole = tx;
        tx = NULL;
        if (rc == OK)
            rc = store_commit(whole, &err);
        else
            store_rollback(whole);
        if (rc != OK) {
            log_error(runtime_log(s->rt), "retention_failed", &err);
            return;
        }
    }
}

static void *
run(void *arg)
{
    struct scanner *s = arg;

    while (!atomic_load(&s->stop)) {
        look(s);
        if (clock_mono_us() >= s->retention_at_us) {
            s->retention_at_us = clock_mono_us() + RETENTION_EVERY_S * US_PER_S;
            retention(s);
        }
        (void)bell_wait(s->bell, LOOK_MS);
    }
    return NULL;
}

enum status
scanner_start(struct runtime *rt, struct scanner **out, struct error *err)
{
    struct scanner *s = calloc(1, sizeof(*s));

    if (!s)
        return fail(err, E_NOMEM, "scanner");
    s->rt = rt;
    s->bell = bell_new();
    s->engine = engine_new(rt);
    s->retention_at_us = clock_mono_us() + RETENTION_EVERY_S * US_PER_S;
    if (!s->bell || !s->engine ||
        pthread_create(&s->thread, NULL, run, s) != 0) {
        engine_free(s->engine);
        bell_free(s->bell);
        free(s);
        return fail(err, E_NOMEM, "scanner thread");
    }
    *out = s;
    return OK;
}

void
scanner_wake(struct scanner *s)
{
    if (s)
        bell_ring(s->bell);
}

void
scanner_stop(struct scanner *s)
{
    if (!s)
        return;
    atomic_store(&s->stop, true);
    bell_ring(s->bell);
    pthread_join(s->thread, NULL);
    engine_free(s->engine);
    bell_free(s->bell);
    free(s);
}
