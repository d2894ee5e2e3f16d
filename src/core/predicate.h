/*
 * core/predicate.h - evaluates predicates over a row, facts and time, leaving
 * a trace of what was compared.
 */
#ifndef CORE_PREDICATE_H
#define CORE_PREDICATE_H

#include "core/facts.h"

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

struct eval_env {
    struct arena *a;
    struct facts *facts;
    int64_t now_us;
    const char *row_table;
    const char *row_key;
    const struct json *record; /* local columns are read from here first when
                                  `fresh`; NULL = always live */
    bool fresh;
    const char *subject_id; /* NULL before it is resolved */
    int64_t entered_us;     /* for within: entry; 0 before entry */
    int64_t as_of_us;       /* bound of counts; 0 = now */
    int64_t bound_us; /* the present, when it is not now: bounds counts that
                         as_of_us does not; 0 = none */
};

/* Value at a path: record or fact. *out is NULL when the fact is missing
 * (recorded), JSON null when there is no such row or value. */
CHECKED enum status eval_path(const struct eval_env *env,
                              const struct path *path, const struct json **out,
                              struct error *err);

/* AND over the list, short-circuit: later ones are traced as not evaluated.
 * Facts of the whole list are wanted at once, so one round trip suffices.
 * `trace` (JSON array) may be NULL. An empty list is YES. */
CHECKED enum status predicates_eval(const struct eval_env *env,
                                    const struct predicates *list,
                                    struct json *trace, enum truth *out,
                                    struct error *err);

/* Compares one value with SQL's meaning of NULL (only is_null, not_null,
 * and not eq/neq, see a null as something: null never satisfies a comparison;
 * neq null-safe like IS DISTINCT FROM). Numbers by value, timestamps and text
 * by kind of the operands. */
CHECKED enum status op_eval(enum op op, const struct json *actual,
                            const struct json *expected, int64_t now_us,
                            enum truth *out, struct error *err);

#endif
