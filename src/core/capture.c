#include "core/capture.h"

#include <stdlib.h>
#include <string.h>

/* Over so many alternatives a test of each row costs more than it spares. */
enum { CAPTURES_MAX = 2000, WHEN_MAX = 64, WHEN_MAX_BYTES = 128 * 1024 };

struct names {
    const char **items;
    size_t n, cap;
};

struct wanting {
    struct capture capture;
    const struct table *table;
    struct names columns, changed, features;
    bool any_change; /* some feature wants every update */
    bool every_row;  /* some feature wants rows that no condition tells of */
    struct push *when;
    size_t n_when, when_bytes;
};

struct gather {
    struct arena *a;
    const struct catalog *c;
    struct wanting *items;
    size_t n, cap;
    struct error *err;
};

static bool
names_add(struct arena *a, struct names *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        const char **items = arena_array(a, cap, sizeof(*items));
        if (!items)
            return false;
        if (list->n)
            memcpy(items, list->items, list->n * sizeof(*items));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = name;
    return true;
}

static int
by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void
names_sort(struct names *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof(*list->items), by_text);
}

static enum status
supported(const struct table *t, struct error *err)
{
    switch (t->kind) {
    case 'r':
    case 'p':
    case 'f':
        return OK;
    case 'v':
    case 'm':
        (void)error_hint(err, "use the table the view reads from");
        return fail(err, E_UNSUPPORTED,
                    "%s is a view: its rows do not change by themselves",
                    t->full);
    default:
        return fail(err, E_UNSUPPORTED, "%s cannot have triggers", t->full);
    }
}

static enum status
wanting_of(struct gather *g, const char *table, enum row_op op,
           struct wanting **out)
{
    for (size_t i = 0; i < g->n; i++) {
        *out = &g->items[i];
        if ((*out)->capture.op == op &&
            strcmp((*out)->capture.table, table) == 0)
            return OK;
    }
    const struct table *t = catalog_table(g->c, table);
    if (!t) {
        const char *near = catalog_nearest_table(g->c, table);
        if (near)
            (void)error_hint(g->err, "did you mean %s?", near);
        return fail(g->err, E_INVALID, "no table %s", table);
    }
    enum status rc = supported(t, g->err);
    if (rc != OK)
        return rc;
    if (g->n == CAPTURES_MAX)
        return fail(g->err, E_TOOBIG, "over %d triggers", CAPTURES_MAX);
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 16;
        struct wanting *items = arena_array(g->a, cap, sizeof(*items));
        if (!items)
            return fail(g->err, E_NOMEM, "triggers");
        if (g->n)
            memcpy(items, g->items, g->n * sizeof(*items));
        g->items = items;
        g->cap = cap;
    }
    *out = &g->items[g->n++];
    **out = (struct wanting){
        .table = t,
        .capture = {.table = t->full,
                    .op = op,
                    .key = t->key,
                    .n_key = t->n_key,
                    .row_level = op == ROW_UPDATE || t->kind != 'r'}};
    return OK;
}

/* A column of the table itself, unless it is one that never leaves. */
static bool
add_column(struct gather *g, struct wanting *w, const char *name)
{
    if (!table_column(w->table, name) || column_is_secret(name))
        return true;
    return names_add(g->a, &w->columns, name);
}

static bool
add_path(struct gather *g, struct wanting *w, const struct path *p)
{
    return p->n == 0 || p->hops[0].via || add_column(g, w, p->hops[0].column);
}

/* The row's own column that a path given as text begins with. */
static bool
add_first(struct gather *g, struct wanting *w, const char *text)
{
    struct path path;

    return path_parse(g->a, text, &path, NULL) != OK || add_path(g, w, &path);
}

static bool
add_predicates(struct gather *g, struct wanting *w,
               const struct predicates *list)
{
    bool ok = true;

    for (size_t i = 0; ok && i < list->n; i++) {
        const struct predicate *p = &list->items[i];
        if (p->kind == PREDICATE_COLUMN) {
            ok = add_path(g, w, &p->path);
        } else if (p->kind == PREDICATE_ANY) {
            ok = add_predicates(g, w, &p->sub);
        } else {
            /* `to` and {"path": …} name columns of the trigger row. */
            bool column =
                strcmp(p->to, "subject") != 0 && strcmp(p->to, "row") != 0;
            ok = !column || add_first(g, w, p->to);
            for (size_t k = 0; ok && k < p->sub.n; k++) {
                const char *path =
                    json_get_str(p->sub.items[k].value, "path", NULL);
                ok = !path || add_first(g, w, path);
            }
        }
    }
    return ok;
}

/* What a matcher reads: the columns it names, else all of text. */
static bool
add_texts(struct gather *g, struct wanting *w, const struct semantic *m)
{
    bool ok = true;

    if (!m->intent)
        return true;
    for (size_t i = 0; ok && i < m->n_fields; i++)
        ok = add_column(g, w, m->fields[i]);
    for (size_t i = 0; ok && m->n_fields == 0 && i < w->table->n_columns; i++)
        if (w->table->columns[i].type == COLUMN_TEXT)
            ok = add_column(g, w, w->table->columns[i].name);
    return ok;
}

