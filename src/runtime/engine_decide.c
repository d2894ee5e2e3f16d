/*
 * One item of a batch: an event, a due run, a scanned row. Everything that
 * decides is in core; this file brings it what it needs and keeps what it
 * says.
 */
#include <string.h>

#include "codec/json.h"
#include "core/stage.h"
#include "runtime/engine_batch.h"

/* How often a paused feature's due runs look again. */
enum { HOLD_PAUSED_S = 30 };

static struct decide_env
env_of(struct batch *b, struct work *w, bool dry)
{
    return (struct decide_env){.a = b->a,
                               .facts = w->scope->facts,
                               .now_us = b->now_us,
                               .holdout = w->scope->li->holdout,
                               .want_trace = !dry};
}

static const char *
new_id(struct batch *b, struct error *err)
{
    struct id id = id_new(b->now_us);
    const char *text = arena_strdup(b->a, id.text);

    if (!text)
        (void)fail(err, E_NOMEM, "id");
    return text;
}

static enum status
decide_log(struct batch *b, const struct live_integration *li,
           const char *event_id, const char *feature_id, const char *key,
           int64_t version, enum verdict verdict, const char *subject_key,
           const char *run_id, struct json *detail, struct error *err)
{
    struct decision_row row = {
        .workspace_id = li->workspace.id,
        .event_id = event_id,
        .id = new_id(b, err),
        .feature_id = feature_id,
        .feature_key = key,
        .version = version,
        .verdict = verdict_name(verdict),
        .subject_key = subject_key,
        .run_id = run_id,
        .at_us = b->now_us,
        .detail = detail ? json_text(b->a, detail) : "{}",
    };

    if (!row.id || !row.detail)
        return fail(err, E_NOMEM, "decision");
    return add_decision(b, &row, err);
}

static enum status
watch_facts(struct batch *b, struct work *w, bool dry, struct error *err)
{
    (void)b;
    return dry || !w->wants_facts ? OK : facts_use_begin(w->scope->facts, err);
}

/* The trace, with the facts it rests on. */
static struct json *
with_facts(struct batch *b, struct work *w, struct json *detail)
{
    struct json *used =
        w->wants_facts ? facts_used(b->a, w->scope->facts) : NULL;

    return used ? json_put(b->a, detail, "facts", used) : detail;
}

/* set_stage acts in the batch's transaction; its action is the record of it. */
static enum status
stage_apply(struct batch *b, const struct live_integration *li,
            const struct run *run, const struct planned_effect *e,
            struct action_row *action, struct error *err)
{
    const char *name = NULL;
    enum stage from = STAGE_DISCOVERY;

    enum status rc = OK;
    name = map_get(b->stage_of, run->subject.key);
    if (!name)
        rc = stage_get(b->tx, b->a, li->workspace.id, run->subject.key, &name,
                       err);
    if (rc != OK)
        return rc;
    bool has = name && stage_parse(name, &from);
    action->done_us = b->now_us;
    if (!stage_may_move(from, has, e->effect->stage, false)) {
        action->status = "skipped";
        action->verdict = verdict_name(VERDICT_WRONG_STATE);
        action->last_error = "a subject does not move back to an earlier "
                             "stage";
        return OK;
    }
    action->status = "succeeded";
    struct stage_move move = {.workspace_id = li->workspace.id,
                              .subject_key = run->subject.key,
                              .stage = stage_name(e->effect->stage),
                              .run_id = run->id};
    return add_stage(b, &move, err);
}

static enum status
effects_apply(struct batch *b, const struct live_integration *li,
              const struct feature *f, const struct step *step,
              struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < step->n_effects; i++) {
        struct action_row action;
        const struct planned_effect *e = &step->effects[i];
        rc = action_of(b, li, f, &step->after, e, &action, err);
        if (rc == OK && e->effect->kind == EFFECT_SET_STAGE)
            rc = stage_apply(b, li, &step->after, e, &action, err);
        if (rc == OK)
            rc = add_action(b, &action, err);
    }
    return rc;
}

/* A feature's own fault (a loop without an end, a value it cannot compare)
 * must not stop the others: it becomes the verdict `error`. */
static bool
is_verdict(enum status rc)
{
    return rc == E_INVALID || rc == E_INPUT;
}

static struct json *
reason_json(struct arena *a, const char *reason)
{
    struct json *o = json_object(a);

    return json_put(a, o, "reason", json_string(a, reason));
}

