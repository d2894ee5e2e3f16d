/*
 * A world with one feature: what src/runtime does with a store and threads,
 * here in plain sight. Decisions are the core's.
 */
#include <string.h>

#include "codec/time.h"
#include "flow.h"

enum { FACT_ROUNDS_MAX = 12 };
#define HOLD_PAUSED_US (30 * US_PER_S)

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

static struct decide_env
env_of(struct world *w, struct facts *facts)
{
    return (struct decide_env){
        .a = w->a, .facts = facts, .now_us = w->now_us, .want_trace = true};
}

/* ---- runs ---- */

static const char *
run_text(struct world *w, const struct run *run)
{
    const struct state *s = feature_state(w->f, run->state);
    int64_t waited_us = w->now_us - run->state_entered_us, timer_us = 0;
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
show_run(struct world *w, struct world_run *r)
{
    const char *text = run_text(w, &r->run);

    if (!r->shown || strcmp(text, r->shown) != 0)
        tell(w, "%s", text);
    r->shown = text;
}

static enum status
stepped(struct world *w, const struct run *run, const struct event *e,
        struct step *out)
{
    struct facts *facts = facts_new(w->a);
    struct decide_env env = env_of(w, facts);

    for (int i = 0; facts && i < FACT_ROUNDS_MAX; i++) {
        enum status rc = run_step(&env, w->f, run, e, out, w->err);
        if (rc != OK || !out->needs_facts)
            return rc;
        rc = db_fetch(w->db, facts, w->now_us, w->err);
        if (rc != OK)
            return rc;
    }
    return fail(w->err, E_BUG, "facts keep missing");
}

static enum status
step_run(struct world *w, struct world_run *r, const struct event *e)
{
    struct step step;

    if (r->run.status != RUN_ACTIVE)
        return OK;
    enum status rc = stepped(w, &r->run, e, &step);
    if (rc == E_INVALID || rc == E_INPUT) {
        *w->err = (struct error){0};
        r->run.status = RUN_ENDED;
        tell(w, "error %s", r->run.subject.id);
        show_run(w, r);
        return OK;
    }
    if (rc != OK)
        return rc;
    r->run = step.after;
    if (step.verdict != VERDICT_WRONG_STATE)
        tell(w, "%s %s", verdict_name(step.verdict), r->run.subject.id);
    show_run(w, r);
    return plan_effects(w, &r->run, step.effects, step.n_effects);
}

static enum status
begin(struct world *w, const struct event *e, const struct subject *s)
{
    struct facts *facts = facts_new(w->a);
    struct decide_env env = env_of(w, facts);
    struct run run;
    struct step step;
    const char *id = arena_printf(w->a, "run%zu", w->n_runs + 1);

    if (w->n_runs == ITEMS_MAX || !id || !facts)
        return fail(w->err, E_TOOBIG, "over %d runs", ITEMS_MAX);
    enum status rc =
        run_begin(&env, w->f, "feature", 1, e, s, id, &run, w->err);
    if (rc == OK)
        rc = stepped(w, &run, e, &step);
    if (rc == E_INVALID || rc == E_INPUT) {
        *w->err = (struct error){0};
        tell(w, "error %s", s->id);
        return OK;
    }
    if (rc != OK)
        return rc;
    struct world_run *r = &w->runs[w->n_runs++];
    *r = (struct world_run){.run = step.after};
    tell(w, "entered %s", s->id);
    show_run(w, r);
    return plan_effects(w, &r->run, step.effects, step.n_effects);
}

/* ---- entry ---- */

static struct enrolment *
enrolment_of(struct world *w, const char *subject_key)
{
    for (size_t i = 0; i < w->n_enrolled; i++)
        if (strcmp(w->enrolled[i].subject_key, subject_key) == 0)
            return &w->enrolled[i].e;
    struct enrolled *x = &w->enrolled[w->n_enrolled++];
    x->subject_key = subject_key;
    return &x->e;
}

static enum status
decided(struct world *w, const struct event *e, struct subject *s,
        const struct enrolment **enrolment, struct decision *out)
{
    static const struct enrolment never;
    struct facts *facts = facts_new(w->a);
    struct decide_env env = env_of(w, facts);
    bool needs = true;

    for (int i = 0; facts && i < FACT_ROUNDS_MAX; i++) {
        enum status rc = subject_resolve(&env, w->f, e, s, &needs, w->err);
        *enrolment = s->key ? enrolment_of(w, s->key) : &never;
        if (rc == OK && !needs) {
            rc = decide_entry(&env, w->f, w->paused, e, s, *enrolment, out,
                              w->err);
            needs = out->needs_facts;
        }
        if (rc != OK || !needs)
            return rc;
        rc = db_fetch(w->db, facts, w->now_us, w->err);
        if (rc != OK)
            return rc;
    }
    return fail(w->err, E_BUG, "facts keep missing");
}

/* A scan meets every row each time: only its entries are told. */
static enum status
entry(struct world *w, const struct event *e, bool scanned)
{
    const struct enrolment *old = NULL;
    struct subject s = {0};
    struct decision d;
    enum status rc = decided(w, e, &s, &old, &d);

    if (rc == E_INVALID || rc == E_INPUT) {
        *w->err = (struct error){0};
        tell(w, "error %s", s.id ? s.id : e->key);
        return OK;
    }
    if (rc != OK)
        return rc;
    struct enrolment *x = s.key ? enrolment_of(w, s.key) : NULL;
    if (x && w->f->mode == ENTRY_REMATCH)
        x->matched = d.conditions_held;
    if (d.verdict == VERDICT_ENTERED && x) {
        x->entries++;
        x->last_entered_us = w->now_us;
        return begin(w, e, &s);
    }
    if (!scanned)
        tell(w, "%s%s%s", verdict_name(d.verdict), s.id ? " " : "",
             s.id ? s.id : "");
    return OK;
}

/* ---- events ---- */

static bool
watch_meets(struct world *w, const struct watch *watch, const struct event *e,
            const struct run *run)
{
    if (!watch->column)
        return e->key && run->row_key && strcmp(e->key, run->row_key) == 0;
    const struct json *v = json_get(e->record, watch->column);
    const char *id = v && v->kind == JSON_STRING ? v->text
                     : v && v->kind != JSON_NULL ? json_text(w->a, v)
                                                 : NULL;
    return id && strcmp(id, run->subject.id) == 0;
}

static enum status
decide_watch(struct world *w, const struct watch *watch, const struct event *e)
{
    enum status rc = OK;

    if (w->paused || watch->op != e->op || strcmp(watch->table, e->table) != 0)
        return OK;
    for (size_t i = 0; rc == OK && i < w->n_runs; i++) {
        struct world_run *r = &w->runs[i];
        bool own = r->run.event_id && strcmp(r->run.event_id, e->id) == 0;
        if (!own && watch_meets(w, watch, e, &r->run))
            rc = step_run(w, r, e);
    }
    return rc;
}

static enum status
decide(struct world *w, const struct event *e)
{
    enum status rc = OK;

    if (trigger_matches(w->f, e))
        rc = entry(w, e, false);
    for (size_t i = 0; rc == OK && i < w->n_watches; i++)
        rc = decide_watch(w, &w->watches[i], e);
    return rc;
}

enum status
world_deliver(struct world *w)
{
    enum status rc = OK;
    size_t n = w->n_waiting;

    w->holding = false;
    w->n_waiting = 0;
    for (size_t i = 0; rc == OK && i < n; i++)
        rc = decide(w, w->waiting[i]);
    return rc == OK ? send_due(w) : rc;
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
        rc = entry(w, &e, true);
    }
    return rc;
}

