/*
 * core/decide.h - the decisions: does this event enter that feature, and what
 * does a run do now? Pure: live path, simulate, backtest, explain and tests
 * call these functions with time, rows and facts as arguments.
 *
 * Source: docs/spec.md M1-M6, M8, M10-M12.
 */
#ifndef CORE_DECIDE_H
#define CORE_DECIDE_H

#include <stdint.h>

#include "core/facts.h"
#include "core/feature.h"

/* Closed list; documented and counted. X(symbol, wire name, meaning) */
#define VERDICT_LIST(X)                                                      \
    X(VERDICT_ENTERED, "entered", "the subject began a run")                 \
    X(VERDICT_ADVANCED, "advanced", "a run took a transition")               \
    X(VERDICT_COMPLETED, "completed", "a run reached its end or its exit")   \
    X(VERDICT_GUARD_FALSE, "guard_false", "a condition did not hold")        \
    X(VERDICT_WRONG_STATE, "wrong_state", "the run waits for another thing") \
    X(VERDICT_ALREADY_ENTERED, "already_entered", "once only, and done")     \
    X(VERDICT_COOLDOWN, "cooldown", "too soon after the last entry")         \
    X(VERDICT_CAPPED, "capped", "the limit of messages is reached")          \
    X(VERDICT_QUIET_DEFERRED, "quiet_deferred", "waits for allowed hours")   \
    X(VERDICT_SUPPRESSED, "suppressed", "the address asked for no mail")     \
    X(VERDICT_HOLDOUT, "holdout", "kept back to measure the effect")         \
    X(VERDICT_PAUSED, "paused", "the feature is paused")                     \
    X(VERDICT_DUPLICATE, "duplicate", "this event was decided before")       \
    X(VERDICT_NO_SUBJECT, "no_subject", "the row leads to nobody")           \
    X(VERDICT_SEMANTIC_NO, "semantic_no", "the text does not mean that")     \
    X(VERDICT_NOT_EVALUATED, "not_evaluated", "an earlier gate decided")     \
    X(VERDICT_ERROR, "error", "could not be decided; see the reason")

enum verdict {
#define X(sym, wire, meaning) sym,
    VERDICT_LIST(X)
#undef X
        VERDICT_COUNT
};

const char *verdict_name(enum verdict v);
const char *verdict_meaning(enum verdict v);
bool verdict_parse(const char *name, enum verdict *out);

/* One captured row change. */
struct event {
    const char *id; /* ours */
    const char *workspace;
    const char *integration;
    const char *table; /* "schema.table" */
    enum row_op op;
    const char *key;           /* entity id as captured; may be NULL */
    const struct json *record; /* captured columns (new row; old for delete) */
    const struct json *old;    /* update: old values of captured columns */
    int64_t occurred_us;
};

struct subject {
    const char *table;
    const char *id;  /* key as text */
    const char *key; /* "table/id", the identity across features */
};

/* What is remembered for (feature, subject). Zeroed when never seen. */
struct enrolment {
    int64_t entries;
    int64_t last_entered_us;
    bool matched; /* rematch: the conditions held at every scan since the last
                     entry */
    bool row_entered; /* backfill: a run began with this very row */
};

enum run_status {
    RUN_ACTIVE,
    RUN_COMPLETED, /* reached a final state */
    RUN_EXITED,    /* an exit predicate held, or the subject is gone */
    RUN_ENDED,     /* the last timer's guards all failed */
    RUN_STATUS_COUNT
};
const char *run_status_name(enum run_status s);

struct run {
    const char *id;
    const char *workspace;
    const char *integration;
    const char *feature_id;
    int64_t version;
    struct subject subject;
    const char *row_table; /* trigger row */
    const char *row_key;
    const struct json *record; /* trigger row as captured, for messages */
    const char *event_id;      /* that began it; NULL for a schedule */
    const char *event_type;    /* "schema.table.op" */
    const char *goal; /* NULL; VERDICT_ENTERED's or VERDICT_HOLDOUT's name: a
                         run of the goal's machine, that only measures */
    const char *state;
    enum run_status status;
    int64_t entered_us;
    int64_t state_entered_us;
    int64_t checked_us;  /* timers of this state due by then were tried */
    int64_t state_entry; /* 1, 2, …: counts states entered; in effect keys */
    int64_t due_us;      /* next timer or poll; 0 = waits for events only */
};

