/*
 * core/feature.h - the feature document: parsed form, canonical JSON, checks.
 *
 * Source: docs/spec.md, the document; tests compare with the JSON Schema.
 * The document's own words are kept: stage, trigger, subject, entry, timing,
 * exit, machine.
 */
#ifndef CORE_FEATURE_H
#define CORE_FEATURE_H

#include <stdint.h>

#include "core/catalog.h"
#include "core/path.h"

enum stage {
    STAGE_DISCOVERY,
    STAGE_ONBOARDING,
    STAGE_ACTIVATION,
    STAGE_ENGAGEMENT,
    STAGE_RETENTION,
    STAGE_EXPANSION,
    STAGE_VIRALITY,
    STAGE_COUNT
};

enum row_op { ROW_INSERT, ROW_UPDATE, ROW_DELETE, ROW_OP_COUNT };
enum trigger_type { TRIGGER_ROW, TRIGGER_SCHEDULE };
enum entry_mode { ENTRY_ONCE, ENTRY_EVERY, ENTRY_REMATCH, ENTRY_MODE_COUNT };

enum op {
    OP_EQ,
    OP_NEQ,
    OP_GT,
    OP_GTE,
    OP_LT,
    OP_LTE,
    OP_IN,
    OP_NOT_IN,
    OP_IS_NULL,
    OP_NOT_NULL,
    OP_CONTAINS,
    OP_STARTS_WITH,
    OP_ENDS_WITH,
    OP_OLDER_THAN,
    OP_NEWER_THAN,
    OP_DUE_IN,
    OP_DUE_AGO,
    OP_COUNT
};

/* Value or {op, value} of a trigger's from/to. */
struct match {
    bool set;
    enum op op;
    const struct json *value; /* NULL for is_null, not_null */
};

enum predicate_kind { PREDICATE_COLUMN, PREDICATE_COUNT, PREDICATE_ANY };

struct predicates {
    struct predicate *items;
    size_t n;
};

struct predicate {
    enum predicate_kind kind;
    enum op op;               /* COLUMN, COUNT */
    struct path path;         /* COLUMN; COUNT: the link path */
    const struct json *value; /* COLUMN */
    const char *table;        /* COUNT: "schema.table" */
    const char *to;           /* COUNT: "subject" (default), "row", or a path */
    int64_t count;            /* COUNT */
    int64_t within_us;        /* COUNT: 0 = ever */
    bool within_entry;        /* COUNT: since the run began */
    struct predicates sub;    /* ANY: alternatives; COUNT: where */
};

enum effect_kind {
    EFFECT_EMAIL,
    EFFECT_WEBHOOK,
    EFFECT_TRACK,
    EFFECT_SET_STAGE,
    EFFECT_KIND_COUNT
};

struct effect {
    enum effect_kind kind;
    struct path to;         /* email; to.n == 0: the subject's email */
    const char *template;   /* email; NULL: the feature's key */
    const char *subject;    /* email; NULL: the template's */
    const char *url;        /* webhook */
    const char *connection; /* webhook */
    const char *event;      /* track; NULL: the feature's key */
    enum stage stage;       /* set_stage */
};

/* One branch of a split. In the document it is part of a transition; here each
 * branch is a transition of its own, and those of one split stand together. */
struct branch {
    const char *name;
    const char *salt; /* as given, or made from feature, state, position */
    bool salt_given;
    bool first;        /* of its split */
    uint64_t from, to; /* takes subjects whose place is in [from, to) … */
    uint64_t total;    /* … of the sum of the weights */
};
enum { BRANCHES_MAX = 10, WEIGHT_MAX = 1000000 };

struct transition {
    const struct branch *branch; /* NULL: not split */
    bool on_match;               /* on: match; else a timer */
    int64_t after_us;            /* timer, from entry into the state */
    struct predicates guard;
    struct effect *effects;
    size_t n_effects;
    const char *target;
};

/* Where the i-th transition of a state stands in the document, in which the
 * branches of a split are one transition. */
struct state;
void transition_at(const struct state *s, size_t i, size_t *transition,
                   size_t *branch);

enum { STATES_MAX = 200 };

struct state {
    const char *name;
    bool final;
    struct transition *transitions;
    size_t n_transitions;
};

struct timing {
    int64_t cooldown_us; /* 0 = none */
    int64_t cap_count;   /* 0 = none */
    int64_t cap_per_us;
    bool quiet;                       /* quiet_hours present */
    int quiet_from_min, quiet_to_min; /* minutes of the day */
    const char *tz;                   /* IANA name, "UTC" or "subject" */
    unsigned days;                    /* bit 0 = Sunday; 0 = every day */
};

