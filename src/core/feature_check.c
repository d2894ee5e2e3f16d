/*
 * Names against the catalogue, and the shape of the machine.
 */
#include <stdio.h>
#include <string.h>

#include "core/feature.h"

struct check {
    const struct catalog *c;
    const struct feature *f;
    const struct table *trigger; /* paths start here */
    struct error *err;
};

static enum status
at(struct check *k, const char *field)
{
    if (k->err && !k->err->field[0])
        (void)error_field(k->err, "%s", field);
    return error_wrap(k->err, "%s", field);
}

static enum status
want_table(struct check *k, const char *full, const char *field,
           const struct table **out)
{
    *out = catalog_table(k->c, full);
    if (*out)
        return OK;
    const char *near = catalog_nearest_table(k->c, full);
    if (near)
        (void)error_hint(k->err, "did you mean %s?", near);
    else
        (void)error_hint(k->err, "look at the tables with: skene schema");
    (void)fail(k->err, E_INVALID, "no table %s", full);
    return at(k, field);
}

static enum status
secret(struct check *k, const struct table *t, const struct column *col,
       const char *field)
{
    (void)fail(k->err, E_INVALID,
               "%s.%s looks like a secret and never leaves the database",
               t->full, col->name);
    return at(k, field);
}

static enum status
want_path(struct check *k, const struct table *start, const struct path *p,
          const char *field, struct path_resolved *out)
{
    if (path_resolve(k->c, start, p, out, k->err) != OK)
        return at(k, field);
    return column_is_secret(out->column->name)
               ? secret(k, out->table, out->column, field)
               : OK;
}

/* A path of the trigger row that stands as text inside a count. */
static enum status
want_row_path(struct check *k, const char *text, const char *field)
{
    AUTO_ARENA a = arena_new(4096);
    struct path path;
    struct path_resolved r;
    enum status rc =
        a ? path_parse(a, text, &path, k->err) : fail(k->err, E_NOMEM, "path");

    if (rc == E_INPUT) {
        (void)fail(k->err, E_INVALID, "path '%.80s' is malformed", text);
        return at(k, field);
    }
    return rc == OK ? want_path(k, k->trigger, &path, field, &r) : rc;
}

static enum status
enum_value(struct check *k, const struct column *col, const struct json *v,
           const char *field)
{
    const char *text = json_str(v, NULL);

    if (col->type != COLUMN_ENUM || !col->enum_values || !text)
        return OK;
    for (size_t i = 0; col->enum_values[i]; i++)
        if (strcmp(col->enum_values[i], text) == 0)
            return OK;
    char list[200] = "";
    for (size_t i = 0; col->enum_values[i]; i++) {
        size_t n = strlen(list);
        (void)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
                       col->enum_values[i]);
    }
    (void)error_hint(k->err, "its values: %s", list);
    (void)fail(k->err, E_INVALID, "%s has no value '%.60s'", col->name, text);
    return at(k, field);
}

/* Only comparisons of whole values name one; "contains" may name a part. */
static enum status
values_of(struct check *k, const struct column *col, enum op op,
          const struct json *v, const char *field)
{
    enum status rc = OK;

    if (op != OP_EQ && op != OP_NEQ && op != OP_IN && op != OP_NOT_IN)
        return OK;
    if (!json_is(v, JSON_ARRAY))
        return enum_value(k, col, v, field);
    for (uint32_t i = 0; rc == OK && i < v->n; i++)
        rc = enum_value(k, col, v->items[i], field);
    return rc;
}

static enum status predicates(struct check *k, const struct table *start,
                              const struct predicates *list, const char *field);

static enum status
count_predicate(struct check *k, const struct predicate *p, const char *field)
{
    const struct table *t = NULL;
    struct path_resolved r;

    enum status rc = want_table(k, p->table, field, &t);
    if (rc == OK)
        rc = want_path(k, t, &p->path, field, &r);
    if (rc == OK && (p->within_us || p->within_entry) &&
        !table_created_column(t)) {
        (void)fail(k->err, E_INVALID,
                   "%s has no column that tells when a row was made, so "
                   "'within' cannot be counted",
                   t->full);
        rc = at(k, field);
    }
    if (rc == OK && strcmp(p->to, "subject") != 0 && strcmp(p->to, "row") != 0)
        rc = want_row_path(k, p->to, field);
    for (size_t i = 0; rc == OK && i < p->sub.n; i++) {
        if (p->sub.items[i].kind == PREDICATE_COLUMN)
            continue;
        (void)fail(k->err, E_INVALID,
                   "the where of a count takes column conditions only");
        rc = at(k, field);
    }
    return rc == OK ? predicates(k, t, &p->sub, field) : rc;
}

