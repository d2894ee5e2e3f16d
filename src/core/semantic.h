/*
 * core/semantic.h - what a text means, as far as words tell (M14).
 *
 * The built-in scorer compares the words of an intent with those of a text:
 * stems, and a few groups of words that customers use for one thing. It knows
 * nothing of irony, of other languages than English, or of what is between the
 * lines; a word that is negated does not count.
 */
#ifndef CORE_SEMANTIC_H
#define CORE_SEMANTIC_H

#include "codec/json.h"

struct meaning {
    double score;       /* 0..0.95: it is never sure */
    const char *reason; /* "expensive, price: 2 of 3 words"; in the arena */
};

/* Errors: E_NOMEM. Of a text the first 8 KiB are read. */
CHECKED enum status semantic_score(struct arena *a, const char *intent,
                                   const char *text, struct meaning *out,
                                   struct error *err);

#endif
