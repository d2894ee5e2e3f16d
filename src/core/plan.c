#include <string.h>

#include "core/capture.h"

static const char *const action_names[PLAN_ACTION_COUNT] = {
    [PLAN_KEEP] = "keep",
    [PLAN_CREATE] = "create",
    [PLAN_REPLACE] = "replace",
    [PLAN_REMOVE] = "remove",
};

const char *
plan_action_name(enum plan_action a)
{
    return action_names[a];
}

enum { LARGE_TABLE_ROWS = 1000000, WARNING_MAX_BYTES = 16 * 1024 };

static bool
same_object(const struct object *x, const struct object *y)
{
    return strcmp(x->kind, y->kind) == 0 && strcmp(x->name, y->name) == 0 &&
           strcmp(x->on ? x->on : "", y->on ? y->on : "") == 0;
}

static const struct object *
find(const struct object *list, size_t n, const struct object *what)
{
    for (size_t i = 0; i < n; i++)
        if (same_object(&list[i], what))
            return &list[i];
    return NULL;
}

static const char *
lock_of(struct arena *a, enum plan_action action, const struct object *o)
{
    bool trigger = strcmp(o->kind, "trigger") == 0;

    if (action == PLAN_KEEP || !trigger)
        return "none";
    return arena_printf(a, "SHARE ROW EXCLUSIVE on %s", o->on);
}

static void
next(struct buf *b)
{
    if (b->len)
        buf_puts(b, "; ");
}

/* Triggers of one event fire in the order of their names. */
static void
order_warning(struct buf *b, const struct object *o)
{
    const char *const *others = o->use->triggers;
    size_t before = 0, after = 0;

    for (size_t i = 0; others && others[i]; i++)
        *(strcmp(others[i], o->name) < 0 ? &before : &after) += 1;
    if (!before && !after)
        return;
    next(b);
    buf_printf(b,
               "the table has other triggers: %zu fire before ours, %zu "
               "after it (by name)",
               before, after);
}

static void
use_warnings(struct buf *b, const struct object *o)
{
    const struct table_use *u = o->use;

    if (u->holders) {
        next(b);
        buf_printf(b, "has to wait for %s", u->holders);
    }
    if (u->waiting > 0) {
        next(b);
        buf_printf(b, "%lld sessions wait for the table already",
                   (long long)u->waiting);
    }
    if (u->subscribed) {
        next(b);
        buf_puts(b, "a subscription writes into the table: rows that "
                    "replication brings fire no trigger and are not captured");
    }
    if (u->everywhere) {
        next(b);
        buf_printf(b,
                   "publication of all tables (%s) would replicate "
                   "skene_growth too",
                   u->everywhere);
    }
    order_warning(b, o);
}

static const char *
warning_of(struct arena *a, enum plan_action action, const struct object *o)
{
    AUTO_BUF b = buf_new(WARNING_MAX_BYTES);

    if ((action != PLAN_CREATE && action != PLAN_REPLACE) ||
        strcmp(o->kind, "trigger") != 0)
        return NULL;
    if (action == PLAN_CREATE && o->rows > LARGE_TABLE_ROWS)
        buf_printf(&b,
                   "about %lld rows: the lock is short, but waits "
                   "behind long transactions (at most 2 s a try)",
                   (long long)o->rows);
    if (o->use)
        use_warnings(&b, o);
    return b.len ? arena_strndup(a, b.data, b.len) : NULL;
}

enum status
plan_diff(struct arena *a, const struct object *wanted, size_t n_wanted,
          const struct object *found, size_t n_found, struct plan **out,
          struct error *err)
{
    struct plan *p = arena_alloc(a, sizeof(*p));

