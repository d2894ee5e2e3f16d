#include "core/decide.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/predicate.h"
#include "core/semantic.h"

static const struct verdict_row {
    const char *name, *meaning;
} verdict_rows[] = {
#define X(sym, wire, text) [sym] = {(wire), (text)},
    VERDICT_LIST(X)
#undef X
};
static_assert(sizeof(verdict_rows) / sizeof(verdict_rows[0]) == VERDICT_COUNT,
              "every verdict has a row");

const char *
verdict_name(enum verdict v)
{
    return verdict_rows[v].name;
}

const char *
verdict_meaning(enum verdict v)
{
    return verdict_rows[v].meaning;
}

bool
verdict_parse(const char *name, enum verdict *out)
{
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        if (strcmp(verdict_rows[i].name, name) == 0) {
            *out = (enum verdict)i;
            return true;
        }
    }
    return false;
}

const char *
run_status_name(enum run_status s)
{
    static const char *const names[RUN_STATUS_COUNT] = {
        [RUN_ACTIVE] = "active",
        [RUN_COMPLETED] = "completed",
        [RUN_EXITED] = "exited",
        [RUN_ENDED] = "ended",
    };

    return names[s];
}

/* ---- M3 ---- */

static bool
satisfies(const struct match *m, const struct json *v)
{
    enum truth t = TRUTH_NO;

    return op_eval(m->op, v, m->value, 0, &t, NULL) == OK && t == TRUTH_YES;
}

static bool
update_matches(const struct feature *f, const struct event *e)
{
    if (!f->column)
        return true;
    const struct json *new = json_get(e->record, f->column);
    const struct json *old = json_get(e->old, f->column);
    bool changed =
        !json_equal(new, old) &&
        !((!new || new->kind == JSON_NULL) && (!old || old->kind == JSON_NULL));

    if (!changed)
        return false;
    if (f->from.set &&
        (!satisfies(&f->from, old) || (!f->to.set && satisfies(&f->from, new))))
        return false;
    return !f->to.set || (satisfies(&f->to, new) && !satisfies(&f->to, old));
}

bool
trigger_matches(const struct feature *f, const struct event *e)
{
    if (f->trigger != TRIGGER_ROW || f->op != e->op ||
        strcmp(f->table, e->table) != 0)
        return false;
    return f->op != ROW_UPDATE || update_matches(f, e);
}

/* ---- M2 ---- */

static struct eval_env
entry_env(const struct decide_env *env, const struct event *e,
          const char *subject_id)
{
    return (struct eval_env){.a = env->a,
                             .facts = env->facts,
                             .now_us = env->now_us,
                             .row_table = e->table,
                             .row_key = e->key,
                             .record = e->record,
                             .fresh = true,
                             .subject_id = subject_id,
                             .as_of_us = e->occurred_us};
}

enum status
subject_resolve(const struct decide_env *env, const struct feature *f,
                const struct event *e, struct subject *out, bool *needs_facts,
                struct error *err)
{
    struct eval_env ee = entry_env(env, e, NULL);
    const struct json *v = NULL;

    *out = (struct subject){.table = f->subject_table};
    enum status rc = eval_path(&ee, &f->subject_id, &v, err);
    if (rc != OK)
        return rc;
    *needs_facts = v == NULL;
    if (!v || v->kind == JSON_NULL)
        return OK;
    out->id = v->kind == JSON_STRING ? v->text : json_text(env->a, v);
    out->key = out->id
                   ? arena_printf(env->a, "%s/%s", f->subject_table, out->id)
                   : NULL;
    return out->key ? OK : fail(err, E_NOMEM, "subject");
}

enum { HOLDOUT_OF = 10000 };

enum gate {
    GATE_SUBJECT,
    GATE_ACTIVE,
    GATE_CONDITIONS,
    GATE_MODE,
    GATE_COOLDOWN,
    GATE_HOLDOUT,
    GATE_MATCH,
    GATE_COUNT
};

