/* The receivers of effects: stages, mailboxes, a webhook that may refuse. */
#include <string.h>

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

/* Each key is for one effect, for ever (M8). */
static enum status
key_taken(struct world *w, const char *key)
{
    const char *kept = arena_strdup(w->a, key);

    if (map_get(w->keys, key))
        return fail(w->err, E_CONFLICT, "two effects with key %s", key);
    return kept ? map_put(w->keys, kept, w, w->err)
                : fail(w->err, E_NOMEM, "key");
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
attempt_number(struct world *w, const char *key, int **out)
{
    *out = map_get(w->attempts, key);
    if (*out)
        return OK;
    *out = arena_alloc(w->a, sizeof(**out));
    const char *kept = arena_strdup(w->a, key);
    return *out && kept ? map_put(w->attempts, kept, *out, w->err)
                        : fail(w->err, E_NOMEM, "attempts");
}

static enum status
webhook(struct world *w, struct sim_told *t)
{
    const char *text = effect_text(w, t->effect->effect, NULL);
    struct answer a = {200, -1};
    int *attempts = NULL;
    enum status rc = attempt_number(w, t->effect->key, &attempts);

    if (rc != OK)
        return rc;
    if (w->next_answer < w->n_answers)
        a = w->answers[w->next_answer++];
    ++*attempts;
    int64_t delay = a.code < 300 ? -1 : delay_us(*attempts, a.retry_after_s);
    if (delay >= 0) {
        t->again_us = t->at_us + delay;
        tell(w, "%s: %d, again at %s", text, a.code, time_text(w, t->again_us));
    } else {
        tell(w, "%s: %d%s", text, a.code, a.code < 300 ? "" : ", failed");
    }
    return OK;
}

static enum status
sent(struct world *w, struct sim_told *t)
{
    const struct planned_effect *p = t->effect;
    const char *text = effect_text(w, p->effect, p->address);

    if (t->verdict == VERDICT_ENTERED) {
        if (p->effect->kind == EFFECT_WEBHOOK)
            return webhook(w, t);
        tell(w, "%s", text);
        return key_taken(w, p->key);
    }
    if (t->until_us)
        tell(w, "%s: %s until %s", text, verdict_name(t->verdict),
             time_text(w, t->until_us));
    else
        tell(w, "%s: %s", text, verdict_name(t->verdict));
    return OK;
}

enum status
effect_told(struct world *w, struct sim_told *t)
{
    const struct planned_effect *p = t->effect;

    if (t->kind == SIM_SEND)
        return sent(w, t);
    if (p->effect->kind == EFFECT_SET_STAGE)
        set_stage(w, t->run, p->effect->stage);
    else
        tell(w, "%s: %s", effect_text(w, p->effect, p->address),
             verdict_name(t->verdict));
    return key_taken(w, p->key);
}