static enum status
predicates(struct check *k, const struct table *start,
           const struct predicates *list, const char *field)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < list->n; i++) {
        const struct predicate *p = &list->items[i];
        struct path_resolved r;
        char here[128];
        (void)snprintf(here, sizeof(here), "%s[%zu]", field, i);
        if (p->kind == PREDICATE_ANY) {
            rc = predicates(k, start, &p->sub, here);
        } else if (p->kind == PREDICATE_COUNT) {
            rc = count_predicate(k, p, here);
        } else {
            const char *row = json_get_str(p->value, "path", NULL);
            rc = want_path(k, start, &p->path, here, &r);
            if (rc == OK && row)
                rc = want_row_path(k, row, here);
            else if (rc == OK && !r.json_key)
                rc = values_of(k, r.column, p->op, p->value, here);
        }
    }
    return rc;
}

/* Does the column hold the key of `to`: is it the key, or does it point there,
 * at once or over tables that share their key with it (profiles.id is
 * users.id)? */
static bool
holds_key(const struct catalog *c, const struct table *t,
          const struct column *col, const struct table *to)
{
    const char *name = col->name;

    for (int hops = 0; t && hops < PATH_MAX_HOPS; hops++) {
        if (t == to)
            return t->n_key == 1 && strcmp(t->key[0], name) == 0;
        const struct foreign_key *fk = table_fk(t, name);
        if (!fk)
            return false;
        t = catalog_table(c, fk->table);
        name = fk->key;
    }
    return false;
}

static enum status
subject(struct check *k)
{
    const struct feature *f = k->f;
    const struct table *t = NULL;
    struct path_resolved r;

    enum status rc = want_table(k, f->subject_table, "subject.table", &t);
    if (rc == OK)
        rc = want_path(k, k->trigger, &f->subject_id, "subject.id", &r);
    if (rc == OK && (r.json_key || !holds_key(k->c, r.table, r.column, t))) {
        (void)error_hint(k->err,
                         "end the path on the key of %s, or on a "
                         "column that points at it",
                         t->full);
        (void)fail(k->err, E_INVALID, "%s.%s does not hold the key of %s",
                   r.table->full, r.column->name, t->full);
        return at(k, "subject.id");
    }
    if (rc == OK && f->subject_email.n)
        rc = want_path(k, k->trigger, &f->subject_email, "subject.email", &r);
    return rc;
}

static enum status
trigger(struct check *k)
{
    const struct feature *f = k->f;
    enum status rc = want_table(k, f->table, "trigger.table", &k->trigger);

    if (rc != OK || !f->column)
        return rc;
    const struct column *col = table_column(k->trigger, f->column);
    if (!col) {
        const char *near = table_nearest_column(k->trigger, f->column);
        if (near)
            (void)error_hint(k->err, "did you mean %s?", near);
        (void)fail(k->err, E_INVALID, "%s has no column '%s'", k->trigger->full,
                   f->column);
        return at(k, "trigger.column");
    }
    if (column_is_secret(col->name))
        return secret(k, k->trigger, col, "trigger.column");
    rc = values_of(k, col, f->to.op, f->to.value, "trigger.to");
    return rc == OK
               ? values_of(k, col, f->from.op, f->from.value, "trigger.from")
               : rc;
}

/* ---- the machine ---- */

static void
reach(const struct feature *f, const struct state *s, bool *seen)
{
    size_t i = (size_t)(s - f->states);

    if (seen[i])
        return;
    seen[i] = true;
    for (size_t t = 0; t < s->n_transitions; t++)
        reach(f, feature_state(f, s->transitions[t].target), seen);
}

enum colour { WHITE, GREY, BLACK };

/* Depth-first over transitions that need no time: one that leads to a state
 * still on the way (grey) closes a loop. Each state is left once, so this is
 * linear however many ways there are. */