static const struct gate_row {
    const char *name;
    enum verdict verdict;
} gate_rows[] = {
    [GATE_SUBJECT] = {"subject", VERDICT_NO_SUBJECT},
    [GATE_ACTIVE] = {"active", VERDICT_PAUSED},
    [GATE_CONDITIONS] = {"conditions", VERDICT_GUARD_FALSE},
    [GATE_MODE] = {"mode", VERDICT_ALREADY_ENTERED},
    [GATE_COOLDOWN] = {"cooldown", VERDICT_COOLDOWN},
    [GATE_HOLDOUT] = {"holdout", VERDICT_HOLDOUT},
    [GATE_MATCH] = {"match", VERDICT_SEMANTIC_NO},
};
static_assert(sizeof(gate_rows) / sizeof(gate_rows[0]) == GATE_COUNT,
              "every gate has a row");

struct entry {
    const struct decide_env *env;
    const struct feature *f;
    bool paused;
    const struct event *e;
    const struct subject *s;
    const struct enrolment *enrolment;
    struct json *conditions; /* trace */
    struct json *match;      /* audit of the matcher; NULL: not asked */
    bool meant;
    enum truth held;
};

static bool
mode_passes(const struct entry *x)
{
    if (x->f->backfill && x->enrolment->row_entered)
        return false;
    if (x->f->mode == ENTRY_ONCE)
        return x->enrolment->entries == 0;
    /* rematch: again only after the conditions were false in between. */
    return x->f->mode == ENTRY_EVERY || !x->enrolment->matched;
}

static bool
cooldown_passes(const struct entry *x)
{
    return x->f->timing.cooldown_us == 0 || x->enrolment->entries == 0 ||
           x->env->now_us - x->enrolment->last_entered_us >=
               x->f->timing.cooldown_us;
}

static bool
in_share(const char *salt, const struct subject *s, int share)
{
    return share > 0 &&
           sticky_place(salt, s->key, HOLDOUT_OF) < (uint64_t)share;
}

/* The same subjects for ever, however often they come; the workspace's are
 * the same in all its features. */
static bool
held_back(const struct entry *x)
{
    return in_share(x->f->key, x->s, x->f->holdout) ||
           in_share("workspace", x->s, x->env->holdout);
}

/* The texts that the matcher reads, a line each. An address in them is no
 * part of what they mean. */
static const char *
match_input(const struct entry *x)
{
    const struct semantic *m = &x->f->match;
    const struct json *record = x->e->record;
    AUTO_BUF text = buf_new((size_t)64 * 1024);

    for (size_t i = 0; i < m->n_fields; i++) {
        buf_puts(&text, json_get_str(record, m->fields[i], ""));
        buf_putc(&text, '\n');
    }
    /* Free text has spaces; ids, states and addresses have not. */
    for (uint32_t i = 0;
         m->n_fields == 0 && json_is(record, JSON_OBJECT) && i < record->n;
         i++) {
        const char *v = json_str(record->members[i].value, "");
        if (!strchr(v, ' '))
            continue;
        buf_puts(&text, v);
        buf_putc(&text, '\n');
    }
    return buf_ok(&text) ? arena_strdup(x->env->a, text.data ? text.data : "")
                         : NULL;
}

/* Asked only when every gate before it is open. */
static enum status
ask_matcher(struct entry *x, struct error *err)
{
    struct arena *a = x->env->a;
    const struct semantic *m = &x->f->match;
    const char *text = match_input(x);
    struct meaning meaning;
    char number[32];

    if (!text)
        return fail(err, E_TOOBIG, "the texts of the row");
    enum status rc = semantic_score(a, m->intent, text, &meaning, err);
    if (rc != OK)
        return rc;
    x->meant = meaning.score * 1000 + 0.5 >= m->least;
    struct json *o = json_object(a);
    o = json_put(a, o, "provider", json_string(a, "lexical"));
    o = json_put(a, o, "intent", json_string(a, m->intent));
    (void)snprintf(number, sizeof(number), "%.3f", meaning.score);
    o = json_put(a, o, "score", json_decimal(a, number));
    (void)snprintf(number, sizeof(number), "%.3f", m->least / 1000.0);
    o = json_put(a, o, "threshold", json_decimal(a, number));
    o = json_put(a, o, "verdict", json_string(a, x->meant ? "yes" : "no"));
    o = json_put(a, o, "reason", json_string(a, meaning.reason));
    x->match = o;
    return o ? OK : fail(err, E_NOMEM, "explanation");
}