/* An effect to be performed, in order. */
struct planned_effect {
    const struct effect *effect;
    const char *state;   /* state whose transition asked for it */
    const char *key;     /* idempotency key for ever: "<run>_<entry>_<index>" */
    const char *address; /* email: resolved; NULL when the path gave nothing */
    enum verdict verdict; /* ENTERED = perform; NO_SUBJECT = no address */
};

/* Everything a decision may look at. */
struct decide_env {
    struct arena *a;
    struct facts *facts;
    int64_t now_us;
    bool want_trace; /* build `detail` (always on the live path) */
    int holdout;     /* of 10,000: the workspace's, besides the feature's own */
    bool past;       /* now_us is not the present: counts of a run end at it */
};

struct decision {
    bool needs_facts; /* nothing else is set: fetch facts, call again */
    enum verdict verdict;
    bool conditions_held;   /* what the caller keeps as enrolment.matched, for
                               rematch, whatever the verdict: a cooldown puts
                               an entry off and does not swallow it */
    struct subject subject; /* id NULL when unresolved */
    /* {"gates":[{"gate","result":"pass|fail|not_evaluated","detail"}…],
     *  "conditions":[trace…]}; trace = {"path"|"count"|"any","op","expected",
     *  "actual","holds":true|false|null,"sub":[…]} */
    struct json *detail;
};

/* Does the event's row change match the trigger of the feature (table, op,
 * column, from, to: M3)? Never needs facts. */
bool trigger_matches(const struct feature *f, const struct event *e);

/* Who is it about? *out.id is NULL when the row leads to nobody. Returns
 * false (and records needs) when facts are missing. */
CHECKED enum status subject_resolve(const struct decide_env *env,
                                    const struct feature *f,
                                    const struct event *e, struct subject *out,
                                    bool *needs_facts, struct error *err);

/* The entry gates in order (M2) for an event whose trigger matches. `paused`
 * is the feature's status; the semantic matcher comes with its own field of
 * the document. */
CHECKED enum status decide_entry(const struct decide_env *env,
                                 const struct feature *f, bool paused,
                                 const struct event *e, const struct subject *s,
                                 const struct enrolment *enrolment,
                                 struct decision *out, struct error *err);

/* The run that an entry begins, in its initial state, due now. */
CHECKED enum status run_begin(const struct decide_env *env,
                              const struct feature *f, const char *feature_id,
                              int64_t version, const struct event *e,
                              const struct subject *s, const char *run_id,
                              struct run *out, struct error *err);

/* The run that watches for the goal of a subject that entered, or was held
 * back: of f->goal_machine, which must be. */
CHECKED enum status goal_begin(const struct decide_env *env,
                               const struct feature *f, const char *feature_id,
                               int64_t version, const struct event *e,
                               const struct subject *s, enum verdict arm,
                               const char *run_id, struct run *out,
                               struct error *err);

struct step {
    bool needs_facts;     /* nothing else is set */
    enum verdict verdict; /* ADVANCED, COMPLETED, GUARD_FALSE (ended),
                             WRONG_STATE (nothing to do yet) */
    struct run after;     /* the run as it is now */
    struct planned_effect *effects;
    size_t n_effects;
    struct json *detail; /* {"steps":[{"from","to","why","guard":[trace…]}],
                            "exit":[trace…],"waits":…} */
};

/* Does an exit predicate hold now? For the last look before a send. *needs
 * tells that facts are missing and nothing holds so far. */
CHECKED enum status run_exit_holds(const struct decide_env *env,
                                   const struct feature *f,
                                   const struct run *run, bool *holds,
                                   bool *needs, struct error *err);

enum { RUN_MAX_STEPS = 32 };           /* transitions in one call */
#define MATCH_POLL_US (5 * US_PER_MIN) /* recheck of on:match guards */

/* Advances a run as far as it goes at `now_us`: exit first, then on-match
 * transitions, then due timers in order (M4, M5). `e` is the event that woke
 * it, or NULL for a timer; the event that began the run lets its row be read
 * from the event instead of the database. A deleted subject ends the run.
 * Loops that would pass RUN_MAX_STEPS end with E_INVALID. */
CHECKED enum status run_step(const struct decide_env *env,
                             const struct feature *f, const struct run *run,
                             const struct event *e, struct step *out,
                             struct error *err);

#endif
