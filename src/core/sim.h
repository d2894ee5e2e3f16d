/*
 * core/sim.h - one feature over time, in memory: subjects, runs, timers and
 * the gates before sending, with a clock that is an argument. Simulations,
 * backtests and the flow tests run here; every decision is a call of
 * core/decide.h and core/gates.h, as on the live path.
 *
 * Source: docs/spec.md M1-M8, M12.
 */
#ifndef CORE_SIM_H
#define CORE_SIM_H

#include "core/decide.h"

enum sim_kind {
    SIM_DECISION, /* an entry's or a run's verdict */
    SIM_SETTLED,  /* an effect that is done when it is planned: a stage, or a
                     mail without an address */
    SIM_GOAL,     /* a subject reached its goal, or its time is over: run */
    SIM_SEND      /* an effect leaves, waits, or is dropped at a gate */
};

struct sim_told {
    enum sim_kind kind;
    int64_t at_us;
    enum verdict verdict;          /* SIM_SEND: ENTERED = it leaves now */
    const struct event *event;     /* NULL: a timer */
    const struct subject *subject; /* id NULL: nobody */
    const struct run *run;         /* as it is now; NULL: none */
    const struct json *detail;     /* trace; NULL unless asked for */
    const char *reason;            /* VERDICT_ERROR */
    const struct planned_effect *effect;
    int64_t until_us; /* SIM_SEND: when it is tried again; 0 = never */
    int64_t again_us; /* in: 0. A receiver that refused sets the next try */
};
/* What is told lives until the call returns. */
typedef enum status sim_fn(void *user, struct sim_told *told,
                           struct error *err);

struct sim_config {
    const struct feature *feature;
    const char *feature_id;
    int64_t version;
    /* Answers everything wanted in `f` as of at_us; answers live in `a`. */
    enum status (*fetch)(void *user, struct arena *a, struct facts *f,
                         int64_t at_us, struct error *err);
    sim_fn *told;
    /* When a run that is due is looked at; NULL: when it is due. */
    int64_t (*look_us)(void *user, const struct run *run);
    void *user;
    int holdout; /* the workspace's; see decide_env */
    bool want_trace;
    bool past; /* the clock is not the present: counts end at it */
    size_t max_bytes;
};

struct sim; /* opaque */

/* Owns: caller; sim_free(). `config->feature` must live as long. */
CHECKED enum status sim_new(const struct sim_config *config, struct sim **out,
                            struct error *err);
void sim_free(struct sim *s); /* NULL is allowed */

/* An event at now_us, which may be before the last one's: what was decided by
 * several threads is not in the order of time. Entries, and the runs that it
 * concerns. With `scanned` it is a row of a schedule's scan, of which only an
 * entry is told. What it makes due at once leaves with the next sim_until(). */
CHECKED enum status sim_event(struct sim *s, const struct event *e,
                              int64_t now_us, bool scanned, struct error *err);
/* Does all that is due until then, in the order of time. Errors: E_TOOBIG. */
CHECKED enum status sim_until(struct sim *s, int64_t at_us, struct error *err);
/* When something is due next; INT64_MAX = nothing. */
int64_t sim_next_due(const struct sim *s);

CHECKED enum status sim_pause(struct sim *s, bool paused, int64_t now_us,
                              struct error *err);
/* No mail to this address. */
CHECKED enum status sim_suppress(struct sim *s, const char *address,
                                 struct error *err);
/* Runs in the order they began, those of goals among them. */
size_t sim_runs(const struct sim *s);
const struct run *sim_run_at(const struct sim *s, size_t i);

static inline void
sim_freep(struct sim **s)
{
    sim_free(*s);
}
#define AUTO_SIM __attribute__((cleanup(sim_freep))) struct sim *

#endif
