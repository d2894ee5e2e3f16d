/*
 * Simulate: one row through a feature, step by step, the clock moving from
 * one thing due to the next; nothing is written and nothing is sent.
 */
#include <stdio.h>
#include <string.h>

#include "codec/time.h"
#include "core/sim.h"
#include "runtime/engine_batch.h"
#include "runtime/what_if.h"

enum { STEPS_MAX = 500, KEEP_MAX_BYTES = 64 * 1024 * 1024 };
#define HORIZON_US (3650 * US_PER_DAY)
#define DEFAULT_US (90 * US_PER_DAY)

struct simulation {
    struct what_if w;
    struct event event;
    const struct json *edited; /* a record that stands for the live row */
    struct json *steps;
};

/* The edited row is read in place of the live one. */
static enum status
overlay(struct simulation *s, struct facts *facts, struct error *err)
{
    const struct fact_need *const *needs;
    size_t n = facts_wanted(facts, &needs);
    enum status rc = OK;

    for (size_t i = 0; s->edited && rc == OK && i < n; i++) {
        const struct fact_need *x = needs[i];
        if (x->kind != FACT_PATH || !path_is_local(x->path) ||
            x->path->hops[0].json_key || !x->row_key || !s->event.key ||
            strcmp(x->table, s->event.table) != 0 ||
            strcmp(x->row_key, s->event.key) != 0)
            continue;
        const struct json *v = json_get(s->edited, x->path->hops[0].column);
        if (v)
            rc = facts_put(facts, x->key, v, err);
    }
    return rc == OK ? facts_drop_answered(facts, err) : rc;
}

static enum status
fetch(void *user, struct arena *a, struct facts *facts, int64_t at_us,
      struct error *err)
{
    struct simulation *s = user;
    enum status rc = overlay(s, facts, err);

    (void)at_us;
    return rc == OK ? what_if_facts(&s->w, a, facts, err) : rc;
}

static const char *const kinds[] = {
    [SIM_DECISION] = "decision",
    [SIM_SETTLED] = "effect",
    [SIM_GOAL] = "goal",
    [SIM_SEND] = "effect",
};

static enum status
told(void *user, struct sim_told *t, struct error *err)
{
    struct simulation *s = user;
    struct arena *a = s->w.a;
    struct json *o = json_object(a);

    if (t->kind == SIM_DECISION && t->verdict == VERDICT_WRONG_STATE)
        return OK;
    if (s->steps->n >= STEPS_MAX)
        return fail(err, E_TOOBIG, "over %d steps: look at a shorter time",
                    STEPS_MAX);
    o = op_put_time(a, o, "at", t->at_us);
    o = op_put_string(a, o, "kind", kinds[t->kind]);
    o = op_put_string(a, o, "verdict", verdict_name(t->verdict));
    o = op_put_string(a, o, "meaning",
                      t->effect && t->verdict == VERDICT_ENTERED
                          ? "it would be done now"
                          : verdict_meaning(t->verdict));
    if (t->subject && t->subject->key)
        o = op_put_string(a, o, "subject", t->subject->key);
    if (t->run && t->kind != SIM_SEND) {
        o = op_put_string(a, o, "state", t->run->state);
        o = op_put_string(a, o, "status", run_status_name(t->run->status));
    }
    if (t->reason)
        o = op_put_string(a, o, "reason", t->reason);
    if (t->effect) {
        o = json_put(a, o, "effect", effect_to_json(a, t->effect->effect));
        o = op_put_string(a, o, "address", t->effect->address);
    }
    if (t->until_us)
        o = op_put_time(a, o, "until", t->until_us);
    if (t->detail)
        o = json_put(a, o, "detail", json_clone(a, t->detail));
    return o && json_push(a, s->steps, o) ? OK
                                          : fail(err, E_TOOBIG, "simulation");
}

/* ---- what is simulated ---- */

static enum status
of_event(struct simulation *s, const char *id, struct error *err)
{
    struct what_if *w = &s->w;
    struct event_row row;
    AUTO_TX tx = NULL;

    if (!id_valid(id))
        return fail(err, E_INVALID, "'%.60s' is not an event id", id);
    enum status rc = store_begin(runtime_store(w->rt), false, &tx, err);
    if (rc == OK)
        rc = event_get(tx, w->a, w->workspace_id, id, &row, err);
    return rc == OK ? event_from_row(w->a, &row, &s->event, err) : rc;
}

static const char *
key_of(struct simulation *s)
{
    const struct table *t = catalog_table(s->w.catalog, s->w.f->table);

    return t && t->n_key == 1
               ? json_plain(s->w.a, json_get(s->event.record, t->key[0]))
               : NULL;
}

