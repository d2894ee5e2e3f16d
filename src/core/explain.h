/*
 * core/explain.h - a stored decision as text a person reads (M12). The JSON
 * of a decision is its machine form; this prints the same thing.
 */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

#include "base/buf.h"
#include "codec/json.h"

/* `explanation` is the answer of GET /events/{id}/explain:
 * {"event":{"id","type","occurred_at","received_at","key","record","old"},
 *  "decisions":[{"feature","version","verdict","meaning","subject","run",
 *                "detail":{…},"actions":[{"kind","status","verdict",
 *                "attempts":[…]}…]}…]}.
 * `color` adds ANSI colours. */
void explain_text(struct buf *out, const struct json *explanation, bool color);

/* Answers of simulate, why-not and backtest; see runtime/ops.h. */
void simulation_text(struct buf *out, const struct json *answer, bool color);
void why_not_text(struct buf *out, const struct json *answer, bool color);
void backtest_text(struct buf *out, const struct json *answer, bool color);

#endif
