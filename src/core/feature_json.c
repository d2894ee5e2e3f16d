#include <stdio.h>
#include <string.h>

#include "codec/time.h"
#include "core/feature.h"

static struct json *
put_text(struct arena *a, struct json *o, const char *key, const char *text)
{
    return text ? json_put(a, o, key, json_string(a, text)) : o;
}

static struct json *
put_duration(struct arena *a, struct json *o, const char *key, int64_t us)
{
    char text[ISO_BYTES];

    return json_put(a, o, key, json_string(a, duration_write(us, text)));
}

static struct json *
match_json(struct arena *a, const struct match *m)
{
    if (m->op == OP_EQ)
        return json_clone(a, m->value);
    if (m->op == OP_IS_NULL)
        return json_null(a);
    struct json *o = json_object(a);
    o = put_text(a, o, "op", op_name(m->op));
    return m->value ? json_put(a, o, "value", json_clone(a, m->value)) : o;
}

static struct json *
trigger_json(struct arena *a, const struct feature *f)
{
    struct json *o = json_object(a);
    bool row = f->trigger == TRIGGER_ROW;

    o = put_text(a, o, "type", row ? "row" : "schedule");
    o = put_text(a, o, "table", f->table);
    if (!row) {
        o = put_text(a, o, "cron", f->cron);
        return put_text(a, o, "tz", f->cron_tz);
    }
    o = put_text(a, o, "op", row_op_name(f->op));
    o = put_text(a, o, "column", f->column);
    if (f->from.set)
        o = json_put(a, o, "from", match_json(a, &f->from));
    if (f->to.set)
        o = json_put(a, o, "to", match_json(a, &f->to));
    return o;
}

/* The subject's email over tables: a step along a key, or back along one. */
static struct json *
join_json(struct arena *a, const struct path_join *join, bool back)
{
    struct json *j = json_object(a), *where = json_object(a);

    j = put_text(a, j, "column", back ? join->to_column : join->from_column);
    j = put_text(a, j, "table", join->to->full);
    if (!back)
        return put_text(a, j, "key", join->to_column);
    j = json_put(a, j, "reverse", json_boolean(a, true));
    if (!join->filter_column)
        return j;
    where = put_text(a, where, join->filter_column, join->filter_value);
    return json_put(a, j, "where", where);
}

static struct json *
joins_json(struct arena *a, const struct feature *f, const struct catalog *c)
{
    const struct table *t = catalog_table(c, f->table);
    struct json *list = json_array(a);
    struct path_resolved r;

    if (!t || path_resolve(c, t, &f->subject_email, &r, NULL) != OK)
        return list;
    for (size_t i = 0; i < r.n_joins; i++)
        list = json_push(
            a, list,
            join_json(a, &r.joins[i], f->subject_email.hops[i].via != NULL));
    return list;
}

static struct json *
subject_json(struct arena *a, const struct feature *f, const struct catalog *c)
{
    struct json *o = json_object(a);

    o = put_text(a, o, "table", f->subject_table);
    o = put_text(a, o, "id", f->subject_id.text);
    if (!f->subject_email.n)
        return o;
    o = put_text(a, o, "email", f->subject_email.text);
    if (!c)
        return o;
    struct json *joins = joins_json(a, f, c);
    return joins && joins->n ? json_put(a, o, "join", joins) : o;
}

static struct json *predicates_json(struct arena *a,
                                    const struct predicates *list);

static struct json *
predicate_json(struct arena *a, const struct predicate *p)
{
    struct json *o = json_object(a);

    switch (p->kind) {
    case PREDICATE_ANY:
        return json_put(a, o, "any", predicates_json(a, &p->sub));
    case PREDICATE_COLUMN:
        o = put_text(a, o, "path", p->path.text);
        o = put_text(a, o, "op", op_name(p->op));
        return p->value ? json_put(a, o, "value", json_clone(a, p->value)) : o;
    case PREDICATE_COUNT:
        o = put_text(a, o, "table", p->table);
        o = put_text(a, o, "link", p->path.text);
        o = put_text(a, o, "to", p->to);
        o = put_text(a, o, "op", op_name(p->op));
        o = json_put(a, o, "value", json_integer(a, p->count));
        if (p->within_entry)
            o = put_text(a, o, "within", "entry");
        else if (p->within_us)
            o = put_duration(a, o, "within", p->within_us);
        if (p->sub.n)
            o = json_put(a, o, "where", predicates_json(a, &p->sub));
        return o;
    }
    return NULL;
}