static bool
add_row_columns(struct gather *g, struct wanting *w, const struct feature *f)
{
    bool ok = add_path(g, w, &f->subject_id) &&
              add_path(g, w, &f->subject_email) &&
              add_predicates(g, w, &f->conditions) &&
              add_predicates(g, w, &f->exit) && add_predicates(g, w, &f->goal);

    if (ok && f->column)
        ok = add_column(g, w, f->column);
    ok = ok && add_texts(g, w, &f->match);
    for (size_t i = 0; ok && i < f->n_states; i++) {
        for (size_t t = 0; ok && t < f->states[i].n_transitions; t++) {
            const struct transition *x = &f->states[i].transitions[t];
            ok = add_predicates(g, w, &x->guard);
            for (size_t e = 0; ok && e < x->n_effects; e++)
                ok = add_path(g, w, &x->effects[e].to);
        }
    }
    for (size_t i = 0; ok && i < w->table->n_key; i++)
        ok = add_column(g, w, w->table->key[i]);
    /* For messages: short texts that name the thing. */
    static const char *const usual[] = {"name", "title", "full_name",
                                        "display_name", "timezone"};
    for (size_t i = 0; ok && i < sizeof(usual) / sizeof(usual[0]); i++)
        ok = add_column(g, w, usual[i]);
    return ok;
}

/* One alternative more. */
static enum status
add_when(struct gather *g, struct wanting *w, const struct feature *f)
{
    struct push one;

    if (w->every_row)
        return OK;
    enum status rc = push_of(g->a, w->table, f, &one, g->err);
    if (rc != OK)
        return rc;
    w->when_bytes += push_bytes(&one);
    if (one.n == 0 || w->n_when == WHEN_MAX || w->when_bytes > WHEN_MAX_BYTES) {
        w->every_row = true;
        return OK;
    }
    if (!w->when && !(w->when = arena_array(g->a, WHEN_MAX, sizeof(*w->when))))
        return fail(g->err, E_NOMEM, "conditions");
    w->when[w->n_when++] = one;
    return OK;
}

static enum status
add_trigger(struct gather *g, const struct feature *f)
{
    struct wanting *w = NULL;
    enum status rc = wanting_of(g, f->table, f->op, &w);

    if (rc != OK || !w)
        return rc;
    bool ok = add_row_columns(g, w, f) && names_add(g->a, &w->features, f->key);
    if (ok && f->op == ROW_UPDATE) {
        if (f->column)
            ok = names_add(g->a, &w->changed, f->column);
        else
            w->any_change = true;
    }
    return ok ? add_when(g, w, f) : fail(g->err, E_NOMEM, "triggers");
}

static enum status
add_watches(struct gather *g, const struct feature *f)
{
    struct watch *watches = NULL;
    size_t n = 0;
    enum status rc = feature_watches(g->a, f, &watches, &n, g->err);

    for (size_t i = 0; rc == OK && i < n; i++) {
        struct wanting *w = NULL;
        bool ok = true;
        rc = wanting_of(g, watches[i].table, watches[i].op, &w);
        if (rc != OK || !w)
            break;
        if (watches[i].column)
            ok = add_column(g, w, watches[i].column);
        else
            ok = add_row_columns(g, w, f);
        if (watches[i].op == ROW_UPDATE)
            w->any_change = true;
        w->every_row = true;
        for (size_t k = 0; ok && k < w->table->n_key; k++)
            ok = add_column(g, w, w->table->key[k]);
        if (!ok || !names_add(g->a, &w->features, f->key))
            rc = fail(g->err, E_NOMEM, "triggers");
    }
    return rc;
}

static int
by_table(const void *x, const void *y)
{
    const struct capture *a = x, *b = y;
    int c = strcmp(a->table, b->table);

    return c ? c : (int)a->op - (int)b->op;
}

enum status
capture_wanted(struct arena *a, const struct catalog *c,
               const struct feature *const *features, size_t n,
               struct capture **out, size_t *out_n, struct error *err)
{
    struct gather g = {.a = a, .c = c, .err = err};
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        if (features[i]->trigger == TRIGGER_ROW)
            rc = add_trigger(&g, features[i]);
        if (rc == OK)
            rc = add_watches(&g, features[i]);
        if (rc != OK)
            return error_wrap(err, "feature %s", features[i]->key);
    }
    *out = arena_array(a, g.n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "triggers");
    for (size_t i = 0; i < g.n; i++) {
        struct wanting *w = &g.items[i];
        names_sort(&w->columns);
        names_sort(&w->changed);
        names_sort(&w->features);
        (*out)[i] = w->capture;
        (*out)[i].columns = w->columns.items;
        (*out)[i].n_columns = w->columns.n;
        (*out)[i].changed = w->any_change ? NULL : w->changed.items;
        (*out)[i].n_changed = w->any_change ? 0 : w->changed.n;
        (*out)[i].when = w->every_row ? NULL : w->when;
        (*out)[i].n_when = w->every_row ? 0 : w->n_when;
        (*out)[i].features = w->features.items;
        (*out)[i].n_features = w->features.n;
    }
    if (g.n > 1)
        qsort(*out, g.n, sizeof(**out), by_table);
    *out_n = g.n;
    return OK;
}

enum status
scan_columns(struct arena *a, const struct catalog *c, const struct feature *f,
             const char ***out, size_t *n, struct error *err)
{
    struct gather g = {.a = a, .c = c, .err = err};
    struct wanting *w = NULL;
    enum status rc = wanting_of(&g, f->table, ROW_INSERT, &w);

    if (rc != OK || !w)
        return rc;
    if (!add_row_columns(&g, w, f))
        return fail(err, E_NOMEM, "columns");
    names_sort(&w->columns);
    *out = w->columns.items;
    *n = w->columns.n;
    return OK;
}
