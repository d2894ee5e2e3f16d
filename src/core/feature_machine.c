#include <assert.h>
#include <string.h>

#include "core/feature_read.h"

enum { TRANSITIONS_MAX = 50, EFFECTS_MAX = 20 };

static enum status
read_webhook(struct reader *r, const struct place *at, const struct json *j,
             struct effect *out)
{
    enum status rc = get_text(r, at, j, "url", false, &out->url);

    if (rc == OK)
        rc = get_text(r, at, j, "connection", false, &out->connection);
    if (rc != OK)
        return rc;
    if ((out->url != NULL) == (out->connection != NULL))
        return bad_at(r, at, NULL, "a webhook has a url or a connection");
    if (out->url && strncmp(out->url, "https://", 8) != 0 &&
        strncmp(out->url, "http://", 7) != 0)
        return bad_at(r, at, "url", "must begin with https:// or http://");
    return OK;
}

static enum status
read_email(struct reader *r, const struct place *at, const struct json *j,
           struct effect *out)
{
    enum status rc = get_path(r, at, j, "to", false, &out->to);

    if (rc == OK)
        rc = get_text(r, at, j, "template", false, &out->template);
    if (rc == OK)
        rc = get_text(r, at, j, "subject", false, &out->subject);
    if (rc == OK && out->subject && strpbrk(out->subject, "\r\n"))
        rc = bad_at(r, at, "subject", "must be one line");
    return rc;
}

static enum status
read_track(struct reader *r, const struct place *at, const struct json *j,
           struct effect *out)
{
    return get_text(r, at, j, "event", false, &out->event);
}

static enum status
read_stage(struct reader *r, const struct place *at, const struct json *j,
           struct effect *out)
{
    const char *text = NULL;
    enum status rc = get_text(r, at, j, "stage", true, &text);

    if (rc == OK && !stage_parse(text, &out->stage))
        rc = bad_at(r, at, "stage", "unknown stage '%.40s'", text);
    return rc;
}

static const struct effect_row {
    enum status (*read)(struct reader *r, const struct place *at,
                        const struct json *j, struct effect *out);
    const char *allowed[6];
} effect_rows[] = {
    [EFFECT_EMAIL] = {read_email, {"type", "to", "template", "subject"}},
    [EFFECT_WEBHOOK] = {read_webhook, {"type", "url", "connection"}},
    [EFFECT_TRACK] = {read_track, {"type", "event"}},
    [EFFECT_SET_STAGE] = {read_stage, {"type", "stage"}},
};
static_assert(sizeof(effect_rows) / sizeof(effect_rows[0]) == EFFECT_KIND_COUNT,
              "every kind of effect has a row");

static enum status
read_effects(struct reader *r, const struct place *up, const struct json *j,
             struct transition *out)
{
    const struct json *list = json_get(j, "effects");
    const struct place at = {.up = up, .name = "effects"};

    if (!list)
        return OK;
    if (!json_is(list, JSON_ARRAY) || list->n > EFFECTS_MAX)
        return bad_at(r, &at, NULL, "must be a list of at most %d",
                      EFFECTS_MAX);
    out->effects = arena_array(r->a, list->n + 1, sizeof(*out->effects));
    if (!out->effects)
        return fail(r->err, E_NOMEM, "effects");
    for (size_t i = 0; i < list->n; i++) {
        const struct place item = {.up = &at, .index = i};
        struct effect *e = &out->effects[i];
        const char *type = NULL;
        enum status rc =
            json_is(list->items[i], JSON_OBJECT)
                ? get_text(r, &item, list->items[i], "type", true, &type)
                : bad_at(r, &item, NULL, "must be an object");
        if (rc == OK && !effect_kind_parse(type, &e->kind))
            rc = bad_at(r, &item, "type", "unknown effect '%.40s'", type);
        if (rc == OK)
            rc = only(r, &item, list->items[i], effect_rows[e->kind].allowed);
        if (rc == OK)
            rc = effect_rows[e->kind].read(r, &item, list->items[i], e);
        if (rc != OK)
            return rc;
        out->n_effects++;
    }
    return OK;
}

/* Branches of a split become transitions that differ in target, effects and
 * whom they take. */