/* A live row, changed by the members of `record`; or the record alone. */
static enum status
of_row(struct simulation *s, const struct json *body, struct error *err)
{
    const struct json *record = json_get(body, "record"), *live = NULL;
    const char *key = json_get_str(body, "row", NULL);
    struct arena *a = s->w.a;
    enum status rc = key ? what_if_row(&s->w, key, &live, err) : OK;

    if (rc != OK)
        return rc;
    struct json *row = live ? json_clone(a, live) : json_object(a);
    for (uint32_t i = 0; json_is(record, JSON_OBJECT) && i < record->n; i++)
        row =
            json_put(a, row, record->members[i].key, record->members[i].value);
    s->event = (struct event){.workspace = s->w.workspace_id,
                              .integration = s->w.in.id,
                              .table = s->w.f->table,
                              .op = s->w.f->op,
                              .record = row,
                              .old = json_get(body, "old")};
    s->event.key = key ? key : key_of(s);
    s->edited = row;
    /* Without the row before, an update is one that fulfils the trigger. */
    if (s->w.f->op == ROW_UPDATE && !s->event.old && s->w.f->column)
        s->event.old = json_put(a, json_object(a), s->w.f->column,
                                s->w.f->from.set && s->w.f->from.value
                                    ? json_clone(a, s->w.f->from.value)
                                    : json_null(a));
    return row ? OK : fail(err, E_NOMEM, "simulation");
}

static enum status
source(struct simulation *s, const struct json *body, struct error *err)
{
    const char *event = json_get_str(body, "event", NULL);

    if (event)
        return of_event(s, event, err);
    if (json_get(body, "row") || json_is(json_get(body, "record"), JSON_OBJECT))
        return of_row(s, body, err);
    (void)error_hint(err, "event: an id of the log; row: the key of a row; "
                          "record: {column: value}");
    return fail(err, E_INVALID,
                "what is to be simulated? name an event, a "
                "row or a record");
}

static enum status
times(const struct json *body, int64_t now_us, int64_t *at_us,
      int64_t *until_us, struct error *err)
{
    const char *at = json_get_str(body, "at", NULL);
    const char *span = json_get_str(body, "for", NULL);
    int64_t span_us = DEFAULT_US;
    enum status rc = OK;

    *at_us = now_us;
    if (at)
        rc = iso_parse(at, strlen(at), at_us, err);
    if (rc == OK && span)
        rc = duration_parse(span, &span_us, err);
    *until_us = *at_us + (span_us < HORIZON_US ? span_us : HORIZON_US);
    return rc == E_INPUT ? (err->code = E_INVALID) : rc;
}

static enum status
run(struct simulation *s, int64_t at_us, int64_t until_us, struct json **out,
    struct error *err)
{
    struct arena *a = s->w.a;
    struct sim_config config = {.feature = s->w.f,
                                .feature_id = "simulated",
                                .version = s->w.row.version,
                                .fetch = fetch,
                                .holdout = s->w.holdout,
                                .told = told,
                                .user = s,
                                .want_trace = true,
                                .max_bytes = KEEP_MAX_BYTES};
    AUTO_SIM sim = NULL;
    bool fires = s->w.f->trigger == TRIGGER_SCHEDULE ||
                 trigger_matches(s->w.f, &s->event);

    s->event.occurred_us = at_us;
    s->steps = json_array(a);
    enum status rc = s->steps ? sim_new(&config, &sim, err)
                              : fail(err, E_NOMEM, "simulation");
    if (rc == OK && fires)
        rc = sim_event(sim, &s->event, at_us,
                       s->w.f->trigger == TRIGGER_SCHEDULE, err);
    if (rc == OK)
        rc = sim_until(sim, until_us, err);
    if (rc != OK)
        return rc;
    struct json *o = json_object(a);
    o = op_put_string(a, o, "feature", s->w.f->key);
    o = op_put_time(a, o, "at", at_us);
    o = op_put_time(a, o, "until", until_us);
    o = op_put_bool(a, o, "trigger_fires", fires);
    o = json_put(a, o, "record",
                 s->event.record ? json_clone(a, s->event.record)
                                 : json_null(a));
    o = json_put(a, o, "steps", s->steps);
    const struct run *r = sim_runs(sim) ? sim_run_at(sim, 0) : NULL;
    o = op_put_string(a, o, "state", r ? arena_strdup(a, r->state) : NULL);
    o = op_put_string(a, o, "status", r ? run_status_name(r->status) : NULL);
    *out = o;
    return o ? OK : fail(err, E_TOOBIG, "simulation");
}

enum status
op_simulate(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *key, const struct json *body, struct json **out,
            struct error *err)
{
    struct simulation s = {0};
    int64_t at_us = 0, until_us = 0;
    enum status rc = what_if_load(rt, a, workspace_id, key,
                                  json_get(body, "document"), &s.w, err);

    if (rc == OK)
        rc = times(body, runtime_now_us(rt), &at_us, &until_us, err);
    if (rc == OK)
        rc = source(&s, body, err);
    if (rc == OK)
        rc = run(&s, at_us, until_us, out, err);
    what_if_close(&s.w);
    return rc;
}
