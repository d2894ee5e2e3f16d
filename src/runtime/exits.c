#include <string.h>

#include "runtime/engine_batch.h"
#include "runtime/parts.h"
#include "target/lookup.h"

enum { ROUNDS_MAX = 8 };

/* The run the action belongs to, with its feature's version. */
struct subject_run {
    const struct live_integration *li;
    const struct feature *f;
    struct run_row row;
};

static enum status
find_run(struct runtime *rt, struct registry *reg, struct arena *a,
         const struct action_row *action, struct subject_run *out, bool *found,
         struct error *err)
{
    struct run_row *rows = NULL;
    size_t n = 0;
    AUTO_TX tx = NULL;

    *found = false;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);
    if (rc == OK)
        rc = runs_of_journey(tx, a, action->workspace_id, action->subject_key,
                             &rows, &n, err);
    for (size_t i = 0; rc == OK && !*found && i < n; i++) {
        if (strcmp(rows[i].id, action->run_id) != 0)
            continue;
        out->row = rows[i];
        out->li = registry_integration(reg, rows[i].integration_id);
        *found = out->li != NULL;
        if (*found)
            rc = registry_version(reg, tx, out->li, rows[i].feature_id,
                                  rows[i].version, &out->f, err);
    }
    return rc;
}

enum status
exit_holds(struct runtime *rt, struct lookups *lookups, struct arena *a,
           const struct action_row *action, bool *holds, struct error *err)
{
    AUTO_REGISTRY reg = NULL;
    struct subject_run run = {0};
    bool found = false, needs = true;
    struct facts *facts = facts_new(a);
    struct target *t = NULL;

    *holds = false;
    enum status rc =
        facts ? registry_get(rt, &reg, err) : fail(err, E_NOMEM, "facts");
    if (rc == OK)
        rc = find_run(rt, reg, a, action, &run, &found, err);
    if (rc != OK || !found)
        return rc;
    if (strcmp(run.row.status, "exited") == 0) {
        *holds = true;
        return OK;
    }
    if (run.f->exit.n == 0)
        return OK;
    struct run current;
    rc = run_from_row(a, &run.row, &current, err);
    struct decide_env env = {
        .a = a, .facts = facts, .now_us = runtime_now_us(rt)};
    for (int i = 0; rc == OK && needs && i < ROUNDS_MAX; i++) {
        rc = run_exit_holds(&env, run.f, &current, holds, &needs, err);
        if (rc != OK || !needs || *holds)
            break;
        rc = lookups_target(lookups, run.li, &t, err);
        if (rc == OK)
            rc = lookup_facts(t, a, run.li->catalog, facts, err);
        facts_clear_wanted(facts);
    }
    return rc;
}
