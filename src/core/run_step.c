/*
 * What a run does now: M4, M5, M8.
 */
#include <string.h>

#include "codec/time.h"
#include "core/decide.h"
#include "core/predicate.h"

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
run_begin(const struct decide_env *env, const struct feature *f,
          const char *feature_id, int64_t version, const struct event *e,
          const struct subject *s, const char *run_id, struct run *out,
          struct error *err)
{
    const char *type =
        arena_printf(env->a, "%s.%s", e->table, row_op_name(e->op));

    *out = (struct run){
        .id = run_id,
        .workspace = e->workspace,
        .integration = e->integration,
        .feature_id = feature_id,
        .version = version,
        .subject = *s,
        .row_table = e->table,
        .row_key = e->key,
        .record = e->record,
        .event_id = e->id,
        .event_type = f->trigger == TRIGGER_ROW ? type : "schedule",
        .state = f->initial,
        .status = RUN_ACTIVE,
        /* In the database's time, so that rows made while the
         * event travelled count as "since entry". */
        .entered_us = e->occurred_us ? e->occurred_us : env->now_us,
        .state_entered_us = env->now_us,
        .state_entry = 1,
        .due_us = env->now_us};
    return type ? OK : fail(err, E_NOMEM, "run");
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
goal_begin(const struct decide_env *env, const struct feature *f,
           const char *feature_id, int64_t version, const struct event *e,
           const struct subject *s, enum verdict arm, const char *run_id,
           struct run *out, struct error *err)
{
    const struct feature *g = f->goal_machine;
    enum status rc =
        run_begin(env, g, feature_id, version, e, s, run_id, out, err);
    int64_t first_us =
        g->poll_us < f->goal_within_us ? g->poll_us : f->goal_within_us;

    out->goal = verdict_name(arm);
    out->due_us = env->now_us + first_us;
    return rc;
}

struct stepping {
    const struct decide_env *env;
    const struct feature *f;
    const struct event *e;
    struct run run;
    bool fresh; /* the event is the run's own: its row can be read from it */
    struct planned_effect *effects;
    size_t n_effects, cap_effects;
    struct json *steps; /* trace of transitions taken */
    struct json *tried; /* trace of guards that held nothing, last state */
    struct json *exit;
    int64_t late_us; /* PAUSE_SKIP: a timer that came too late; 0 = none */
    bool needs;
    bool moved;
};

static struct eval_env
run_env(const struct stepping *x)
{
    return (struct eval_env){.a = x->env->a,
                             .facts = x->env->facts,
                             .now_us = x->env->now_us,
                             .row_table = x->run.row_table,
                             .row_key = x->run.row_key,
                             .record = x->run.record,
                             .fresh = x->fresh,
                             .subject_id = x->run.subject.id,
                             .entered_us = x->run.entered_us,
                             .bound_us = x->env->past ? x->env->now_us : 0};
}

static struct json *
new_trace(const struct stepping *x)
{
    return x->env->want_trace ? json_array(x->env->a) : NULL;
}

/* ---- exits (M5) ---- */

/* Another event than the one that began the run? A scanned row has no id. */
static bool
is_later(const struct run *run, const struct event *e)
{
    if (!e)
        return false;
    return run->event_id && e->id ? strcmp(run->event_id, e->id) != 0
                                  : run->event_id != e->id;
}

/* The deletion that began a run does not end it. */
static bool
subject_deleted(const struct stepping *x)
{
    return is_later(&x->run, x->e) && x->e->op == ROW_DELETE && x->e->key &&
           strcmp(x->e->table, x->run.subject.table) == 0 &&
           strcmp(x->e->key, x->run.subject.id) == 0;
}

/* Any one of the predicates ends the run. */
static enum status
exit_predicates(struct stepping *x, bool *holds, struct error *err)
{
    struct eval_env ee = run_env(x);

    for (size_t i = 0; !*holds && i < x->f->exit.n; i++) {
        struct predicates one = {.items = &x->f->exit.items[i], .n = 1};
        struct json *trace = new_trace(x);
        enum truth truth;
        enum status rc = predicates_eval(&ee, &one, trace, &truth, err);
        if (rc != OK)
            return rc;
        x->needs = x->needs || truth == TRUTH_UNKNOWN;
        *holds = truth == TRUTH_YES;
        if (*holds)
            x->exit = trace;
    }
    if (*holds)
        x->needs = false;
    return OK;
}

static enum status
exit_holds_now(struct stepping *x, bool *holds, struct error *err)
{
    *holds = subject_deleted(x);
    return exit_predicates(x, holds, err);
}

enum status
run_exit_holds(const struct decide_env *env, const struct feature *f,
               const struct run *run, bool *holds, bool *needs,
               struct error *err)
{
    struct stepping x = {.env = env, .f = f, .run = *run};

    *holds = false;
    enum status rc = exit_predicates(&x, holds, err);
    *needs = x.needs;
    return rc;
}

/* ---- transitions (M4) ---- */

static enum status
email_address(struct stepping *x, const struct effect *e, const char **out,
              struct error *err)
{
    const struct path *path = e->to.n ? &e->to : &x->f->subject_email;
    struct eval_env ee = run_env(x);
    const struct json *v = NULL;