/* The record a run keeps for its messages: the row, with old values. */
static const struct json *
record_with_old(struct arena *a, const struct event *e)
{
    if (!e->record || !e->old)
        return e->record;
    struct json *copy = json_clone(a, e->record);
    struct json *whole = json_put(a, copy, "old", json_clone(a, e->old));
    return whole ? whole : e->record;
}

/* Those who enter and those held back are measured alike: each once, unless
 * each entry counts. */
static enum status
measure(struct batch *b, struct work *w, const struct live_feature *lf,
        const struct subject *s, enum verdict arm, struct error *err)
{
    struct decide_env env = env_of(b, w, false);
    const struct live_integration *li = w->scope->li;
    bool before = false;
    struct run_row row;
    struct run run;
    enum status rc = OK;

    if (!lf->f->goal_machine)
        return OK;
    if (lf->f->mode != ENTRY_EVERY) {
        struct run_list *list = NULL;
        rc = goal_of_subject(b->tx, li->workspace.id, lf->row.id, s->key,
                             &before, err);
        if (rc == OK)
            rc = hold_runs_of_subject(b, li, lf->row.id, s->key, &list, err);
        for (size_t i = 0; rc == OK && i < list->n; i++)
            before = before || list->items[i]->row.goal;
    }
    if (rc != OK || before)
        return rc;
    const char *id = new_id(b, err);
    if (!id)
        return E_NOMEM;
    rc = goal_begin(&env, lf->f, lf->row.id, lf->row.version, &w->event, s, arm,
                    id, &run, err);
    if (rc == OK)
        rc = run_row_new(b, li, &run, &row, err);
    return rc == OK ? hold_new_run(b, &row, &run, err) : rc;
}

/* An entry: the run begins and goes as far as it can at once. */
static enum status
enter(struct batch *b, struct work *w, struct live_feature *lf,
      const struct subject *s, struct decision *d, bool dry, bool *needs,
      struct error *err)
{
    struct decide_env env = env_of(b, w, dry);
    struct live_integration *li = w->scope->li;
    struct run run;
    struct step step;
    const char *id = dry ? "dry" : new_id(b, err);

    if (!id)
        return E_NOMEM;
    enum status rc = run_begin(&env, lf->f, lf->row.id, lf->row.version,
                               &w->event, s, id, &run, err);
    if (rc != OK)
        return rc;
    run.record = record_with_old(b->a, &w->event);
    if (w->kind == WORK_ROW)
        run.event_id = NULL;
    rc = run_step(&env, lf->f, &run, &w->event, &step, err);
    if (rc != OK || step.needs_facts || dry) {
        *needs |= rc == OK && step.needs_facts;
        return rc;
    }
    struct run_row row;
    rc = run_row_new(b, li, &step.after, &row, err);
    if (rc == OK)
        rc = hold_new_run(b, &row, &step.after, err);
    if (rc == OK)
        rc = effects_apply(b, li, lf->f, &step, err);
    struct json *detail = json_put(b->a, d->detail, "step", step.detail);
    if (rc == OK)
        rc = measure(b, w, lf, s, VERDICT_ENTERED, err);
    if (rc == OK)
        rc = decide_log(b, li, run.event_id, lf->row.id, lf->row.key,
                        lf->row.version, VERDICT_ENTERED, s->key, id,
                        with_facts(b, w, detail), err);
    return rc;
}

static enum status
entry_apply(struct batch *b, struct work *w, struct live_feature *lf,
            struct held_enrolment *held, struct decision *d, bool dry,
            bool *needs, struct error *err)
{
    bool matched = d->conditions_held;
    bool enrolment_changes =
        lf->f->mode == ENTRY_REMATCH && held && held->row.matched != matched;
    enum status rc;

    if (d->verdict == VERDICT_ENTERED) {
        rc = enter(b, w, lf, &d->subject, d, dry, needs, err);
        if (rc == OK && !dry && !*needs) {
            held->row.entries++;
            held->row.last_entered_us = b->now_us;
            held->dirty = true;
        }
    } else {
        /* A scan meets every row each time: only entries are worth a line. */
        bool quiet = w->kind == WORK_ROW;
        rc = dry || quiet ? OK
                          : decide_log(b, w->scope->li, w->event.id, lf->row.id,
                                       lf->row.key, lf->row.version, d->verdict,
                                       d->subject.key, NULL,
                                       with_facts(b, w, d->detail), err);
        if (rc == OK && !dry && d->verdict == VERDICT_HOLDOUT)
            rc = measure(b, w, lf, &d->subject, d->verdict, err);
    }
    if (rc == OK && !dry && !*needs && enrolment_changes) {
        held->row.matched = matched;
        held->dirty = true;
    }
    return rc;
}

