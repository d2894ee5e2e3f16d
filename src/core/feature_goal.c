#include "codec/time.h"
#include "core/decide.h"

static struct state *
final_state(struct state *s, const char *name)
{
    *s = (struct state){.name = name, .final = true};
    return s;
}

/* Events tell of most goals at once; for the others a day is looked at often
 * enough to be told apart from the next. */
static int64_t
poll_us(int64_t within_us)
{
    int64_t us = within_us / 24;

    if (us < MATCH_POLL_US)
        return MATCH_POLL_US;
    return us < US_PER_DAY ? us : US_PER_DAY;
}

enum status
feature_goal_machine(struct arena *a, struct feature *f, struct error *err)
{
    enum { OPEN, REACHED, MISSED, STATES };
    struct feature *g = arena_alloc(a, sizeof(*g));
    struct state *states = arena_array(a, STATES, sizeof(*states));
    struct transition *ways = arena_array(a, 2, sizeof(*ways));

    f->goal_machine = NULL;
    if (f->goal.n == 0)
        return OK;
    if (!g || !states || !ways)
        return fail(err, E_NOMEM, "goal");
    ways[0] = (struct transition){
        .on_match = true, .guard = f->goal, .target = GOAL_REACHED};
    ways[1] = (struct transition){.after_us = f->goal_within_us,
                                  .target = GOAL_MISSED};
    states[OPEN] = (struct state){
        .name = GOAL_OPEN, .transitions = ways, .n_transitions = 2};
    (void)final_state(&states[REACHED], GOAL_REACHED);
    (void)final_state(&states[MISSED], GOAL_MISSED);
    *g = *f;
    g->exit = (struct predicates){0};
    g->on_pause = PAUSE_HOLD;
    g->poll_us = poll_us(f->goal_within_us);
    g->initial = GOAL_OPEN;
    g->states = states;
    g->n_states = STATES;
    f->goal_machine = g;
    return OK;
}
