#include "core/sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "codec/time.h"
#include "core/gates.h"

enum { FACT_ROUNDS_MAX = 12, SCRATCH_MAX_BYTES = 64 * 1024 * 1024 };
#define HOLD_PAUSED_US (30 * US_PER_S)

struct sim_run {
    struct run run;
    const struct feature *f; /* the feature, or its goal's machine */
    struct sim_run *next_of_subject, *next_of_row;
};

struct sim_subject {
    struct enrolment enrolment;
    struct sim_run *runs;
    bool measured; /* there is a run for its goal */
    int64_t *sent; /* times of its messages, rising */
    size_t n_sent, cap_sent;
};

struct send {
    struct planned_effect planned;
    struct sim_run *run;
    int64_t created_us;
};

/* What is due: a run or a send; at one time the runs first. */
struct due {
    int64_t at_us;
    uint64_t order;
    struct sim_run *run;
    struct send *send;
};

struct sim {
    struct sim_config c;
    struct arena *keep, *scratch;
    struct watch *watches;
    size_t n_watches;
    bool paused;
    int64_t now_us;
    struct sim_run **runs;
    size_t n_runs, cap_runs;
    struct map *subjects, *rows, *suppressed;
    struct due *heap;
    size_t n_heap, cap_heap;
    uint64_t order;
};

/* ---- what is due ---- */

static bool
before(const struct due *x, const struct due *y)
{
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us;
    if ((x->run != NULL) != (y->run != NULL))
        return x->run != NULL;
    return x->order < y->order;
}

/* Room for one more in an array of the arena. */
static enum status
room(struct arena *a, void **items, size_t n, size_t *cap, size_t size,
     struct error *err)
{
    if (n < *cap)
        return OK;
    size_t more = *cap ? *cap * 2 : 16;
    void *fresh = arena_array(a, more, size);
    if (!fresh)
        return fail(err, E_TOOBIG, "the simulation holds over %zu items", n);
    if (n)
        memcpy(fresh, *items, n * size);
    *items = fresh;
    *cap = more;
    return OK;
}