/* M2 for one feature whose trigger the event is. */
static enum status
decide_trigger(struct batch *b, struct work *w, struct live_feature *lf,
               bool dry, bool *needs, struct error *err)
{
    struct decide_env env = env_of(b, w, dry);
    struct live_integration *li = w->scope->li;
    struct held_enrolment *held = NULL;
    struct subject s = {0};
    struct decision d = {0};
    bool missing = false;

    if (w->kind == WORK_EVENT && !trigger_matches(lf->f, &w->event))
        return OK;
    enum status rc = watch_facts(b, w, dry, err);
    if (rc == OK)
        rc = subject_resolve(&env, lf->f, &w->event, &s, &missing, err);
    if (rc == OK && missing) {
        *needs = true;
        return OK;
    }
    if (rc == OK && s.key)
        rc = hold_enrolment(b, li->workspace.id, lf->row.id, s.key, &held, err);
    struct enrolment enrolment = {0};
    if (held)
        enrolment =
            (struct enrolment){.entries = held->row.entries,
                               .last_entered_us = held->row.last_entered_us,
                               .matched = held->row.matched};
    if (rc == OK && lf->f->backfill && w->event.key)
        rc = run_of_row_any(b->tx, lf->row.id, w->event.key,
                            &enrolment.row_entered, err);
    if (rc == OK)
        rc = decide_entry(&env, lf->f, lf->paused, &w->event, &s, &enrolment,
                          &d, err);
    if (rc == OK && d.needs_facts) {
        *needs = true;
        return OK;
    }
    if (rc == OK)
        rc = entry_apply(b, w, lf, held, &d, dry, needs, err);
    if (!is_verdict(rc))
        return rc;
    if (dry)
        return OK;
    return decide_log(b, li, w->event.id, lf->row.id, lf->row.key,
                      lf->row.version, VERDICT_ERROR, s.key, NULL,
                      reason_json(b->a, err ? err->msg : ""), err);
}

/* A run held in memory takes what a step says. */
static enum status
step_apply(struct batch *b, struct work *w, const struct feature *f,
           struct held_run *held, const struct step *step, struct error *err)
{
    struct live_integration *li = w->scope->li;
    bool event = w->kind == WORK_EVENT;
    bool moved = step->verdict != VERDICT_WRONG_STATE;

    if (moved || held->run.due_us != step->after.due_us)
        held->dirty = true;
    held->run = step->after;
    run_to_row(&held->run, &held->row);
    if (!moved || held->row.goal)
        return OK;
    enum status rc = effects_apply(b, li, f, step, err);
    if (rc == OK)
        rc = decide_log(b, li, event ? w->event.id : NULL, held->row.feature_id,
                        f->key, held->row.version, step->verdict,
                        held->row.subject_key, held->row.id,
                        with_facts(b, w, step->detail), err);
    return rc;
}

static enum status
run_fail(struct batch *b, struct work *w, const struct feature *f,
         struct held_run *held, const char *reason, struct error *err)
{
    held->run.status = RUN_ENDED;
    run_to_row(&held->run, &held->row);
    held->dirty = true;
    return decide_log(
        b, w->scope->li, w->kind == WORK_EVENT ? w->event.id : NULL,
        held->row.feature_id, f->key, held->row.version, VERDICT_ERROR,
        held->row.subject_key, held->row.id, reason_json(b->a, reason), err);
}

