#include <string.h>

#include "core/feature.h"

enum { WATCHES_MAX = 256 };

struct watching {
    struct watch items[WATCHES_MAX];
    size_t n;
};

static void
add(struct watching *w, struct watch one)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct watch *x = &w->items[i];
        bool same_column = x->column && one.column
                               ? strcmp(x->column, one.column) == 0
                               : x->column == one.column;
        if (x->op == one.op && strcmp(x->table, one.table) == 0 && same_column)
            return;
    }
    if (w->n < WATCHES_MAX)
        w->items[w->n++] = one;
}

static void
add_predicates(struct watching *w, const struct feature *f,
               const struct predicates *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct predicate *p = &list->items[i];
        if (p->kind == PREDICATE_ANY) {
            add_predicates(w, f, &p->sub);
        } else if (p->kind == PREDICATE_COUNT) {
            /* A new row of the counted table, found by its link column. */
            if (path_is_local(&p->path) && strcmp(p->to, "subject") == 0)
                add(w, (struct watch){.table = p->table,
                                      .op = ROW_INSERT,
                                      .column = p->path.hops[0].column});
        } else if (path_is_local(&p->path)) {
            add(w, (struct watch){.table = f->table, .op = ROW_UPDATE});
        }
    }
}

static bool
waits(const struct feature *f)
{
    for (size_t i = 0; i < f->n_states; i++)
        for (size_t t = 0; t < f->states[i].n_transitions; t++)
            if (f->states[i].transitions[t].on_match ||
                f->states[i].transitions[t].after_us > 0)
                return true;
    return false;
}

enum status
feature_watches(struct arena *a, const struct feature *f, struct watch **out,
                size_t *n, struct error *err)
{
    struct watching w = {.n = 0};

    add_predicates(&w, f, &f->exit);
    add_predicates(&w, f, &f->goal);
    for (size_t i = 0; i < f->n_states; i++)
        for (size_t t = 0; t < f->states[i].n_transitions; t++)
            if (f->states[i].transitions[t].on_match)
                add_predicates(&w, f, &f->states[i].transitions[t].guard);
    /* The subject's row may go during a wait. A subject in another table is
     * not watched for that: we may not be allowed a trigger there, and what
     * leads to it is read again before anything is sent. */
    if (f->trigger == TRIGGER_ROW && waits(f) &&
        strcmp(f->table, f->subject_table) == 0)
        add(&w, (struct watch){.table = f->table, .op = ROW_DELETE});
    *out = arena_array(a, w.n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "watches");
    memcpy(*out, w.items, w.n * sizeof(**out));
    *n = w.n;
    return OK;
}