static enum status
heap_push(struct sim *s, struct due d, struct error *err)
{
    void *heap = s->heap;
    enum status rc =
        room(s->keep, &heap, s->n_heap, &s->cap_heap, sizeof(d), err);

    if (rc != OK)
        return rc;
    s->heap = heap;
    d.order = s->order++;
    size_t i = s->n_heap++;
    for (; i > 0 && before(&d, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = d;
    return OK;
}

static struct due
heap_pop(struct sim *s)
{
    struct due top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;

    for (size_t child = 1; child < s->n_heap; child = i * 2 + 1) {
        if (child + 1 < s->n_heap &&
            before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    if (s->n_heap)
        s->heap[i] = last;
    return top;
}

static enum status
run_queue(struct sim *s, struct sim_run *r, struct error *err)
{
    if (r->run.status != RUN_ACTIVE || r->run.due_us == 0)
        return OK;
    int64_t at_us =
        s->c.look_us ? s->c.look_us(s->c.user, &r->run) : r->run.due_us;
    return heap_push(
        s,
        (struct due){.at_us = at_us > s->now_us ? at_us : s->now_us, .run = r},
        err);
}

/* ---- one feature's world ---- */

enum status
sim_new(const struct sim_config *config, struct sim **out, struct error *err)
{
    struct sim *s = calloc(1, sizeof(*s));

    if (!s)
        return fail(err, E_NOMEM, "simulation");
    s->c = *config;
    s->keep = arena_new(config->max_bytes);
    s->scratch = arena_new(SCRATCH_MAX_BYTES);
    s->subjects = s->keep ? map_new(s->keep) : NULL;
    s->rows = s->keep ? map_new(s->keep) : NULL;
    s->suppressed = s->keep ? map_new(s->keep) : NULL;
    enum status rc = s->scratch && s->subjects && s->rows && s->suppressed
                         ? feature_watches(s->keep, config->feature,
                                           &s->watches, &s->n_watches, err)
                         : fail(err, E_NOMEM, "simulation");
    if (rc != OK) {
        sim_free(s);
        return rc;
    }
    *out = s;
    return OK;
}

void
sim_free(struct sim *s)
{
    if (!s)
        return;
    arena_free(s->scratch);
    arena_free(s->keep);
    free(s);
}

/* What is told when a pause or a newer version ends a run. */
static enum status end_run(struct sim *s, struct sim_run *r, struct error *err);

enum status
sim_pause(struct sim *s, bool paused, int64_t now_us, struct error *err)
{
    enum status rc = OK;

    s->paused = paused;
    s->now_us = now_us;
    if (!paused || s->c.feature->on_pause != PAUSE_EXIT)
        return OK;
    for (size_t i = 0; rc == OK && i < s->n_runs; i++)
        if (s->runs[i]->run.status == RUN_ACTIVE && !s->runs[i]->run.goal)
            rc = end_run(s, s->runs[i], err);
    return rc;
}

enum status
sim_suppress(struct sim *s, const char *address, struct error *err)
{
    const char *key = arena_strdup(s->keep, address);

    return key ? map_put(s->suppressed, key, s, err)
               : fail(err, E_NOMEM, "suppression");
}

size_t
sim_runs(const struct sim *s)
{
    return s->n_runs;
}

const struct run *
sim_run_at(const struct sim *s, size_t i)
{
    return &s->runs[i]->run;
}

int64_t
sim_next_due(const struct sim *s)
{
    return s->n_heap ? s->heap[0].at_us : INT64_MAX;
}

static struct sim_subject *
subject_of(struct sim *s, const char *key, struct error *err)
{
    struct sim_subject *x = map_get(s->subjects, key);

    if (x)
        return x;
    x = arena_alloc(s->keep, sizeof(*x));
    const char *kept = arena_strdup(s->keep, key);
    if (x && kept && map_put(s->subjects, kept, x, err) == OK)
        return x;
    (void)fail(err, E_TOOBIG, "the simulation holds too many subjects");
    return NULL;
}

static struct decide_env
env_of(struct sim *s, struct facts *facts)
{
    return (struct decide_env){.a = s->scratch,
                               .facts = facts,
                               .now_us = s->now_us,
                               .want_trace = s->c.want_trace,
                               .holdout = s->c.holdout,
                               .past = s->c.past};
}

static enum status
fetch(struct sim *s, struct facts *facts, struct error *err)
{
    enum status rc = s->c.fetch(s->c.user, s->scratch, facts, s->now_us, err);

    facts_clear_wanted(facts);
    return rc;
}

static enum status
tell(struct sim *s, struct sim_told *told, struct error *err)
{
    told->at_us = s->now_us;
    return s->c.told(s->c.user, told, err);
}

/* ---- effects ---- */

static enum status
send_add(struct sim *s, struct sim_run *r, const struct planned_effect *p,
         struct error *err)
{
    struct send *x = arena_alloc(s->keep, sizeof(*x));

    if (!x)
        return fail(err, E_TOOBIG, "the simulation holds too many sends");
    *x = (struct send){.planned = *p, .run = r, .created_us = s->now_us};
    x->planned.key = arena_strdup(s->keep, p->key);
    if (p->address)
        x->planned.address = arena_strdup(s->keep, p->address);
    if (!x->planned.key || (p->address && !x->planned.address))
        return fail(err, E_TOOBIG, "the simulation holds too many sends");
    return heap_push(s, (struct due){.at_us = s->now_us, .send = x}, err);
}

static enum status
effects_plan(struct sim *s, struct sim_run *r, const struct step *step,
             struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < step->n_effects; i++) {
        const struct planned_effect *p = &step->effects[i];
        struct sim_told told = {.kind = SIM_SETTLED,
                                .verdict = p->verdict,
                                .subject = &r->run.subject,
                                .run = &r->run,
                                .effect = p};
        if (p->verdict != VERDICT_ENTERED ||
            p->effect->kind == EFFECT_SET_STAGE)
            rc = tell(s, &told, err);
        else
            rc = send_add(s, r, p, err);
    }
    return rc;
}

static enum status
exited(struct sim *s, const struct send *x, bool *out, struct error *err)
{
    struct facts *facts = facts_new(s->scratch);
    struct decide_env env = env_of(s, facts);
    bool needs = true;
    enum status rc = facts ? OK : fail(err, E_NOMEM, "facts");

    *out = x->run->run.status == RUN_EXITED;
    /* The step that planned it has just looked. */
    if (*out || x->created_us == s->now_us)
        return rc;
    for (int i = 0; rc == OK && needs && i < FACT_ROUNDS_MAX; i++) {
        rc = run_exit_holds(&env, s->c.feature, &x->run->run, out, &needs, err);
        if (rc == OK && needs)
            rc = fetch(s, facts, err);
    }
    return rc;
}

static enum status
gate(struct sim *s, const struct send *x, const struct sim_subject *who,
     struct send_gate *out, struct error *err)
{
    const struct timing *t = &s->c.feature->timing;
    struct send_facts facts = {
        .now_us = s->now_us,
        .subject_tz = json_get_str(x->run->run.record, "timezone", NULL),
        .suppressed = map_get(s->suppressed, x->planned.address) != NULL};

    for (size_t i = who->n_sent; t->cap_count && i > 0; i--) {
        if (who->sent[i - 1] <= s->now_us - t->cap_per_us)
            break;
        facts.sent_feature++;
        facts.oldest_feature_us = who->sent[i - 1];
    }
    enum status rc = exited(s, x, &facts.exited, err);
    return rc == OK ? send_gate(s->scratch, t, &facts, out, err) : rc;
}

static enum status
send_do(struct sim *s, struct send *x, struct error *err)
{
    bool person = x->planned.effect->kind == EFFECT_EMAIL;
    struct sim_subject *who = subject_of(s, x->run->run.subject.key, err);
    struct send_gate g = {.verdict = VERDICT_ENTERED};
    enum status rc = who ? OK : E_TOOBIG;

    if (rc == OK && person)
        rc = gate(s, x, who, &g, err);
    if (rc == OK && person && g.verdict == VERDICT_ENTERED) {
        void *sent = who->sent;
        rc = room(s->keep, &sent, who->n_sent, &who->cap_sent, sizeof(int64_t),
                  err);
        if (rc != OK)
            return rc;
        who->sent = sent;
        who->sent[who->n_sent++] = s->now_us;
    }
    struct sim_told told = {.kind = SIM_SEND,
                            .verdict = g.verdict,
                            .subject = &x->run->run.subject,
                            .run = &x->run->run,
                            .detail = s->c.want_trace ? g.detail : NULL,
                            .effect = &x->planned,
                            .until_us = g.until_us};
    if (rc == OK)
        rc = tell(s, &told, err);
    int64_t again_us = told.again_us ? told.again_us : g.until_us;
    if (rc == OK && again_us)
        rc = heap_push(s, (struct due){.at_us = again_us, .send = x}, err);
    return rc;
}

/* ---- runs ---- */

static bool
is_verdict(enum status rc)
{
    return rc == E_INVALID || rc == E_INPUT;
}

static enum status
end_run(struct sim *s, struct sim_run *r, struct error *err)
{
    struct sim_told told = {.kind = SIM_DECISION,
                            .verdict = VERDICT_COMPLETED,
                            .subject = &r->run.subject,
                            .run = &r->run};

    r->run.status = RUN_EXITED;
    return tell(s, &told, err);
}

static enum status
stepped(struct sim *s, const struct feature *f, const struct run *run,
        const struct event *e, struct step *out, struct error *err)
{
    struct facts *facts = facts_new(s->scratch);
    struct decide_env env = env_of(s, facts);

    for (int i = 0; facts && i < FACT_ROUNDS_MAX; i++) {
        enum status rc = run_step(&env, f, run, e, out, err);
        if (rc == OK && out->needs_facts)
            rc = fetch(s, facts, err);
        else
            return rc;
        if (rc != OK)
            return rc;
    }
    return fail(err, E_BUG, "facts keep missing");
}

static enum status
tell_error(struct sim *s, const struct event *e, const struct subject *who,
           const struct run *run, struct error *err)
{
    const char *reason = arena_strdup(s->scratch, err->msg);
    struct sim_told told = {.kind = SIM_DECISION,
                            .verdict = VERDICT_ERROR,
                            .event = e,
                            .subject = who,
                            .run = run,
                            .reason = reason};

    *err = (struct error){0};
    return tell(s, &told, err);
}

static enum status
step_run(struct sim *s, struct sim_run *r, const struct event *e,
         struct error *err)
{
    struct step step;

    if (r->run.status != RUN_ACTIVE)
        return OK;
    enum status rc = stepped(s, r->f, &r->run, e, &step, err);
    if (is_verdict(rc)) {
        r->run.status = RUN_ENDED;
        return tell_error(s, e, &r->run.subject, &r->run, err);
    }
    if (rc != OK)
        return rc;
    r->run = step.after;
    struct sim_told told = {.kind = r->run.goal ? SIM_GOAL : SIM_DECISION,
                            .verdict = step.verdict,
                            .event = e,
                            .subject = &r->run.subject,
                            .run = &r->run,
                            .detail = step.detail};
    if (!r->run.goal || r->run.status != RUN_ACTIVE)
        rc = tell(s, &told, err);
    if (rc == OK)
        rc = effects_plan(s, r, &step, err);
    return rc == OK ? run_queue(s, r, err) : rc;
}

/* What outlives the event. */
static bool
run_keep(struct sim *s, struct sim_run *r)
{
    struct run *run = &r->run;
    const char **texts[] = {&run->subject.id, &run->subject.key, &run->row_key,
                            &run->event_id,   &run->event_type,  &run->id};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!*texts[i])
            continue;
        *texts[i] = arena_strdup(s->keep, *texts[i]);
        if (!*texts[i])
            return false;
    }
    run->row_table = s->c.feature->table;
    run->subject.table = s->c.feature->subject_table;
    if (run->record) {
        run->record = json_clone(s->keep, run->record);
        return run->record != NULL;
    }
    return true;
}

static enum status
run_add(struct sim *s, const struct feature *f, const struct run *run,
        struct sim_subject *who, struct sim_run **out, struct error *err)
{
    struct sim_run *r = arena_alloc(s->keep, sizeof(*r));
    void *runs = s->runs;
    enum status rc = room(s->keep, &runs, s->n_runs, &s->cap_runs,
                          sizeof(struct sim_run *), err);

    if (rc != OK)
        return rc;
    s->runs = runs;
    if (r)
        *r = (struct sim_run){.run = *run, .f = f};
    if (!r || !run_keep(s, r))
        return fail(err, E_TOOBIG, "the simulation holds over %zu runs",
                    s->n_runs);
    s->runs[s->n_runs++] = r;
    r->next_of_subject = who->runs;
    who->runs = r;
    if (r->run.row_key) {
        r->next_of_row = map_get(s->rows, r->run.row_key);
        rc = map_put(s->rows, r->run.row_key, r, err);
    }
    *out = r;
    return rc;
}

/* Those who enter, and those held back: each once, unless each entry counts. */
static enum status
measure(struct sim *s, const struct event *e, const struct subject *who,
        enum verdict arm, struct error *err)
{
    const struct feature *f = s->c.feature;
    struct decide_env env = env_of(s, NULL);
    struct sim_subject *x = subject_of(s, who->key, err);
    struct sim_run *r = NULL;
    struct run run;
    const char *id = arena_printf(s->scratch, "run%zu", s->n_runs + 1);

    if (!id || !x)
        return x ? fail(err, E_NOMEM, "run") : E_TOOBIG;
    if (!f->goal_machine || (x->measured && f->mode != ENTRY_EVERY))
        return OK;
    x->measured = true;
    enum status rc = goal_begin(&env, f, s->c.feature_id, s->c.version, e, who,
                                arm, id, &run, err);
    if (rc == OK)
        rc = run_add(s, f->goal_machine, &run, x, &r, err);
    return rc == OK ? run_queue(s, r, err) : rc;
}

static enum status
begin(struct sim *s, const struct event *e, const struct subject *who,
      const struct json *entry, struct error *err)
{
    struct decide_env env = env_of(s, NULL);
    struct sim_subject *x = subject_of(s, who->key, err);
    struct sim_run *r = NULL;
    struct run run;
    struct step step;
    const char *id = arena_printf(s->scratch, "run%zu", s->n_runs + 1);

    if (!id || !x)
        return x ? fail(err, E_NOMEM, "run") : E_TOOBIG;
    enum status rc = run_begin(&env, s->c.feature, s->c.feature_id,
                               s->c.version, e, who, id, &run, err);
    if (rc == OK)
        rc = stepped(s, s->c.feature, &run, e, &step, err);
    if (is_verdict(rc))
        return tell_error(s, e, who, NULL, err);
    if (rc == OK)
        rc = run_add(s, s->c.feature, &step.after, x, &r, err);
    if (rc != OK)
        return rc;
    x->enrolment.entries++;
    x->enrolment.last_entered_us = s->now_us;
    /* The entry's trace, and the step's: as a stored decision has it. */
    struct json *detail = entry ? json_clone(s->scratch, entry) : NULL;
    if (detail && step.detail)
        detail = json_put(s->scratch, detail, "step", step.detail);
    struct sim_told told = {.kind = SIM_DECISION,
                            .verdict = VERDICT_ENTERED,
                            .event = e,
                            .subject = &r->run.subject,
                            .run = &r->run,
                            .detail = detail};
    rc = tell(s, &told, err);
    if (rc == OK)
        rc = effects_plan(s, r, &step, err);
    if (rc == OK)
        rc = run_queue(s, r, err);
    return rc == OK ? measure(s, e, who, VERDICT_ENTERED, err) : rc;
}

/* ---- events ---- */

static enum status
decided(struct sim *s, const struct event *e, struct subject *who,
        struct decision *out, struct error *err)
{
    struct facts *facts = facts_new(s->scratch);
    struct decide_env env = env_of(s, facts);
    bool needs = true;

    for (int i = 0; facts && i < FACT_ROUNDS_MAX; i++) {
        enum status rc =
            subject_resolve(&env, s->c.feature, e, who, &needs, err);
        const struct sim_subject *x =
            who->key ? map_get(s->subjects, who->key) : NULL;
        struct enrolment enrolment = x ? x->enrolment : (struct enrolment){0};
        enrolment.row_entered = e->key && map_get(s->rows, e->key);
        if (rc == OK && !needs) {
            rc = decide_entry(&env, s->c.feature, s->paused, e, who, &enrolment,
                              out, err);
            needs = out->needs_facts;
        }
        if (rc != OK || !needs)
            return rc;
        rc = fetch(s, facts, err);
        if (rc != OK)
            return rc;
    }
    return fail(err, E_BUG, "facts keep missing");
}

static enum status
entry(struct sim *s, const struct event *e, bool scanned, struct error *err)
{
    struct subject who = {0};
    struct decision d = {0};
    enum status rc = decided(s, e, &who, &d, err);

    if (is_verdict(rc))
        return tell_error(s, e, &who, NULL, err);
    if (rc != OK)
        return rc;
    if (who.key && s->c.feature->mode == ENTRY_REMATCH) {
        struct sim_subject *x = subject_of(s, who.key, err);
        if (!x)
            return E_TOOBIG;
        x->enrolment.matched = d.conditions_held;
    }
    if (d.verdict == VERDICT_ENTERED)
        return begin(s, e, &who, d.detail, err);
    struct sim_told told = {.kind = SIM_DECISION,
                            .verdict = d.verdict,
                            .event = e,
                            .subject = &who,
                            .detail = d.detail};
    if (!scanned)
        rc = tell(s, &told, err);
    return rc == OK && d.verdict == VERDICT_HOLDOUT
               ? measure(s, e, &who, d.verdict, err)
               : rc;
}

/* Runs begun by this very event are not woken by it again. */
static enum status
wake(struct sim *s, struct sim_run *first, bool by_row, const struct event *e,
     struct error *err)
{
    enum status rc = OK;

    for (struct sim_run *r = first; rc == OK && r;
         r = by_row ? r->next_of_row : r->next_of_subject)
        if (!r->run.event_id || !e->id || strcmp(r->run.event_id, e->id) != 0)
            rc = step_run(s, r, e, err);
    return rc;
}

static enum status
watched(struct sim *s, const struct watch *w, const struct event *e,
        struct error *err)
{
    if (s->paused || w->op != e->op || strcmp(w->table, e->table) != 0)
        return OK;
    if (!w->column)
        return e->key ? wake(s, map_get(s->rows, e->key), true, e, err) : OK;
    const char *id = json_plain(s->scratch, json_get(e->record, w->column));
    if (!id)
        return OK;
    const char *key =
        arena_printf(s->scratch, "%s/%s", s->c.feature->subject_table, id);
    const struct sim_subject *x = key ? map_get(s->subjects, key) : NULL;
    return x ? wake(s, x->runs, false, e, err) : OK;
}

enum status
sim_event(struct sim *s, const struct event *e, int64_t now_us, bool scanned,
          struct error *err)
{
    enum status rc = OK;

    arena_reset(s->scratch);
    s->now_us = now_us;
    if (scanned)
        return entry(s, e, true, err);
    if (trigger_matches(s->c.feature, e))
        rc = entry(s, e, false, err);
    for (size_t i = 0; rc == OK && i < s->n_watches; i++)
        rc = watched(s, &s->watches[i], e, err);
    return rc;
}

/* ---- time ---- */

static enum status
due_do(struct sim *s, const struct due *d, struct error *err)
{
    if (d->send)
        return send_do(s, d->send, err);
    struct run *run = &d->run->run;
    /* It may have moved since it was queued: then it was queued again. */
    if (run->status != RUN_ACTIVE || !run->due_us || run->due_us > s->now_us)
        return OK;
    if (!s->paused || run->goal)
        return step_run(s, d->run, NULL, err);
    run->due_us = s->now_us + HOLD_PAUSED_US;
    return run_queue(s, d->run, err);
}

enum status
sim_until(struct sim *s, int64_t at_us, struct error *err)
{
    enum status rc = OK;

    while (rc == OK && s->n_heap && s->heap[0].at_us <= at_us) {
        struct due d = heap_pop(s);
        arena_reset(s->scratch);
        s->now_us = d.at_us;
        rc = due_do(s, &d, err);
    }
    if (at_us > s->now_us)
        s->now_us = at_us;
    return rc;
}