static enum status
step_run(struct batch *b, struct work *w, struct held_run *held, bool dry,
         bool *needs, struct error *err)
{
    struct decide_env env = env_of(b, w, dry);
    const struct feature *f = NULL;
    struct step step;

    if (held->run.status != RUN_ACTIVE)
        return OK;
    enum status rc =
        registry_version(b->reg, b->tx, w->scope->li, held->row.feature_id,
                         held->row.version, &f, err);
    if (rc == OK && held->row.goal)
        f = f->goal_machine;
    if (rc == OK && !f)
        rc = fail(err, E_BUG, "run %s has no goal", held->row.id);
    if (rc == OK)
        rc = watch_facts(b, w, dry, err);
    if (rc != OK)
        return rc;
    rc = run_step(&env, f, &held->run, w->kind == WORK_EVENT ? &w->event : NULL,
                  &step, err);
    if (is_verdict(rc))
        return dry ? OK : run_fail(b, w, f, held, err ? err->msg : "", err);
    if (rc != OK)
        return rc;
    if (step.needs_facts) {
        *needs = true;
        return OK;
    }
    return dry ? OK : step_apply(b, w, f, held, &step, err);
}

/* A row change that may end or advance runs of a feature. */
static enum status
decide_watch(struct batch *b, struct work *w, const struct route *route,
             bool dry, bool *needs, struct error *err)
{
    const struct live_feature *lf = route->feature;
    struct live_integration *li = w->scope->li;
    struct run_list *list = NULL;
    enum status rc = OK;

    if (lf->paused)
        return OK;
    if (route->watch->column) {
        const char *id =
            json_plain(b->a, json_get(w->event.record, route->watch->column));
        if (!id)
            return OK;
        const char *key = arena_printf(b->a, "%s/%s", lf->f->subject_table, id);
        rc = key ? hold_runs_of_subject(b, li, lf->row.id, key, &list, err)
                 : fail(err, E_NOMEM, "subject");
    } else if (w->event.key) {
        rc = hold_runs_of_row(b, lf->row.id, w->event.key, &list, err);
    }
    /* Runs begun by this very event are not woken by it again. */
    for (size_t i = 0; rc == OK && list && i < list->n; i++) {
        struct held_run *held = list->items[i];
        bool own = held->row.event_id && w->event.id &&
                   strcmp(held->row.event_id, w->event.id) == 0;
        if (!own)
            rc = step_run(b, w, held, dry, needs, err);
    }
    return rc;
}

static enum status
decide_event(struct batch *b, struct work *w, bool dry, bool *needs,
             struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && w->routes && i < w->routes->n; i++) {
        const struct route *route = &w->routes->items[i];
        rc = route->watch
                 ? decide_watch(b, w, route, dry, needs, err)
                 : decide_trigger(b, w, route->feature, dry, needs, err);
        /* Half-applied is not possible: facts of all routes are asked for
         * before anything is applied. */
        if (!dry && *needs)
            return fail(err, E_BUG, "a fact is missing while applying");
    }
    return rc;
}

static enum status
decide_run(struct batch *b, struct work *w, bool dry, bool *needs,
           struct error *err)
{
    struct held_run *held = w->run;
    const struct live_feature *lf =
        live_feature_find(w->scope->li, held->row.feature_id);

    bool ends = !lf || (lf->paused && lf->f->on_pause == PAUSE_EXIT);
    if (lf && (!lf->paused || held->row.goal))
        return step_run(b, w, held, dry, needs, err);
    if (dry)
        return OK;
    held->dirty = true;
    if (!ends) {
        held->run.due_us = b->now_us + HOLD_PAUSED_S * US_PER_S;
        run_to_row(&held->run, &held->row);
        return OK;
    }
    const struct feature *f = NULL;
    enum status rc =
        registry_version(b->reg, b->tx, w->scope->li, held->row.feature_id,
                         held->row.version, &f, err);
    if (rc != OK)
        return rc;
    held->run.status = RUN_EXITED;
    run_to_row(&held->run, &held->row);
    if (held->row.goal)
        return OK;
    return decide_log(b, w->scope->li, NULL, held->row.feature_id, f->key,
                      held->row.version, VERDICT_COMPLETED,
                      held->row.subject_key, held->row.id,
                      reason_json(b->a, lf ? "the feature is paused"
                                           : "the feature is archived"),
                      err);
}

enum status
work_decide(struct batch *b, struct work *w, bool dry, bool *needs,
            struct error *err)
{
    switch (w->kind) {
    case WORK_EVENT:
        return decide_event(b, w, dry, needs, err);
    case WORK_RUN:
        return decide_run(b, w, dry, needs, err);
    case WORK_ROW:
        return decide_trigger(b, w, w->row_route.feature, dry, needs, err);
    }
    return fail(err, E_BUG, "work of kind %d", (int)w->kind);
}