/* What a free text must mean, for what columns cannot decide (M14). */
struct semantic {
    const char *intent;  /* NULL: no matcher */
    int least;           /* confidence, of 1,000 */
    const char **fields; /* columns of the trigger's row; n 0: those of text */
    size_t n_fields;
};

/* What a pause does to runs whose time comes meanwhile. */
enum on_pause {
    PAUSE_HOLD, /* they go on when it is over */
    PAUSE_SKIP, /* … unless they are late by more than skip_us: those exit */
    PAUSE_EXIT  /* they exit */
};

struct feature {
    const char *key; /* "key", else the name as a slug */
    const char *name;
    const char *description;
    enum stage stage;
    enum trigger_type trigger;
    const char *table; /* "schema.table" of the trigger */
    enum row_op op;
    const char *column; /* update; NULL = any column */
    struct match from, to;
    const char *cron; /* schedule */
    const char *cron_tz;
    const char *subject_table;
    struct path subject_id;
    struct path subject_email; /* n == 0: none */
    enum entry_mode mode;
    bool backfill; /* rows that exist already enter too, each once */
    struct predicates conditions;
    struct timing timing;
    struct predicates exit;
    struct semantic match;
    enum on_pause on_pause;
    int64_t skip_us;                    /* PAUSE_SKIP */
    struct predicates goal;             /* n == 0: none */
    int64_t goal_within_us;             /* of the entry */
    const struct feature *goal_machine; /* watches for it; NULL: no goal */
    int64_t poll_us; /* how often on: match is looked at without an event; 0 =
                        MATCH_POLL_US */
    int holdout; /* subjects of 10,000 that are kept back, to compare with */
    const char *initial;
    struct state *states; /* in document order */
    size_t n_states;
    const struct json *document; /* what was parsed */
};

/* Reads the shape: types, required and unknown fields, enums, paths,
 * durations, that targets exist.
 * Owns:   everything in `a`; `doc` must live as long.
 * Errors: E_INVALID with the path of the offending field in err->field. */
CHECKED enum status feature_parse(struct arena *a, const struct json *doc,
                                  struct feature **out, struct error *err);
/* Parses YAML or JSON text (decided by the first byte) and then the shape;
 * errors name the line too. */
CHECKED enum status feature_parse_text(struct arena *a, const char *text,
                                       size_t n, struct feature **out,
                                       struct error *err);

/* The goal as a machine of its own, without effects: from "open" to "reached"
 * as soon as it holds, to "missed" when its time is over. A run of it measures
 * one subject, whether it entered or was kept back. */
CHECKED enum status feature_goal_machine(struct arena *a, struct feature *f,
                                         struct error *err);
#define GOAL_OPEN    "open"
#define GOAL_REACHED "reached"
#define GOAL_MISSED  "missed"

/* Names against the catalogue: tables, columns, links, enum values, subject
 * key; states all reachable; no loop without a wait.
 * Errors: E_INVALID, err->field, nearest name in the hint. */
CHECKED enum status feature_check(const struct catalog *c,
                                  const struct feature *f, struct error *err);

/* Canonical document (members in the schema's order, defaults spelled out,
 * subject.join derived when a catalogue is given). */
struct json *feature_to_json(struct arena *a, const struct feature *f,
                             const struct catalog *c);

/* One effect as the document writes it. */
struct json *effect_to_json(struct arena *a, const struct effect *e);

/* The source name: "schema.table.insert", or "schedule". */
const char *feature_source(struct arena *a, const struct feature *f);
const struct state *feature_state(const struct feature *f, const char *name);

/* Row changes, besides the trigger, that may end or advance a run at once:
 * what exit and on-match predicates depend on, and the deletion of a subject
 * that is the trigger's own row. */
struct watch {
    const char *table;
    enum row_op op;
    const char *column; /* of that row: holds the subject's id; NULL: the row
                           is the run's own trigger row (match by key) */
};
/* Deduplicated, in a stable order. Predicates that no single row change can
 * tell of (hops, windows) yield none; runs poll for those. */
CHECKED enum status feature_watches(struct arena *a, const struct feature *f,
                                    struct watch **out, size_t *n,
                                    struct error *err);

const char *stage_name(enum stage s);
bool stage_parse(const char *name, enum stage *out);
const char *row_op_name(enum row_op op); /* "insert" */
/* A subject's place among `total`, the same for ever for a salt and a key. */
uint64_t sticky_place(const char *salt, const char *subject_key,
                      uint64_t total);
bool row_op_parse(const char *name, enum row_op *out);
const char *op_name(enum op op);
bool op_parse(const char *name, enum op *out);
const char *effect_kind_name(enum effect_kind k);
bool effect_kind_parse(const char *name, enum effect_kind *out);
const char *entry_mode_name(enum entry_mode m);
bool entry_mode_parse(const char *name, enum entry_mode *out);

#endif