static struct json *
predicates_json(struct arena *a, const struct predicates *list)
{
    struct json *out = json_array(a);

    for (size_t i = 0; i < list->n; i++)
        out = json_push(a, out, predicate_json(a, &list->items[i]));
    return out;
}

struct json *
effect_to_json(struct arena *a, const struct effect *e)
{
    struct json *o = json_object(a);

    o = put_text(a, o, "type", effect_kind_name(e->kind));
    if (e->to.n)
        o = put_text(a, o, "to", e->to.text);
    o = put_text(a, o, "template", e->template);
    o = put_text(a, o, "subject", e->subject);
    o = put_text(a, o, "url", e->url);
    o = put_text(a, o, "connection", e->connection);
    o = put_text(a, o, "event", e->event);
    if (e->kind == EFFECT_SET_STAGE)
        o = put_text(a, o, "stage", stage_name(e->stage));
    return o;
}

static struct json *
effects_put(struct arena *a, struct json *o, const struct transition *t)
{
    struct json *effects = json_array(a);

    for (size_t i = 0; i < t->n_effects; i++)
        effects = json_push(a, effects, effect_to_json(a, &t->effects[i]));
    return t->n_effects ? json_put(a, o, "effects", effects) : o;
}

/* The branches that stand together, as one member. */
static struct json *
split_put(struct arena *a, struct json *o, const struct transition *t, size_t n)
{
    struct json *list = json_array(a);

    for (size_t i = 0; i < n && t[i].branch && (i == 0 || !t[i].branch->first);
         i++) {
        const struct branch *b = t[i].branch;
        struct json *one = put_text(a, json_object(a), "name", b->name);
        one = json_put(a, one, "weight",
                       json_integer(a, (int64_t)(b->to - b->from)));
        one = effects_put(a, one, &t[i]);
        list = json_push(a, list, put_text(a, one, "target", t[i].target));
    }
    if (t->branch->salt_given)
        o = put_text(a, o, "salt", t->branch->salt);
    return json_put(a, o, "split", list);
}

/* `n` are left from here on. */
static struct json *
transition_json(struct arena *a, const struct transition *t, size_t n)
{
    struct json *o = json_object(a);

    if (t->on_match)
        o = put_text(a, o, "on", "match");
    else
        o = put_duration(a, o, "after", t->after_us);
    if (t->guard.n)
        o = json_put(a, o, "guard", predicates_json(a, &t->guard));
    if (t->branch)
        return split_put(a, o, t, n);
    return put_text(a, effects_put(a, o, t), "target", t->target);
}

static struct json *
state_json(struct arena *a, const struct state *s)
{
    struct json *o = json_object(a), *list = json_array(a);

    if (s->final)
        return json_put(a, o, "final", json_boolean(a, true));
    for (size_t i = 0; i < s->n_transitions; i++)
        if (!s->transitions[i].branch || s->transitions[i].branch->first)
            list = json_push(
                a, list,
                transition_json(a, &s->transitions[i], s->n_transitions - i));
    return json_put(a, o, "transitions", list);
}

