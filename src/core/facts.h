/*
 * core/facts.h - values a decision needs from the customer's database.
 *
 * core does no I/O. An evaluation that meets a value it has not got records a
 * need and says "unknown"; the runtime fetches all needs of a batch in few
 * queries, puts the answers here and asks again. What was used is stored with
 * the decision.
 */
#ifndef CORE_FACTS_H
#define CORE_FACTS_H

#include <stdint.h>

#include "core/feature.h"

enum fact_kind {
    FACT_PATH,  /* live value at `path` from the row `row_key` of `table`;
                   JSON null when the row is gone */
    FACT_COUNT, /* rows of `table` whose `path` (link) equals `link_value` */
    FACT_ROWS   /* one page of a schedule's scan; see runtime/schedule */
};

struct fact_need {
    enum fact_kind kind;
    const char *key;   /* canonical text: identity of this need */
    const char *table; /* "schema.table" */
    const char *row_key;
    const struct path *path;
    const char *link_value;
    int64_t since_us; /* COUNT: rows made at or after; 0 = ever */
    int64_t until_us; /* COUNT: rows made at or before; 0 = now. Entry counts
                         are bounded by the event's time, so that two quick
                         rows are 9 and 10, not 10 and 10 */
    const struct json *where; /* COUNT: [{path, op, value}], values resolved */
};

struct facts; /* opaque; in an arena */

struct facts *facts_new(struct arena *a);
/* The answer for a key, or NULL when not fetched yet. */
const struct json *facts_get(struct facts *f, const char *key);
CHECKED enum status facts_put(struct facts *f, const char *key,
                              const struct json *value, struct error *err);
/* Records a need once per key. */
CHECKED enum status facts_want(struct facts *f, const struct fact_need *need,
                               struct error *err);
/* Needs recorded since the last clear. */
size_t facts_wanted(const struct facts *f, const struct fact_need *const **out);
void facts_clear_wanted(struct facts *f);
/* Forgets those needs that have an answer by now. */
CHECKED enum status facts_drop_answered(struct facts *f, struct error *err);

/* From here on, what facts_get() answers is remembered … */
CHECKED enum status facts_use_begin(struct facts *f, struct error *err);
/* … as {"key": value, …}: stored with a decision, so that a backtest can
 * decide with the values of that instant. NULL when nothing was used. */
struct json *facts_used(struct arena *a, const struct facts *f);

#endif
