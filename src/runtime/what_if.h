/*
 * runtime/what_if.h - what simulate, backtest and why-not share: a feature
 * with its database at hand. Not for others.
 */
#ifndef RUNTIME_WHAT_IF_H
#define RUNTIME_WHAT_IF_H

#include "core/decide.h"
#include "runtime/ops_parts.h"

struct what_if {
    struct runtime *rt;
    struct arena *a;
    const char *workspace_id;
    struct feature_row row;
    struct feature *f;
    struct integration in;
    struct catalog *catalog;
    int holdout;      /* the workspace's */
    struct target *t; /* opened when first needed */
};

/* The stored feature, or another document (JSON tree or text) in its place.
 * `key` NULL: the document stands alone, on the only integration. */
CHECKED enum status what_if_load(struct runtime *rt, struct arena *a,
                                 const char *workspace_id, const char *key,
                                 const struct json *document,
                                 struct what_if *out, struct error *err);
void what_if_close(struct what_if *w);
#define AUTO_WHAT_IF __attribute__((cleanup(what_if_close))) struct what_if

/* Live values, read-only. */
CHECKED enum status what_if_target(struct what_if *w, struct error *err);
CHECKED enum status what_if_facts(struct what_if *w, struct arena *a,
                                  struct facts *facts, struct error *err);
/* A row of the feature's table by its key. Errors: E_NOTFOUND. */
CHECKED enum status what_if_row(struct what_if *w, const char *key,
                                const struct json **record, struct error *err);

#endif
