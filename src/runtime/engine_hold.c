#include <string.h>

#include "runtime/engine_batch.h"

static const char *
pair_key(struct batch *b, const char *x, const char *y, struct error *err)
{
    const char *key = arena_printf(b->a, "%s|%s", x, y);

    if (!key)
        (void)fail(err, E_NOMEM, "batch of %zu", b->n);
    return key;
}

/* Room for one more item of `size` bytes: the array as it is, or a copy twice
 * as long. NULL when the arena is full. */
static void *
grown(struct batch *b, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    size_t more = *cap ? *cap * 2 : 64;
    void *copy = arena_array(b->a, more, size);
    if (copy && n)
        memcpy(copy, items, n * size);
    if (copy)
        *cap = more;
    return copy;
}

static enum status
list_add(struct batch *b, struct run_list *list, struct held_run *run,
         struct error *err)
{
    struct held_run **items =
        grown(b, list->items, list->n, &list->cap, sizeof(struct held_run *));

    if (!items)
        return fail(err, E_NOMEM, "runs");
    list->items = items;
    list->items[list->n++] = run;
    return OK;
}

enum status
hold_enrolment(struct batch *b, const char *workspace_id,
               const char *feature_id, const char *subject_key,
               struct held_enrolment **out, struct error *err)
{
    const char *key = pair_key(b, feature_id, subject_key, err);

    if (!key)
        return E_NOMEM;
    *out = map_get(b->enrolments, key);
    if (*out)
        return OK;
    struct held_enrolment *held = arena_alloc(b->a, sizeof(*held));
    if (!held)
        return fail(err, E_NOMEM, "enrolment");
    enum status rc = enrolment_get(b->tx, workspace_id, feature_id, subject_key,
                                   &held->row, err);
    held->row.workspace_id = workspace_id;
    held->row.feature_id = feature_id;
    held->row.subject_key = subject_key;
    *out = held;
    return rc == OK ? map_put(b->enrolments, key, held, err) : rc;
}

enum status
hold_run(struct batch *b, const struct run_row *row, struct held_run **out,
         struct error *err)
{
    *out = map_get(b->runs, row->id);
    if (*out)
        return OK;
    struct held_run *held = arena_alloc(b->a, sizeof(*held));
    if (!held)
        return fail(err, E_NOMEM, "run %s", row->id);
    held->row = *row;
    *out = held;
    enum status rc = run_from_row(b->a, row, &held->run, err);
    return rc == OK ? map_put(b->runs, row->id, held, err) : rc;
}

/* Puts a list under `key`: the stored rows, each held once, and the runs that
 * began in this batch. */
static enum status
hold_list(struct batch *b, struct map *lists, const char *key,
          const struct run_row *rows, size_t n, struct run_list **out,
          struct error *err)
{
    struct map *born = lists == b->by_row ? b->born_by_row : b->born_by_subject;
    const struct run_list *fresh = map_get(born, key);
    struct run_list *list = arena_alloc(b->a, sizeof(*list));

    if (!list)
        return fail(err, E_NOMEM, "runs");
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct held_run *held = NULL;
        rc = hold_run(b, &rows[i], &held, err);
        if (rc == OK)
            rc = list_add(b, list, held, err);
    }
    for (size_t i = 0; rc == OK && fresh && i < fresh->n; i++)
        rc = list_add(b, list, fresh->items[i], err);
    *out = list;
    return rc == OK ? map_put(lists, key, list, err) : rc;
}

enum status
hold_runs_of_subject(struct batch *b, const struct live_integration *li,
                     const char *feature_id, const char *subject_key,
                     struct run_list **out, struct error *err)
{
    const char *key = pair_key(b, feature_id, subject_key, err);
    struct run_row *rows = NULL;
    size_t n = 0;

    if (!key)
        return E_NOMEM;
    *out = map_get(b->by_subject, key);
    if (*out)
        return OK;
    enum status rc =
        runs_of_subject(b->tx, b->a, shard_of(li->workspace.id, subject_key),
                        feature_id, subject_key, &rows, &n, err);
    if (rc != OK)
        return rc;
    return hold_list(b, b->by_subject, key, rows, n, out, err);
}

enum status
hold_runs_of_row(struct batch *b, const char *feature_id, const char *row_key,
                 struct run_list **out, struct error *err)
{
    const char *key = pair_key(b, feature_id, row_key, err);
    struct run_row *rows = NULL;
    size_t n = 0;

    if (!key)
        return E_NOMEM;
    *out = map_get(b->by_row, key);
    if (*out)
        return OK;
    enum status rc =
        runs_of_row(b->tx, b->a, feature_id, row_key, &rows, &n, err);
    if (rc != OK)
        return rc;
    return hold_list(b, b->by_row, key, rows, n, out, err);
}

/* Files a run that began here: for lists not read yet, and in the one that
 * was. */
static enum status
born_add(struct batch *b, struct map *born, struct map *lists,
         const char *feature_id, const char *what, struct held_run *held,
         struct error *err)
{
    if (!what)
        return OK;
    const char *key = pair_key(b, feature_id, what, err);
    if (!key)
        return E_NOMEM;
    struct run_list *fresh = map_get(born, key);
    enum status rc = OK;
    if (!fresh) {
        fresh = arena_alloc(b->a, sizeof(*fresh));
        rc =
            fresh ? map_put(born, key, fresh, err) : fail(err, E_NOMEM, "runs");
    }
    if (rc == OK)
        rc = list_add(b, fresh, held, err);
    struct run_list *list = map_get(lists, key);
    return rc == OK && list ? list_add(b, list, held, err) : rc;
}

enum status
hold_new_run(struct batch *b, const struct run_row *row, const struct run *run,
             struct error *err)
{
    struct held_run *held = arena_alloc(b->a, sizeof(*held));

    if (!held)
        return fail(err, E_NOMEM, "run %s", row->id);
    *held = (struct held_run){
        .row = *row, .run = *run, .fresh = true, .dirty = true};
    enum status rc = map_put(b->runs, row->id, held, err);
    if (rc == OK)
        rc = born_add(b, b->born_by_subject, b->by_subject, row->feature_id,
                      row->subject_key, held, err);
    if (rc == OK)
        rc = born_add(b, b->born_by_row, b->by_row, row->feature_id,
                      row->row_key, held, err);
    return rc;
}

enum status
add_decision(struct batch *b, const struct decision_row *row, struct error *err)
{
    struct decision_row *rows = grown(b, b->decisions, b->n_decisions,
                                      &b->cap_decisions, sizeof(*rows));
    if (!rows)
        return fail(err, E_NOMEM, "decisions");
    b->decisions = rows;
    b->decisions[b->n_decisions++] = *row;
    return OK;
}

enum status
add_action(struct batch *b, const struct action_row *row, struct error *err)
{
    struct action_row *rows =
        grown(b, b->actions, b->n_actions, &b->cap_actions, sizeof(*rows));
    if (!rows)
        return fail(err, E_NOMEM, "actions");
    b->actions = rows;
    b->actions[b->n_actions++] = *row;
    return OK;
}

enum status
add_stage(struct batch *b, const struct stage_move *move, struct error *err)
{
    struct stage_move *moves =
        grown(b, b->stages, b->n_stages, &b->cap_stages, sizeof(*moves));
    if (!moves)
        return fail(err, E_NOMEM, "stages");
    b->stages = moves;
    b->stages[b->n_stages++] = *move;
    /* The value is only read; the map has no const form. */
    return map_put(b->stage_of, move->subject_key,
                   arena_strdup(b->a, move->stage), err);
}