static enum status
read_branch(struct reader *r, const struct place *at, const struct json *j,
            const struct transition *whole, struct branch *branch,
            struct transition *out)
{
    static const char *const allowed[] = {"name", "weight", "effects", "target",
                                          NULL};
    const struct json *weight = json_get(j, "weight");
    int64_t n = json_int(weight, 1);
    enum status rc = only(r, at, j, allowed);

    *out = *whole;
    out->branch = branch;
    if (rc == OK)
        rc = get_text(r, at, j, "name", true, &branch->name);
    if (rc == OK &&
        (n < 1 || n > WEIGHT_MAX || (weight && !json_is(weight, JSON_INT))))
        rc = bad_at(r, at, "weight", "must be a whole number from 1 to %d",
                    WEIGHT_MAX);
    branch->to = branch->from + (uint64_t)(n > 0 ? n : 1);
    if (rc == OK)
        rc = get_text(r, at, j, "target", true, &out->target);
    return rc == OK ? read_effects(r, at, j, out) : rc;
}

static bool
name_taken(const struct branch *branches, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(branches[k].name, branches[i].name) == 0)
            return true;
    return false;
}

static enum status
read_split(struct reader *r, const struct place *up, const struct json *j,
           const char *salt, const struct transition *whole,
           struct transition *out, size_t *n)
{
    const struct json *list = json_get(j, "split");
    const struct place at = {.up = up, .name = "split"};
    struct branch *branches;
    const char *given = NULL;
    enum status rc = get_text(r, up, j, "salt", false, &given);

    if (rc == OK && (json_get(j, "target") || json_get(j, "effects")))
        rc = bad_at(r, up, NULL, "its branches have target and effects");
    if (rc == OK &&
        (!json_is(list, JSON_ARRAY) || list->n < 2 || list->n > BRANCHES_MAX))
        rc = bad_at(r, &at, NULL, "must be a list of 2 to %d branches",
                    BRANCHES_MAX);
    if (rc != OK)
        return rc;
    if (!(branches = arena_array(r->a, list->n, sizeof(*branches))))
        return fail(r->err, E_NOMEM, "split");
    for (uint32_t i = 0; rc == OK && i < list->n; i++) {
        const struct place item = {.up = &at, .index = i};
        branches[i] = (struct branch){.salt = given ? given : salt,
                                      .salt_given = given != NULL,
                                      .first = i == 0,
                                      .from = i ? branches[i - 1].to : 0};
        rc =
            read_branch(r, &item, list->items[i], whole, &branches[i], &out[i]);
        if (rc == OK && name_taken(branches, i))
            rc = bad_at(r, &item, "name", "'%.40s' is there already",
                        branches[i].name);
    }
    for (uint32_t i = 0; i < list->n; i++)
        branches[i].total = branches[list->n - 1].to;
    *n = list->n;
    return rc;
}

/* Into one transition, or one for each branch. */
static enum status
read_transition(struct reader *r, const struct place *at, const struct json *j,
                const char *salt, struct transition *out, size_t *n)
{
    static const char *const allowed[] = {"after",   "on",     "guard", "salt",
                                          "effects", "target", "split", NULL};
    const char *on = NULL;
    enum status rc = only(r, at, j, allowed);

    *n = 1;

    if (rc == OK)
        rc = get_text(r, at, j, "on", false, &on);
    if (rc == OK && on && strcmp(on, "match") != 0)
        rc = bad_at(r, at, "on", "must be \"match\"");
    if (rc == OK && on && json_get(j, "after"))
        rc = bad_at(r, at, NULL, "has both on and after");
    if (rc == OK)
        rc = get_duration(r, at, j, "after", &out->after_us);
    out->on_match = on != NULL;
    const struct place guard = {.up = at, .name = "guard"};
    if (rc == OK)
        rc = read_predicates(r, &guard, json_get(j, "guard"), &out->guard);
    if (rc == OK && json_get(j, "split")) {
        const struct transition whole = *out;
        return read_split(r, at, j, salt, &whole, out, n);
    }
    if (rc == OK && json_get(j, "salt"))
        rc = bad_at(r, at, "salt", "belongs to a split");
    if (rc == OK)
        rc = get_text(r, at, j, "target", true, &out->target);
    return rc == OK ? read_effects(r, at, j, out) : rc;
}