static bool
spins(const struct feature *f, const struct state *s, enum colour *seen)
{
    enum colour *mine = &seen[s - f->states];

    if (*mine != WHITE)
        return *mine == GREY;
    *mine = GREY;
    for (size_t t = 0; t < s->n_transitions; t++) {
        const struct transition *x = &s->transitions[t];
        if ((x->on_match || x->after_us == 0) &&
            spins(f, feature_state(f, x->target), seen))
            return true;
    }
    *mine = BLACK;
    return false;
}

static enum status
machine(struct check *k)
{
    const struct feature *f = k->f;
    bool seen[STATES_MAX] = {false};
    enum colour colours[STATES_MAX] = {WHITE};

    reach(f, feature_state(f, f->initial), seen);
    for (size_t i = 0; i < f->n_states; i++) {
        char field[128];
        (void)snprintf(field, sizeof(field), "machine.states.%.80s",
                       f->states[i].name);
        if (!seen[i]) {
            (void)fail(k->err, E_INVALID, "no transition leads here");
            return at(k, field);
        }
        if (spins(f, &f->states[i], colours)) {
            (void)fail(k->err, E_INVALID,
                       "a loop begins here that never waits");
            (void)error_hint(k->err, "give one of its transitions an "
                                     "'after' longer than PT0S");
            return at(k, field);
        }
    }
    return OK;
}

/* Where a transition stands in the document: "transitions[2].split[1]". */
static void
transition_place(const struct state *s, size_t i, char out[96])
{
    size_t nth, branch;

    transition_at(s, i, &nth, &branch);
    int n = snprintf(out, 96, "machine.states.%.40s.transitions[%zu]", s->name,
                     nth);
    if (s->transitions[i].branch)
        (void)snprintf(out + n, 96 - (size_t)n, ".split[%zu]", branch);
}

static enum status
transition(struct check *k, const struct state *s, size_t i)
{
    const struct transition *t = &s->transitions[i];
    char field[128], place[96];
    enum status rc;

    transition_place(s, i, place);
    const char *split = strstr(place, ".split["); /* the guard is of all */
    (void)snprintf(field, sizeof(field), "%.*s.guard",
                   split ? (int)(split - place) : (int)strlen(place), place);
    rc = predicates(k, k->trigger, &t->guard, field);
    for (size_t e = 0; rc == OK && e < t->n_effects; e++) {
        struct path_resolved r;
        (void)snprintf(field, sizeof(field), "%s.effects[%zu].to", place, e);
        if (t->effects[e].to.n)
            rc = want_path(k, k->trigger, &t->effects[e].to, field, &r);
        else if (t->effects[e].kind == EFFECT_EMAIL && !k->f->subject_email.n) {
            (void)fail(k->err, E_INVALID,
                       "an email needs subject.email or its own 'to'");
            rc = at(k, field);
        }
    }
    return rc;
}

enum status
feature_check(const struct catalog *c, const struct feature *f,
              struct error *err)
{
    struct error local = {0};
    struct check k = {.c = c, .f = f, .err = err ? err : &local};

    enum status rc = trigger(&k);
    if (rc == OK)
        rc = subject(&k);
    if (rc == OK && f->backfill && k.trigger->n_key == 0) {
        rc = fail(k.err, E_INVALID,
                  "%s has no primary key: its rows cannot be told apart",
                  k.trigger->full);
        (void)error_field(k.err, "entry.backfill");
    }
    if (rc == OK)
        rc = predicates(&k, k.trigger, &f->conditions, "entry.conditions");
    if (rc == OK)
        rc = predicates(&k, k.trigger, &f->exit, "exit");
    if (rc == OK)
        rc = predicates(&k, k.trigger, &f->goal, "goal.when");
    for (size_t i = 0; rc == OK && i < f->match.n_fields; i++) {
        struct path one;
        struct path_resolved r;
        char field[64];
        struct arena *a = arena_new(65536);
        (void)snprintf(field, sizeof(field), "match.fields[%zu]", i);
        rc = a ? path_parse(a, f->match.fields[i], &one, k.err)
               : fail(k.err, E_NOMEM, "match");
        if (rc == OK)
            rc = want_path(&k, k.trigger, &one, field, &r);
        arena_free(a);
    }
    if (rc == OK)
        rc = machine(&k);
    for (size_t i = 0; rc == OK && i < f->n_states; i++)
        for (size_t t = 0; rc == OK && t < f->states[i].n_transitions; t++)
            rc = transition(&k, &f->states[i], t);
    return rc;
}
