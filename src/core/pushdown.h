/*
 * core/pushdown.h - the part of a feature's demands on its trigger's row that
 * the trigger itself can decide, so that rows nobody wants are not captured.
 *
 * Sound: a row that the feature would take is never left out. What SQL and
 * op_eval() might see differently stays behind for op_eval().
 * Source: docs/spec.md, capture; tests/unit/target/test_pushdown.c compares
 * the two evaluators.
 */
#ifndef CORE_PUSHDOWN_H
#define CORE_PUSHDOWN_H

#include "core/feature.h"

enum push_kind { PUSH_COMPARE, PUSH_CHANGED, PUSH_ANY, PUSH_ALL };

struct push {
    enum push_kind kind;
    const struct column *column; /* COMPARE, CHANGED */
    const char *json_key;        /* COMPARE: ->key, or NULL */
    enum op op;
    const struct json *value;
    bool old;         /* COMPARE: of the row before the update */
    bool negated;     /* COMPARE: holds when the comparison does not */
    struct push *sub; /* ANY, ALL */
    size_t n;
};

/* Whether SQL decides this comparison exactly as op_eval() does on the
 * captured value (for times before 1972 or after 9999: more often). */
bool push_can(const struct column *column, const char *json_key, enum op op,
              const struct json *value);

/* What a row must fulfil to be of use to the feature as its trigger: an ALL,
 * empty when every row may be.
 * Owns:   everything in `a`; points into the feature and the table. */
CHECKED enum status push_of(struct arena *a, const struct table *t,
                            const struct feature *f, struct push *out,
                            struct error *err);

/* About how many bytes of SQL it becomes. */
size_t push_bytes(const struct push *p);

#endif
