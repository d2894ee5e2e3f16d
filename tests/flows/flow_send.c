/* The sender: last look, attempts, retries. */
#include <string.h>

#include "core/gates.h"
#include "core/predicate.h"
#include "core/retry.h"
#include "core/stage.h"
#include "flow.h"

static const char *
effect_text(const struct world *w, const struct effect *e, const char *address)
{
    switch (e->kind) {
    case EFFECT_EMAIL:
        return arena_printf(w->a, "email %s %s", address ? address : "nobody",
                            e->template ? e->template : w->f->key);
    case EFFECT_WEBHOOK:
        return arena_printf(w->a, "webhook %s",
                            e->url ? e->url : e->connection);
    case EFFECT_TRACK:
        return arena_printf(w->a, "track %s", e->event ? e->event : w->f->key);
    case EFFECT_SET_STAGE:
    case EFFECT_KIND_COUNT:
        break;
    }
    return "";
}

static void
set_stage(struct world *w, const struct run *run, enum stage to)
{
    struct staged *s = NULL;

    for (size_t i = 0; i < w->n_stages; i++)
        if (strcmp(w->stages[i].subject_key, run->subject.key) == 0)
            s = &w->stages[i];
    if (!stage_may_move(s ? s->stage : STAGE_DISCOVERY, s != NULL, to, false)) {
        tell(w, "stage %s stays %s, not %s", run->subject.id,
             stage_name(s->stage), stage_name(to));
        return;
    }
    if (!s)
        s = &w->stages[w->n_stages++];
    *s = (struct staged){run->subject.key, to};
    tell(w, "stage %s %s", run->subject.id, stage_name(to));
}

static enum status
plan_one(struct world *w, const struct run *run, const struct planned_effect *p)
{
    for (size_t i = 0; i < w->n_actions; i++)
        if (strcmp(w->actions[i].key, p->key) == 0)
            return fail(w->err, E_CONFLICT, "two effects with key %s", p->key);
    if (w->n_actions == ITEMS_MAX)
        return fail(w->err, E_TOOBIG, "over %d effects", ITEMS_MAX);
    struct run *copy = arena_alloc(w->a, sizeof(*copy));
    if (!copy)
        return fail(w->err, E_NOMEM, "effect");
    *copy = *run;
    struct action *x = &w->actions[w->n_actions++];
    *x = (struct action){.effect = p->effect,
                         .address = p->address,
                         .key = p->key,
                         .run = copy,
                         .due_us = w->now_us};
    if (p->effect->kind == EFFECT_SET_STAGE) {
        set_stage(w, run, p->effect->stage);
        x->due_us = 0;
    } else if (p->verdict != VERDICT_ENTERED) {
        tell(w, "%s: %s", effect_text(w, p->effect, p->address),
             verdict_name(p->verdict));
        x->due_us = 0;
    }
    return OK;
}

enum status
plan_effects(struct world *w, const struct run *run,
             const struct planned_effect *effects, size_t n)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++)
        rc = plan_one(w, run, &effects[i]);
    return rc;
}

/* ---- mail ---- */

static enum status
exited(struct world *w, const struct run *run, bool *out)
{
    struct facts *facts = facts_new(w->a);
    struct eval_env env = {.a = w->a,
                           .facts = facts,
                           .now_us = w->now_us,
                           .row_table = run->row_table,
                           .row_key = run->row_key,
                           .subject_id = run->subject.id,
                           .entered_us = run->entered_us};
    enum status rc = facts ? OK : fail(w->err, E_NOMEM, "facts");

    *out = false;
    for (size_t i = 0; i < w->n_runs; i++)
        if (strcmp(w->runs[i].run.id, run->id) == 0)
            *out = w->runs[i].run.status == RUN_EXITED;
    for (size_t i = 0; rc == OK && !*out && i < w->f->exit.n;) {
        struct predicates one = {&w->f->exit.items[i], 1};
        enum truth truth;
        rc = predicates_eval(&env, &one, NULL, &truth, w->err);
        if (rc == OK && truth == TRUTH_UNKNOWN)
            rc = db_fetch(w->db, facts, w->now_us, w->err);
        else
            i++;
        *out = rc == OK && truth == TRUTH_YES;
    }
    return rc;
}

static void
caps(const struct world *w, const struct action *x, struct send_facts *facts)
{
    for (size_t i = 0; i < w->n_sent; i++) {
        if (strcmp(w->sent[i].subject_key, x->run->subject.key) != 0 ||
            w->sent[i].at_us <= w->now_us - w->f->timing.cap_per_us)
            continue;
        if (facts->sent_feature++ == 0)
            facts->oldest_feature_us = w->sent[i].at_us;
    }
}

static enum status
mail(struct world *w, struct action *x)
{
    const char *text = effect_text(w, x->effect, x->address);
    struct send_facts facts = {
        .now_us = w->now_us,
        .subject_tz = json_get_str(x->run->record, "timezone", NULL)};
    struct send_gate gate;

    for (size_t i = 0; i < w->n_suppressed; i++)
        facts.suppressed |= strcmp(w->suppressed[i], x->address) == 0;
    caps(w, x, &facts);
    enum status rc = exited(w, x->run, &facts.exited);
    if (rc == OK)
        rc = send_gate(w->a, &w->f->timing, &facts, &gate, w->err);
    if (rc != OK)
        return rc;
    x->due_us = gate.until_us;
    if (gate.verdict == VERDICT_ENTERED) {
        w->sent[w->n_sent++] = (struct sent){x->run->subject.key, w->now_us};
        tell(w, "%s", text);
    } else if (gate.until_us) {
        tell(w, "%s: %s until %s", text, verdict_name(gate.verdict),
             time_text(w, gate.until_us));
    } else {
        tell(w, "%s: %s", text, verdict_name(gate.verdict));
    }
    return OK;
}

/* ---- webhooks ---- */

/* The middle of the spread, so that times in the files are round. */
static int64_t
delay_us(int attempt, int64_t retry_after_s)
{
    int64_t least = retry_delay_us(attempt, -1, 0);

    return least < 0
               ? -1
               : retry_delay_us(attempt, retry_after_s, (uint64_t)(least / 4));
}

static enum status
webhook(struct world *w, struct action *x)
{
    const char *text = effect_text(w, x->effect, NULL);
    struct answer a = {200, -1};

    if (w->next_answer < w->n_answers)
        a = w->answers[w->next_answer++];
    x->due_us = 0;
    x->attempts++;
    int64_t delay = a.code < 300 ? -1 : delay_us(x->attempts, a.retry_after_s);
    if (delay >= 0) {
        x->due_us = w->now_us + delay;
        tell(w, "%s: %d, again at %s", text, a.code, time_text(w, x->due_us));
    } else {
        tell(w, "%s: %d%s", text, a.code, a.code < 300 ? "" : ", failed");
    }
    return OK;
}

enum status
send_due(struct world *w)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < w->n_actions; i++) {
        struct action *x = &w->actions[i];
        if (!x->due_us || x->due_us > w->now_us)
            continue;
        switch (x->effect->kind) {
        case EFFECT_EMAIL:
            rc = mail(w, x);
            break;
        case EFFECT_WEBHOOK:
            rc = webhook(w, x);
            break;
        case EFFECT_TRACK:
            tell(w, "%s", effect_text(w, x->effect, NULL));
            x->due_us = 0;
            break;
        case EFFECT_SET_STAGE:
        case EFFECT_KIND_COUNT:
            x->due_us = 0;
            break;
        }
    }
    return rc;
}
