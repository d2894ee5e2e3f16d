/* A row change, a world of facts and the calls that decide, in short form. */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include "saas.h"

#include "base/clock.h"
#include "core/decide.h"

#define NOW_US (INT64_C(1795510800) * US_PER_S) /* 2026-11-24T09:00:00Z */

struct world {
    struct arena *a;
    struct facts *facts;
    struct decide_env env;
};

static inline struct world
world_new(struct arena *a)
{
    struct world w = {.a = a, .facts = facts_new(a)};

    assert_non_null(w.facts);
    w.env = (struct decide_env){
        .a = a, .facts = w.facts, .now_us = NOW_US, .want_trace = true};
    return w;
}

static inline void
know(struct world *w, const char *key, const char *value)
{
    struct error err = {0};

    assert_int_equal(facts_put(w->facts, key, json_of(w->a, value), &err), OK);
}

static inline struct event
task_event(struct arena *a, enum row_op op, const char *record, const char *old)
{
    return (struct event){.id = "e1",
                          .workspace = "w",
                          .integration = "i",
                          .table = "public.tasks",
                          .op = op,
                          .key = "7",
                          .record = json_of(a, record),
                          .old = old ? json_of(a, old) : NULL,
                          .occurred_us = NOW_US - US_PER_S};
}

/* The only need recorded, which must be `key`. */
static inline const struct fact_need *
only_need(const struct world *w, const char *key)
{
    const struct fact_need *const *needs = NULL;
    size_t n = facts_wanted(w->facts, &needs);

    if (n != 1 || strcmp(needs[0]->key, key) != 0)
        broken("%zu needs, first '%s', not '%s'", n, n ? needs[0]->key : "",
               key);
    return needs[0];
}

#endif