    *out = NULL;
    if (path->n == 0)
        return OK;
    enum status rc = eval_path(&ee, path, &v, err);
    if (rc == OK && !v)
        x->needs = true;
    const char *text = json_str(v, NULL);
    *out = text && strchr(text, '@') ? text : NULL;
    return rc;
}

static enum status
add_effect(struct stepping *x, const struct effect *e, size_t index,
           struct error *err)
{
    if (x->n_effects == x->cap_effects) {
        size_t cap = x->cap_effects ? x->cap_effects * 2 : 4;
        struct planned_effect *more =
            arena_array(x->env->a, cap, sizeof(*more));
        if (!more)
            return fail(err, E_NOMEM, "effects");
        if (x->n_effects)
            memcpy(more, x->effects, x->n_effects * sizeof(*more));
        x->effects = more;
        x->cap_effects = cap;
    }
    struct planned_effect *p = &x->effects[x->n_effects];
    *p = (struct planned_effect){
        .effect = e, .state = x->run.state, .verdict = VERDICT_ENTERED};
    p->key = arena_printf(x->env->a, "%s_%lld_%zu", x->run.id,
                          (long long)x->run.state_entry, index);
    if (!p->key)
        return fail(err, E_NOMEM, "effect key");
    if (e->kind == EFFECT_EMAIL) {
        enum status rc = email_address(x, e, &p->address, err);
        if (rc != OK)
            return rc;
        if (!p->address)
            p->verdict = VERDICT_NO_SUBJECT;
    }
    x->n_effects++;
    return OK;
}

static void
trace_step(struct stepping *x, const struct transition *t, struct json *guard)
{
    struct arena *a = x->env->a;
    char text[ISO_BYTES];
    struct json *o;

    if (!x->steps)
        return;
    o = json_object(a);
    o = json_put(a, o, "from", json_string(a, x->run.state));
    o = json_put(a, o, "to", json_string(a, t->target));
    o = json_put(a, o, "why",
                 t->on_match
                     ? json_string(a, "match")
                     : json_string(a, duration_write(t->after_us, text)));
    if (t->branch)
        o = json_put(a, o, "branch", json_string(a, t->branch->name));
    if (guard && guard->n)
        o = json_put(a, o, "guard", guard);
    (void)json_push(a, x->steps, o);
}

static enum status
take(struct stepping *x, const struct transition *t, struct json *guard,
     struct error *err)
{
    for (size_t i = 0; i < t->n_effects; i++) {
        enum status rc = add_effect(x, &t->effects[i], i, err);
        if (rc != OK || x->needs)
            return rc;
    }
    trace_step(x, t, guard);
    x->run.state = t->target;
    x->run.state_entry++;
    x->run.state_entered_us = x->env->now_us;
    x->run.checked_us = 0;
    x->moved = true;
    if (feature_state(x->f, t->target)->final)
        x->run.status = RUN_COMPLETED;
    return OK;
}

static bool
branch_takes(const struct branch *b, const char *subject_key)
{
    uint64_t place = sticky_place(b->salt, subject_key, b->total);

    return place >= b->from && place < b->to;
}

static enum status
try_transition(struct stepping *x, const struct transition *t, bool *taken,
               struct error *err)
{
    struct eval_env ee = run_env(x);
    struct json *trace = new_trace(x);
    enum truth truth;

    *taken = false;
    if (t->branch && !branch_takes(t->branch, x->run.subject.key))
        return OK; /* the subject belongs to another branch */
    enum status rc = predicates_eval(&ee, &t->guard, trace, &truth, err);

    if (rc != OK)
        return rc;
    if (truth == TRUTH_UNKNOWN) {
        x->needs = true;
        return OK;
    }
    if (truth == TRUTH_NO) {
        if (x->tried && trace)
            (void)json_push(x->env->a, x->tried, trace);
        return OK;
    }
    *taken = true;
    return take(x, t, trace, err);
}

/* The next timer of the state after `passed_us`, by time; within one time the
 * document's order. */
static const struct transition *
next_timer(const struct state *s, int64_t passed_us)
{
    const struct transition *best = NULL;

    for (size_t i = 0; i < s->n_transitions; i++) {
        const struct transition *t = &s->transitions[i];
        if (!t->on_match && t->after_us > passed_us &&
            (!best || t->after_us < best->after_us))
            best = t;
    }
    return best;
}

static enum status
try_matches(struct stepping *x, const struct state *s, bool *taken,
            struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && !*taken && !x->needs && i < s->n_transitions;
         i++)
        if (s->transitions[i].on_match)
            rc = try_transition(x, &s->transitions[i], taken, err);
    return rc;
}

static enum status
try_timers(struct stepping *x, const struct state *s, bool *taken,
           struct error *err)
{
    int64_t waited_us = x->env->now_us - x->run.state_entered_us;
    int64_t tried_us =
        x->run.checked_us ? x->run.checked_us - x->run.state_entered_us : -1;
    const struct transition *t = next_timer(s, tried_us);
    enum status rc = OK;

