/*
 * runtime/engine_batch.h - what the engine's files share. Not for others.
 */
#ifndef RUNTIME_ENGINE_BATCH_H
#define RUNTIME_ENGINE_BATCH_H

#include "runtime/engine.h"
#include "runtime/lookups.h"
#include "runtime/runtime.h"

enum work_kind { WORK_EVENT, WORK_RUN, WORK_ROW };

/* Facts of one integration in this batch. */
struct scope {
    struct live_integration *li;
    struct facts *facts;
    bool blocked; /* its database did not answer: its items wait */
};

struct work {
    enum work_kind kind;
    struct scope *scope;         /* NULL: integration is gone */
    struct queued_event *queued; /* WORK_EVENT */
    struct event event;          /* WORK_EVENT, WORK_ROW */
    const struct routes *routes; /* WORK_EVENT; NULL: nobody asks */
    struct route row_route;      /* WORK_ROW */
    struct held_run *run;        /* WORK_RUN */
    bool wants_facts;
};

struct held_run {
    struct run_row row;
    struct run run;
    bool fresh; /* began in this batch: insert */
    bool dirty;
};

struct run_list { /* active runs of a subject, or a row, in a feature */
    struct held_run **items;
    size_t n, cap;
};

struct stage_move {
    const char *workspace_id, *subject_key, *stage, *run_id;
};

struct held_enrolment {
    struct enrolment_row row;
    bool dirty;
};

struct batch {
    struct engine *en;
    struct runtime *rt;
    struct arena *a;
    struct registry *reg;
    struct store_tx *tx; /* reads while deciding, then the write */
    int64_t now_us;
    struct work *work;
    size_t n;
    struct scope *scopes;
    size_t n_scopes;
    struct map *runs;       /* run id -> held_run */
    struct map *by_subject; /* "feature|subject" -> run_list */
    struct map *by_row;     /* "feature|row key" -> run_list */
    struct map *born_by_subject, *born_by_row; /* of this batch alone */
    struct map *enrolments; /* "feature|subject" -> held_enrolment */
    struct decision_row *decisions;
    size_t n_decisions, cap_decisions;
    struct map *stage_of; /* subject key -> stage name, as moved here */
    struct stage_move *stages;
    size_t n_stages, cap_stages;
    struct action_row *actions;
    size_t n_actions, cap_actions;
};

/* engine_rows.c: conversions between stored rows and core's structs. */
CHECKED enum status event_from_row(struct arena *a, const struct event_row *row,
                                   struct event *out, struct error *err);
CHECKED enum status run_from_row(struct arena *a, const struct run_row *row,
                                 struct run *out, struct error *err);
/* Copies what a step may change back into the row. */
void run_to_row(const struct run *run, struct run_row *row);
CHECKED enum status run_row_new(struct batch *b,
                                const struct live_integration *li,
                                const struct run *run, struct run_row *out,
                                struct error *err);
/* The action of one planned effect. */
CHECKED enum status action_of(struct batch *b,
                              const struct live_integration *li,
                              const struct feature *f, const struct run *run,
                              const struct planned_effect *effect,
                              struct action_row *out, struct error *err);

/* engine_hold.c: rows read once and changed in memory until the write. */
CHECKED enum status hold_enrolment(struct batch *b, const char *workspace_id,
                                   const char *feature_id,
                                   const char *subject_key,
                                   struct held_enrolment **out,
                                   struct error *err);
CHECKED enum status hold_runs_of_subject(
    struct batch *b, const struct live_integration *li, const char *feature_id,
    const char *subject_key, struct run_list **out, struct error *err);
CHECKED enum status hold_runs_of_row(struct batch *b, const char *feature_id,
                                     const char *row_key, struct run_list **out,
                                     struct error *err);
CHECKED enum status hold_new_run(struct batch *b, const struct run_row *row,
                                 const struct run *run, struct error *err);
CHECKED enum status hold_run(struct batch *b, const struct run_row *row,
                             struct held_run **out, struct error *err);
CHECKED enum status add_decision(struct batch *b,
                                 const struct decision_row *row,
                                 struct error *err);
CHECKED enum status add_action(struct batch *b, const struct action_row *row,
                               struct error *err);
CHECKED enum status add_stage(struct batch *b, const struct stage_move *move,
                              struct error *err);

/* engine_decide.c: one item. With `dry`, only asks for facts; *needs tells
 * that some are missing. Without, applies to the held rows and lists. */
CHECKED enum status work_decide(struct batch *b, struct work *w, bool dry,
                                bool *needs, struct error *err);

#endif
