#include "runtime/backfill.h"

#include <string.h>

#include "core/capture.h"
#include "runtime/lookups.h"
#include "runtime/ops_parts.h"
#include "target/backfill.h"

enum {
    PAGE_ROWS = 500,
    PAGE_MAX_BYTES = 64 * 1024 * 1024,
    RETRY_S = 10,
};

struct job {
    struct runtime *rt;
    struct engine *engine;
    const struct live_integration *li;
    const struct live_feature *lf;
    struct target *t;
    const char **columns;
    size_t n_columns;
};

/* One page and its position are one transaction of the store. */
static enum status
page(struct job *j, struct arena *a, struct schedule_row *position, bool *more,
     struct error *err)
{
    const struct feature *f = j->lf->f;
    struct scanned_row *rows = NULL;
    size_t n = 0;

    enum status rc =
        lookup_scan(j->t, a, j->li->catalog, f->table, j->columns, j->n_columns,
                    position->scan_after, PAGE_ROWS, &rows, &n, err);
    if (rc != OK)
        return rc;
    *more = n == PAGE_ROWS;
    position->scan_after = n ? rows[n - 1].key : position->scan_after;
    position->next_us = *more ? 0 : INT64_MAX;
    rc = backfill_new_rows_out(j->t, a, f, rows, &n, err);
    return rc == OK
               ? engine_rows(j->engine, j->li, j->lf, rows, n, position, err)
               : rc;
}

static enum status
run(struct job *j, const atomic_bool *stop, struct error *err)
{
    AUTO_ARENA even = arena_new(PAGE_MAX_BYTES);
    AUTO_ARENA odd = arena_new(PAGE_MAX_BYTES);
    AUTO_ARENA kept = arena_new(PAGE_MAX_BYTES);
    struct arena *const pages[] = {even, odd};
    struct schedule_row position;
    bool more = true;
    int turn = 0;

    if (!even || !odd || !kept)
        return fail(err, E_NOMEM, "backfill");
    enum status rc =
        scan_position_get(j->rt, odd, j->lf->row.id, &position, err);
    if (rc == OK && !position.scan_started_us)
        position.scan_started_us = runtime_now_us(j->rt);
    if (rc == OK)
        rc = scan_columns(kept, j->li->catalog, j->lf->f, &j->columns,
                          &j->n_columns, err);
    while (rc == OK && more && !atomic_load(stop)) {
        arena_reset(pages[turn]); /* the position lives in the page before */
        rc = page(j, pages[turn], &position, &more, err);
        turn = 1 - turn;
        if (rc == E_CONFLICT) {
            more = true;
            rc = scan_position_get(j->rt, pages[turn], j->lf->row.id, &position,
                                   err);
        }
    }
    return rc;
}

/* A connection of its own: facts must not be read from the old snapshot. */
static enum status
work(struct job *j, struct arena *a, const atomic_bool *stop, struct error *err)
{
    AUTO_TARGET t = NULL;
    struct target *shared = NULL;
    bool ready = false;
    enum status rc =
        lookups_target(engine_lookups(j->engine), j->li, &shared, err);

    if (rc == OK)
        rc = backfill_ready(shared, a, j->lf->f, &ready, err);
    if (rc != OK || !ready)
        return rc;
    rc = op_target(j->rt, &j->li->row, false, &t, err);
    j->t = t;
    if (rc == OK)
        rc = target_snapshot(t, err);
    if (rc == OK)
        rc = run(j, stop, err);
    if (rc == OK && !atomic_load(stop))
        log_event(runtime_log(j->rt), LEVEL_INFO, "backfill_done", "feature",
                  j->lf->row.key, NULL);
    return rc;
}

enum status
backfill_look(struct runtime *rt, struct engine *engine,
              const struct live_integration *li, const struct live_feature *lf,
              const atomic_bool *stop, struct error *err)
{
    AUTO_ARENA a = arena_new(PAGE_MAX_BYTES);
    struct job j = {.rt = rt, .engine = engine, .li = li, .lf = lf};
    struct schedule_row position;

    if (!a)
        return fail(err, E_NOMEM, "backfill");
    enum status rc = scan_position_get(rt, a, lf->row.id, &position, err);
    if (rc != OK || position.next_us > runtime_now_us(rt))
        return rc;
    rc = work(&j, a, stop, err);
    if (rc == OK)
        return OK;
    struct error ignored;
    if (scan_position_get(rt, a, lf->row.id, &position, &ignored) == OK) {
        position.next_us = runtime_now_us(rt) + RETRY_S * US_PER_S;
        (void)(scan_position_put(rt, &position, &ignored) == OK);
    }
    if (rc == E_BUSY) /* paused, or the database was away a moment ago */
        return OK;
    return error_wrap(err, "backfill of %s", lf->row.key);
}