    if (x->f->on_pause == PAUSE_SKIP && t && t->after_us > 0 &&
        waited_us - t->after_us > x->f->skip_us) {
        x->late_us = waited_us - t->after_us;
        x->run.status = RUN_EXITED;
        return OK;
    }
    while (rc == OK && t && t->after_us <= waited_us && !*taken && !x->needs) {
        int64_t at_us = t->after_us;
        for (size_t i = 0;
             rc == OK && !*taken && !x->needs && i < s->n_transitions; i++) {
            const struct transition *o = &s->transitions[i];
            if (!o->on_match && o->after_us == at_us)
                rc = try_transition(x, o, taken, err);
        }
        t = next_timer(s, at_us);
    }
    return rc;
}

/* Nothing could be taken: wait for the next timer, or end. */
static void
settle(struct stepping *x, const struct state *s)
{
    int64_t now_us = x->env->now_us;
    const struct transition *t =
        next_timer(s, now_us - x->run.state_entered_us);
    bool matches = false;

    for (size_t i = 0; i < s->n_transitions; i++)
        matches = matches || s->transitions[i].on_match;
    x->run.checked_us = now_us;
    x->run.due_us = t ? x->run.state_entered_us + t->after_us : 0;
    int64_t poll_us = x->f->poll_us ? x->f->poll_us : MATCH_POLL_US;
    if (matches && (x->run.due_us == 0 || x->run.due_us > now_us + poll_us))
        x->run.due_us = now_us + poll_us;
    if (!t && !matches)
        x->run.status = RUN_ENDED;
}

static enum status
advance(struct stepping *x, struct error *err)
{
    for (int i = 0; i < RUN_MAX_STEPS; i++) {
        const struct state *s = feature_state(x->f, x->run.state);
        bool out = false, taken = false;
        if (!s)
            return fail(err, E_INVALID, "the version has no state '%s'",
                        x->run.state);
        enum status rc = exit_holds_now(x, &out, err);
        if (rc != OK || x->needs)
            return rc;
        if (out)
            x->run.status = RUN_EXITED;
        if (x->run.status != RUN_ACTIVE)
            return OK;
        x->tried = new_trace(x);
        rc = try_matches(x, s, &taken, err);
        if (rc == OK && !taken && !x->needs)
            rc = try_timers(x, s, &taken, err);
        if (rc != OK || x->needs || x->run.status != RUN_ACTIVE)
            return rc;
        if (!taken) {
            settle(x, s);
            return OK;
        }
    }
    return fail(err, E_INVALID, "over %d transitions at one instant",
                RUN_MAX_STEPS);
}

static struct json *
detail_of(const struct stepping *x)
{
    struct arena *a = x->env->a;
    struct json *o = json_object(a);
    char text[ISO_BYTES];

    if (x->steps && x->steps->n)
        o = json_put(a, o, "steps", x->steps);
    if (x->late_us)
        o = json_put(a, o, "late_by",
                     json_string(a, duration_write(x->late_us, text)));
    else if (x->run.status == RUN_EXITED)
        o = json_put(a, o, "exit", x->exit ? x->exit : json_array(a));
    else if (x->tried && x->tried->n)
        o = json_put(a, o, "guards", x->tried);
    o = json_put(a, o, "state", json_string(a, x->run.state));
    o = json_put(a, o, "status",
                 json_string(a, run_status_name(x->run.status)));
    if (x->run.status == RUN_ACTIVE && x->run.due_us)
        o = json_put(a, o, "waits_until",
                     json_string(a, iso_write(x->run.due_us, text)));
    return o;
}

static enum verdict
verdict_of(const struct stepping *x)
{
    if (x->run.status == RUN_ENDED)
        return VERDICT_GUARD_FALSE;
    if (x->run.status != RUN_ACTIVE)
        return VERDICT_COMPLETED;
    return x->moved ? VERDICT_ADVANCED : VERDICT_WRONG_STATE;
}

enum status
run_step(const struct decide_env *env, const struct feature *f,
         const struct run *run, const struct event *e, struct step *out,
         struct error *err)
{
    struct stepping x = {.env = env, .f = f, .e = e, .run = *run};

    *out = (struct step){0};
    /* At the entry the row is the event's; afterwards, be it for another event
     * of the same instant, rows are read again, for they may have changed. */
    x.fresh = run->record && run->state_entry == 1 &&
              run->state_entered_us == env->now_us && !is_later(run, e);
    x.steps = new_trace(&x);
    enum status rc = advance(&x, err);
    if (rc != OK)
        return rc;
    out->needs_facts = x.needs;
    if (x.needs)
        return OK;
    out->verdict = verdict_of(&x);
    out->after = x.run;
    if (x.run.status != RUN_ACTIVE)
        out->after.due_us = 0;
    out->effects = x.effects;
    out->n_effects = x.n_effects;
    out->detail = env->want_trace ? detail_of(&x) : NULL;
    return OK;
}