/* How many transitions a list becomes, at most. */
static size_t
transitions_room(const struct json *list)
{
    size_t room = 0;

    for (uint32_t i = 0; i < list->n; i++) {
        const struct json *split = json_get(list->items[i], "split");
        bool whole = json_is(split, JSON_ARRAY) && split->n <= BRANCHES_MAX;
        room += whole && split->n ? split->n : 1;
    }
    return room;
}

static enum status
read_state(struct reader *r, const struct place *at, const struct json *j,
           const char *key, struct state *out)
{
    static const char *const allowed[] = {"final", "transitions", NULL};
    const struct json *list = json_get(j, "transitions");
    const struct json *final = json_get(j, "final");
    enum status rc = only(r, at, j, allowed);

    if (rc != OK)
        return rc;
    out->final = json_bool(final, false);
    if (final && (!out->final || list))
        return bad_at(r, at, "final", "is true alone, without transitions");
    if (out->final)
        return OK;
    if (!json_is(list, JSON_ARRAY) || list->n < 1 || list->n > TRANSITIONS_MAX)
        return bad_at(r, at, "transitions", "must be a list of 1 to %d",
                      TRANSITIONS_MAX);
    out->transitions =
        arena_array(r->a, transitions_room(list), sizeof(*out->transitions));
    if (!out->transitions)
        return fail(r->err, E_NOMEM, "transitions");
    const struct place up = {.up = at, .name = "transitions"};
    for (size_t i = 0; rc == OK && i < list->n; i++) {
        const struct place item = {.up = &up, .index = i};
        const char *salt = arena_printf(r->a, "%s.%s.%zu", key, out->name, i);
        size_t n = 0;
        rc = salt ? read_transition(r, &item, list->items[i], salt,
                                    &out->transitions[out->n_transitions], &n)
                  : fail(r->err, E_NOMEM, "transition");
        out->n_transitions += n;
    }
    return rc;
}

void
transition_at(const struct state *s, size_t i, size_t *transition,
              size_t *branch)
{
    *transition = *branch = 0;
    for (size_t k = 1; k <= i; k++) {
        const struct branch *b = s->transitions[k].branch;
        bool same = b && !b->first;
        *transition += !same;
        *branch = same ? *branch + 1 : 0;
    }
}

static enum status
check_targets(struct reader *r, const struct place *states,
              const struct feature *f)
{
    for (size_t i = 0; i < f->n_states; i++) {
        const struct place at = {.up = states, .name = f->states[i].name};
        const struct place list = {.up = &at, .name = "transitions"};
        for (size_t k = 0; k < f->states[i].n_transitions; k++) {
            const struct transition *t = &f->states[i].transitions[k];
            size_t nth, branch;
            transition_at(&f->states[i], k, &nth, &branch);
            const struct place item = {.up = &list, .index = nth};
            const struct place split = {.up = &item, .name = "split"};
            const struct place of_split = {.up = &split, .index = branch};
            if (!feature_state(f, t->target))
                return bad_at(r, t->branch ? &of_split : &item, "target",
                              "no state '%.80s'", t->target);
        }
    }
    return OK;
}

enum status
read_machine(struct reader *r, const struct place *at, const struct json *j,
             struct feature *f)
{
    static const char *const allowed[] = {"initial", "states", NULL};
    const struct json *states = json_get(j, "states");
    const struct place up = {.up = at, .name = "states"};
    enum status rc = only(r, at, j, allowed);

    if (rc == OK)
        rc = get_text(r, at, j, "initial", true, &f->initial);
    if (rc != OK)
        return rc;
    if (!json_is(states, JSON_OBJECT) || states->n < 1 ||
        states->n > STATES_MAX)
        return bad_at(r, &up, NULL, "must be an object of 1 to %d states",
                      STATES_MAX);
    f->states = arena_array(r->a, states->n, sizeof(*f->states));
    if (!f->states)
        return fail(r->err, E_NOMEM, "states");
    for (size_t i = 0; rc == OK && i < states->n; i++) {
        const struct place here = {.up = &up, .name = states->members[i].key};
        f->states[i].name = states->members[i].key;
        rc = read_state(r, &here, states->members[i].value, f->key,
                        &f->states[i]);
        f->n_states++;
    }
    if (rc != OK)
        return rc;
    if (!feature_state(f, f->initial))
        return bad_at(r, at, "initial", "no state '%.80s'", f->initial);
    return check_targets(r, &up, f);
}