static struct json *
timing_json(struct arena *a, const struct timing *t)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu",
                                        "fri", "sat", "sun"};
    struct json *o = json_object(a);
    char text[16];

    if (t->cooldown_us)
        o = put_duration(a, o, "cooldown", t->cooldown_us);
    if (t->cap_count) {
        struct json *cap = json_object(a);
        cap = json_put(a, cap, "count", json_integer(a, t->cap_count));
        o = json_put(a, o, "cap", put_duration(a, cap, "per", t->cap_per_us));
    }
    if (t->quiet) {
        struct json *q = json_object(a);
        (void)snprintf(text, sizeof(text), "%02d:%02d", t->quiet_from_min / 60,
                       t->quiet_from_min % 60);
        q = put_text(a, q, "from", text);
        (void)snprintf(text, sizeof(text), "%02d:%02d", t->quiet_to_min / 60,
                       t->quiet_to_min % 60);
        q = put_text(a, q, "to", text);
        o = json_put(a, o, "quiet_hours", put_text(a, q, "tz", t->tz));
    }
    if (t->days) {
        struct json *days = json_array(a);
        for (unsigned i = 0; i < 7; i++)
            if (t->days >> (i + 1) % 7 & 1)
                days = json_push(a, days, json_string(a, names[i]));
        o = json_put(a, o, "days", days);
    }
    return o;
}

static struct json *
machine_json(struct arena *a, const struct feature *f)
{
    struct json *o = json_object(a), *states = json_object(a);

    for (size_t i = 0; i < f->n_states; i++)
        states = json_put(a, states, f->states[i].name,
                          state_json(a, &f->states[i]));
    o = put_text(a, o, "initial", f->initial);
    return json_put(a, o, "states", states);
}

/* Bytes without the zeros at the end. */
static size_t
trimmed(const char *digits)
{
    size_t n = strlen(digits);

    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static struct json *
semantic_json(struct arena *a, const struct semantic *m)
{
    struct json *o = put_text(a, json_object(a), "intent", m->intent);
    struct json *fields = json_array(a);
    char least[16];

    (void)snprintf(least, sizeof(least), "0.%03d", m->least);
    least[2 + trimmed(&least[2])] = '\0';
    o = json_put(a, o, "min_confidence", json_decimal(a, least));
    for (size_t i = 0; i < m->n_fields; i++)
        fields = json_push(a, fields, json_string(a, m->fields[i]));
    return m->n_fields ? json_put(a, o, "fields", fields) : o;
}

struct json *
feature_to_json(struct arena *a, const struct feature *f,
                const struct catalog *c)
{
    struct json *o = json_object(a), *entry = json_object(a);

    o = json_put(a, o, "version", json_integer(a, 1));
    o = put_text(a, o, "key", f->key);
    o = put_text(a, o, "name", f->name);
    o = put_text(a, o, "description", f->description);
    o = put_text(a, o, "stage", stage_name(f->stage));
    o = json_put(a, o, "trigger", trigger_json(a, f));
    o = json_put(a, o, "subject", subject_json(a, f, c));
    entry = put_text(a, entry, "mode", entry_mode_name(f->mode));
    entry =
        json_put(a, entry, "conditions", predicates_json(a, &f->conditions));
    if (f->backfill)
        entry = put_text(a, entry, "backfill", "existing");
    o = json_put(a, o, "entry", entry);
    if (f->holdout) {
        char share[16];
        (void)snprintf(share, sizeof(share), "0.%04d", f->holdout);
        share[2 + trimmed(&share[2])] = '\0';
        o = json_put(a, o, "holdout", json_decimal(a, share));
    }
    if (f->match.intent)
        o = json_put(a, o, "match", semantic_json(a, &f->match));
    if (f->goal.n) {
        struct json *goal = json_object(a);
        goal = json_put(a, goal, "when", predicates_json(a, &f->goal));
        o = json_put(a, o, "goal",
                     put_duration(a, goal, "within", f->goal_within_us));
    }
    if (f->on_pause == PAUSE_EXIT)
        o = put_text(a, o, "on_pause", "exit");
    else if (f->on_pause == PAUSE_SKIP)
        o = json_put(
            a, o, "on_pause",
            put_duration(a, json_object(a), "skip_if_older_than", f->skip_us));
    o = json_put(a, o, "timing", timing_json(a, &f->timing));
    o = json_put(a, o, "exit", predicates_json(a, &f->exit));
    return json_put(a, o, "machine", machine_json(a, f));
}