    if (!p ||
        !(p->steps = arena_array(a, n_wanted + n_found + 1, sizeof(*p->steps))))
        return fail(err, E_NOMEM, "plan");
    for (size_t i = 0; i < n_wanted; i++) {
        const struct object *have = find(found, n_found, &wanted[i]);
        enum plan_action action = !have ? PLAN_CREATE
                                  : strcmp(have->digest, wanted[i].digest) == 0
                                      ? PLAN_KEEP
                                      : PLAN_REPLACE;
        p->steps[p->n++] = (struct plan_step){
            .action = action,
            .wanted = &wanted[i],
            .found = have,
            .sql = action == PLAN_KEEP ? NULL : wanted[i].sql,
            .lock = lock_of(a, action, &wanted[i]),
            .warning = warning_of(a, action, &wanted[i])};
        p->n_changes += action != PLAN_KEEP;
    }
    for (size_t i = 0; i < n_found; i++) {
        if (find(wanted, n_wanted, &found[i]))
            continue;
        p->steps[p->n++] =
            (struct plan_step){.action = PLAN_REMOVE,
                               .found = &found[i],
                               .sql = found[i].drop,
                               .lock = lock_of(a, PLAN_REMOVE, &found[i])};
        p->n_changes++;
    }
    *out = p;
    return OK;
}

static struct json *
step_json(struct arena *a, const struct plan_step *s)
{
    const struct object *o = s->wanted ? s->wanted : s->found;
    struct json *j = json_object(a), *features = json_array(a);

    for (size_t i = 0; i < o->n_features; i++)
        features = json_push(a, features, json_string(a, o->features[i]));
    j = json_put(a, j, "action", json_string(a, plan_action_name(s->action)));
    j = json_put(a, j, "kind", json_string(a, o->kind));
    j = json_put(a, j, "name", json_string(a, o->name));
    j = json_put(a, j, "on", json_string(a, o->on && *o->on ? o->on : NULL));
    j = json_put(a, j, "features", features);
    j = json_put(a, j, "lock", json_string(a, s->lock));
    j = json_put(a, j, "warning", json_string(a, s->warning));
    return json_put(a, j, "sql", json_string(a, s->sql));
}

struct json *
plan_to_json(struct arena *a, const struct plan *p)
{
    struct json *o = json_object(a), *steps = json_array(a);

    for (size_t i = 0; i < p->n; i++)
        steps = json_push(a, steps, step_json(a, &p->steps[i]));
    o = json_put(a, o, "changes", json_integer(a, (int64_t)p->n_changes));
    return json_put(a, o, "steps", steps);
}

static void
step_text(struct buf *out, const struct plan_step *s, bool with_sql)
{
    const struct object *o = s->wanted ? s->wanted : s->found;

    if (s->action != PLAN_KEEP && strcmp(s->lock, "none") != 0)
        buf_printf(out, "    lock: %s\n", s->lock);
    for (size_t k = 0; k < o->n_features; k++)
        buf_printf(out, "%s%s%s", k ? ", " : "    used by: ", o->features[k],
                   k + 1 == o->n_features ? "\n" : "");
    if (s->warning)
        buf_printf(out, "    warning: %s\n", s->warning);
    if (with_sql && s->sql)
        buf_printf(out, "%s\n", s->sql);
}

void
plan_text(struct buf *out, const struct plan *p, bool color, bool with_sql)
{
    static const struct {
        const char *glyph, *on;
    } looks[PLAN_ACTION_COUNT] = {
        [PLAN_KEEP] = {" ", "\033[2m"},
        [PLAN_CREATE] = {"+", "\033[32m"},
        [PLAN_REPLACE] = {"~", "\033[33m"},
        [PLAN_REMOVE] = {"-", "\033[31m"},
    };

    for (size_t i = 0; i < p->n; i++) {
        const struct plan_step *s = &p->steps[i];
        const struct object *o = s->wanted ? s->wanted : s->found;
        buf_printf(out, "%s%s %-7s %s %s", color ? looks[s->action].on : "",
                   looks[s->action].glyph, plan_action_name(s->action), o->kind,
                   o->name);
        if (o->on && *o->on)
            buf_printf(out, " on %s", o->on);
        buf_printf(out, "%s\n", color ? "\033[0m" : "");
        step_text(out, s, with_sql);
    }
    buf_printf(out, p->n_changes == 1 ? "%zu change\n" : "%zu changes\n",
               p->n_changes);
}
