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

#endif