static int64_t
next_due(const struct world *w)
{
    int64_t at = w->scan_us;

    for (size_t i = 0; i < w->n_runs; i++) {
        const struct run *run = &w->runs[i].run;
        if (run->status == RUN_ACTIVE && run->due_us && run->due_us < at)
            at = run->due_us;
    }
    for (size_t i = 0; i < w->n_actions; i++)
        if (w->actions[i].due_us && w->actions[i].due_us < at)
            at = w->actions[i].due_us;
    return at;
}

static enum status
runs_due(struct world *w)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < w->n_runs; i++) {
        struct run *run = &w->runs[i].run;
        if (run->status != RUN_ACTIVE || !run->due_us ||
            run->due_us > w->now_us)
            continue;
        if (w->paused)
            run->due_us = w->now_us + HOLD_PAUSED_US;
        else
            rc = step_run(w, &w->runs[i], NULL);
    }
    return rc;
}

enum status
world_until(struct world *w, int64_t at_us)
{
    enum status rc = OK;

    if (at_us < w->now_us)
        return fail(w->err, E_INPUT, "the clock does not go back");
    for (int64_t due = next_due(w); rc == OK && due <= at_us;
         due = next_due(w)) {
        w->now_us = due > w->now_us ? due : w->now_us;
        if (w->scan_us <= w->now_us)
            rc = scan(w);
        if (rc == OK)
            rc = runs_due(w);
        if (rc == OK)
            rc = send_due(w);
    }
    w->now_us = at_us;
    return rc;
}

enum status
world_feature(struct world *w, const char *text, size_t n)
{
    enum status rc = feature_parse_text(w->a, text, n, &w->f, w->err);

    if (rc == OK)
        rc = feature_check(w->db->catalog, w->f, w->err);
    if (rc == OK)
        rc = feature_watches(w->a, w->f, &w->watches, &w->n_watches, w->err);
    if (rc == OK)
        rc = capture_wanted(w->a, w->db->catalog,
                            (const struct feature *const[]){w->f}, 1,
                            &w->captures, &w->n_captures, w->err);
    w->scan_us = rc == OK ? next_scan(w) : INT64_MAX;
    return rc;
}
