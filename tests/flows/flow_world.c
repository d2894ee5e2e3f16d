/*
 * A world with one feature: core/sim.h with a small database around it, and
 * every thing it tells as a line.
 */
#include <string.h>

#include "codec/time.h"
#include "flow.h"

void
tell(struct world *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    const char *line = arena_vprintf(w->a, fmt, ap);
    va_end(ap);
    if (line && w->told.n < LINES_MAX)
        w->told.lines[w->told.n++] = line;
}

const char *
time_text(struct world *w, int64_t us)
{
    char iso[ISO_BYTES];

    (void)iso_write(us, iso);
    iso[10] = ' ';
    return arena_printf(w->a, "%.*s", strncmp(iso + 17, "00", 2) ? 19 : 16,
                        iso);
}

/* ---- what is told ---- */

static const char *
run_text(struct world *w, const struct run *run, int64_t now_us)
{
    const struct state *s = feature_state(w->f, run->state);
    int64_t waited_us = now_us - run->state_entered_us, timer_us = 0;
    bool match = false;

    if (run->status != RUN_ACTIVE)
        return arena_printf(w->a, "%s %s in %s", run->subject.id,
                            run_status_name(run->status), run->state);
    for (size_t i = 0; i < s->n_transitions; i++) {
        const struct transition *t = &s->transitions[i];
        match |= t->on_match;
        if (!t->on_match && t->after_us > waited_us &&
            (!timer_us || t->after_us < timer_us))
            timer_us = t->after_us;
    }
    return arena_printf(
        w->a, "%s waits in %s%s%s%s", run->subject.id, run->state,
        match ? " for a match" : "", timer_us ? " until " : "",
        timer_us ? time_text(w, run->state_entered_us + timer_us) : "");
}

static void
show_run(struct world *w, const struct run *run, int64_t now_us)
{
    const char *text = run_text(w, run, now_us);
    struct shown *s = NULL;

    for (size_t i = 0; i < w->n_shown; i++)
        if (strcmp(w->shown[i].run, run->id) == 0)
            s = &w->shown[i];
    if (!s && w->n_shown < ITEMS_MAX) {
        s = &w->shown[w->n_shown++];
        *s = (struct shown){.run = run->id};
    }
    if (!s || !s->line || strcmp(text, s->line) != 0)
        tell(w, "%s", text);
    if (s)
        s->line = text;
}

static enum status
told(void *user, struct sim_told *t, struct error *err)
{
    struct world *w = user;
    const char *who = t->subject ? t->subject->id : NULL;

    (void)err;
    w->now_us = t->at_us;
    if (t->kind == SIM_GOAL) {
        tell(w, "goal %s %s (%s)", who,
             t->run->status == RUN_EXITED ? GOAL_MISSED : t->run->state,
             t->run->goal);
        return OK;
    }
    if (t->kind != SIM_DECISION)
        return effect_told(w, t);
    if (!who && t->verdict == VERDICT_ERROR)
        who = t->event->key;
    if (t->verdict != VERDICT_WRONG_STATE)
        tell(w, "%s%s%s", verdict_name(t->verdict), who ? " " : "",
             who ? who : "");
    if (t->run)
        show_run(w, t->run, t->at_us);
    return OK;
}

static enum status
fetch(void *user, struct arena *a, struct facts *facts, int64_t at_us,
      struct error *err)
{
    struct world *w = user;

    (void)a;
    return db_fetch(w->db, facts, at_us, err);
}

/* ---- events ---- */

enum status
world_deliver(struct world *w)
{
    enum status rc = OK;
    size_t n = w->n_waiting;

    w->holding = false;
    w->n_waiting = 0;
    for (size_t i = 0; rc == OK && i < n; i++)
        rc = sim_event(w->sim, w->waiting[i], w->now_us, false, w->err);
    return rc == OK ? sim_until(w->sim, w->now_us, w->err) : rc;
}

/* As the store does: the id is derived, and known ids are dropped. */
enum status
world_receive(struct world *w, struct event *e)
{
    for (size_t i = 0; i < w->n_seen; i++) {
        if (strcmp(w->seen[i], e->id) == 0) {
            tell(w, "%s", verdict_name(VERDICT_DUPLICATE));
            return OK;
        }
    }
    if (w->n_seen == ITEMS_MAX || w->n_waiting == ITEMS_MAX)
        return fail(w->err, E_TOOBIG, "over %d events", ITEMS_MAX);
    w->seen[w->n_seen++] = e->id;
    w->waiting[w->n_waiting++] = e;
    w->last = e;
    return w->holding ? OK : world_deliver(w);
}

enum status
world_repeat(struct world *w)
{
    return w->last ? world_receive(w, w->last)
                   : fail(w->err, E_INPUT, "no event to repeat");
}

enum status
world_pause(struct world *w, bool paused)
{
    w->paused = paused;
    return sim_pause(w->sim, paused, w->now_us, w->err);
}

/* ---- time ---- */

static int64_t
next_scan(struct world *w)
{
    struct cron cron;
    const struct zone *zone;

    if (w->f->trigger != TRIGGER_SCHEDULE ||
        cron_parse(w->f->cron, &cron, NULL) != OK ||
        zone_get(w->f->cron_tz ? w->f->cron_tz : "UTC", &zone, NULL) != OK)
        return INT64_MAX;
    return cron_next(&cron, zone, w->now_us);
}

static enum status
scan(struct world *w)
{
    const struct db_table *t = db_table(w->db, w->f->table);
    enum status rc = OK;

    w->scan_us = next_scan(w);
    for (size_t i = 0; rc == OK && !w->paused && i < t->n; i++) {
        struct event e = {.workspace = "workspace",
                          .integration = "integration",
                          .table = t->t->full,
                          .op = ROW_INSERT,
                          .key = db_key(w->a, t->t, t->rows[i]),
                          .record = json_clone(w->a, t->rows[i]),
                          .occurred_us = w->now_us};
        rc = sim_event(w->sim, &e, w->now_us, true, w->err);
    }
    return rc;
}

enum status
world_until(struct world *w, int64_t at_us)
{
    enum status rc = OK;

    if (at_us < w->now_us)
        return fail(w->err, E_INPUT, "the clock does not go back");
    while (rc == OK && w->scan_us <= at_us) {
        int64_t scan_us = w->scan_us;
        rc = sim_until(w->sim, scan_us - 1, w->err);
        w->now_us = scan_us;
        if (rc == OK)
            rc = scan(w);
    }
    if (rc == OK)
        rc = sim_until(w->sim, at_us, w->err);
    w->now_us = at_us;
    return rc;
}

enum status
world_feature(struct world *w, const char *text, size_t n)
{
    struct sim_config config = {.feature_id = "feature",
                                .version = 1,
                                .fetch = fetch,
                                .told = told,
                                .user = w,
                                .want_trace = true,
                                .max_bytes = FLOW_MAX_BYTES};
    enum status rc = feature_parse_text(w->a, text, n, &w->f, w->err);

    if (rc == OK)
        rc = feature_check(w->db->catalog, w->f, w->err);
    if (rc == OK)
        rc = capture_wanted(w->a, w->db->catalog,
                            (const struct feature *const[]){w->f}, 1,
                            &w->captures, &w->n_captures, w->err);
    config.feature = w->f;
    if (rc == OK)
        rc = sim_new(&config, &w->sim, w->err);
    w->keys = map_new(w->a);
    w->attempts = map_new(w->a);
    w->scan_us = rc == OK ? next_scan(w) : INT64_MAX;
    return rc;
}
