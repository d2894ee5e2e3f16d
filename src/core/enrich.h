/*
 * core/enrich.h - rules of skene_growth.enrichment_map: declarative joins that
 * add context to a captured row, and columns that are taken out of it. Pure.
 *
 * Source: docs/spec.md, capture 9.
 */
#ifndef CORE_ENRICH_H
#define CORE_ENRICH_H

#include "core/capture.h"

enum { ENRICH_RULES_MAX = 500, ENRICH_NAMES_MAX = 64 };

/* {"from":"public.profiles","on":{"id":"user_id"},
 *  "select":{"email":"email"},"strip":["user_id"]} */
struct enrich_pair {
    const char *column; /* of the table that is joined */
    const char *name;   /* on: column of the event; select: member to be */
};

struct enrichment {
    const char *event; /* "public.orders.insert" */
    const char *key;   /* member of the event that holds the context */
    const char *table; /* the event's, with its operation */
    enum row_op op;
    const char *from; /* "schema.table"; NULL: the rule strips only */
    struct enrich_pair *on, *select;
    size_t n_on, n_select;
    const char **strip; /* of the event, after all joins */
    size_t n_strip;
};

/* One row of the table. With strip_after the columns of "on" are stripped too.
 * Errors: E_INVALID, naming row and member; unknown members are refused. */
CHECKED enum status enrich_parse(struct arena *a, const char *event,
                                 const char *key, const struct json *rule,
                                 bool strip_after, struct enrichment *out,
                                 struct error *err);
/* Tables and columns exist, none is secret, keys do not collide, and nothing
 * is stripped that a feature needs (E_CONFLICT). */
CHECKED enum status enrich_check(const struct catalog *c,
                                 const struct enrichment *rules, size_t n,
                                 const struct capture *captures,
                                 size_t n_captures, struct error *err);
/* Adds the columns the joins start from to what is captured. */
CHECKED enum status enrich_captures(struct arena *a,
                                    const struct enrichment *rules, size_t n,
                                    struct capture *captures, size_t n_captures,
                                    struct error *err);

#endif