static bool
gate_passes(const struct entry *x, enum gate gate)
{
    switch (gate) {
    case GATE_SUBJECT:
        return x->s->id != NULL;
    case GATE_ACTIVE:
        return !x->paused;
    case GATE_CONDITIONS:
        return x->held == TRUTH_YES;
    case GATE_MODE:
        return mode_passes(x);
    case GATE_COOLDOWN:
        return cooldown_passes(x);
    case GATE_HOLDOUT:
        return !held_back(x);
    case GATE_MATCH:
        return !x->f->match.intent || x->meant;
    case GATE_COUNT:
        break;
    }
    return false;
}

static struct json *
gates_json(const struct entry *x, enum gate failed)
{
    struct arena *a = x->env->a;
    struct json *list = json_array(a);

    for (enum gate g = 0; g < GATE_COUNT; g++) {
        const char *result = g < failed    ? "pass"
                             : g == failed ? "fail"
                                           : "not_evaluated";
        struct json *o = json_object(a);
        o = json_put(a, o, "gate", json_string(a, gate_rows[g].name));
        o = json_put(a, o, "result", json_string(a, result));
        list = json_push(a, list, o);
    }
    return list;
}

static enum status
entry_conditions(struct entry *x, struct error *err)
{
    struct eval_env ee = entry_env(x->env, x->e, x->s->id);

    x->conditions = x->env->want_trace ? json_array(x->env->a) : NULL;
    return predicates_eval(&ee, &x->f->conditions, x->conditions, &x->held,
                           err);
}

/* Since the last entry, have the conditions held all along? What a later gate
 * refused is no entry, and what was not looked at changes nothing. */
static bool
matched_after(const struct entry *x, enum gate failed)
{
    if (failed == GATE_COUNT)
        return true;
    return x->enrolment->matched && failed != GATE_CONDITIONS;
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
decide_entry(const struct decide_env *env, const struct feature *f, bool paused,
             const struct event *e, const struct subject *s,
             const struct enrolment *enrolment, struct decision *out,
             struct error *err)
{
    struct entry x = {.env = env,
                      .f = f,
                      .paused = paused,
                      .e = e,
                      .s = s,
                      .enrolment = enrolment,
                      .held = TRUTH_NO};
    enum gate failed = 0;

    *out = (struct decision){.subject = *s};
    if (s->id && !paused) {
        enum status rc = entry_conditions(&x, err);
        if (rc != OK)
            return rc;
    }
    if (x.held == TRUTH_UNKNOWN) {
        out->needs_facts = true;
        return OK;
    }
    while (failed < GATE_COUNT && gate_passes(&x, failed))
        failed++;
    if (failed == GATE_MATCH) {
        enum status rc = ask_matcher(&x, err);
        if (rc != OK)
            return rc;
        failed += x.meant;
    }
    out->verdict =
        failed < GATE_COUNT ? gate_rows[failed].verdict : VERDICT_ENTERED;
    out->conditions_held = matched_after(&x, failed);
    if (!env->want_trace)
        return OK;
    out->detail =
        json_put(env->a, json_object(env->a), "gates", gates_json(&x, failed));
    if (x.conditions && x.conditions->n)
        out->detail = json_put(env->a, out->detail, "conditions", x.conditions);
    if (x.match)
        out->detail = json_put(env->a, out->detail, "match", x.match);
    return out->detail ? OK : fail(err, E_NOMEM, "explanation");
}
