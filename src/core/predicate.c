#include "core/predicate.h"

#include <stdio.h>
#include <string.h>

static const struct json null_value = {.kind = JSON_NULL};

/* The value under ->key of a JSON column, as text or value. */
static const struct json *
sub_key(const struct json *v, const char *key)
{
    if (!key)
        return v;
    const struct json *inner = json_get(v, key);
    return inner ? inner : &null_value;
}

static enum status
want_path(const struct eval_env *env, const struct path *path,
          const struct json **out, struct error *err)
{
    const char *key = arena_printf(env->a, "path|%s|%s|%s", env->row_table,
                                   env->row_key, path->text);

    if (!key)
        return fail(err, E_NOMEM, "fact");
    *out = facts_get(env->facts, key);
    if (*out)
        return OK;
    struct fact_need need = {.kind = FACT_PATH,
                             .key = key,
                             .table = env->row_table,
                             .row_key = env->row_key,
                             .path = path};
    return facts_want(env->facts, &need, err);
}

enum status
eval_path(const struct eval_env *env, const struct path *path,
          const struct json **out, struct error *err)
{
    if (env->fresh && env->record && path_is_local(path)) {
        const struct json *v = json_get(env->record, path->hops[0].column);
        if (v) {
            *out = sub_key(v, path->hops[0].json_key);
            return OK;
        }
    }
    if (!env->row_key) {
        *out = &null_value; /* a row without a key cannot be read again */
        return OK;
    }
    return want_path(env, path, out, err);
}

/* ---- traces ---- */

static struct json *
trace_new(const struct eval_env *env, struct json *list, const char *kind,
          const char *text, const char *op)
{
    struct json *o;

    if (!list)
        return NULL;
    o = json_object(env->a);
    o = json_put(env->a, o, kind, json_string(env->a, text));
    if (op)
        o = json_put(env->a, o, "op", json_string(env->a, op));
    (void)json_push(env->a, list, o);
    return o;
}

static void
trace_end(const struct eval_env *env, struct json *trace,
          const struct json *expected, const struct json *actual,
          enum truth truth)
{
    if (!trace)
        return;
    if (expected)
        (void)json_put(env->a, trace, "expected", json_clone(env->a, expected));
    if (actual)
        (void)json_put(env->a, trace, "actual", json_clone(env->a, actual));
    (void)json_put(env->a, trace, "holds",
                   truth == TRUTH_UNKNOWN
                       ? json_null(env->a)
                       : json_boolean(env->a, truth == TRUTH_YES));
}

/* ---- counts ---- */

static const char *
value_text(const struct eval_env *env, const struct json *v)
{
    if (!v || v->kind == JSON_NULL)
        return NULL;
    return v->kind == JSON_STRING ? v->text : json_text(env->a, v);
}

/* What the link must equal: the subject, the trigger row's key, or a column of
 * the trigger row. *unknown when that column is not known yet. */
static enum status
link_value(const struct eval_env *env, const struct predicate *p,
           const char **out, bool *unknown, struct error *err)
{
    struct path *path;
    const struct json *v = NULL;

    if (strcmp(p->to, "subject") == 0) {
        *out = env->subject_id;
        return OK;
    }
    if (strcmp(p->to, "row") == 0) {
        *out = env->row_key;
        return OK;
    }
    path = arena_alloc(env->a, sizeof(*path)); /* a need keeps it */
    if (!path)
        return fail(err, E_NOMEM, "path");
    enum status rc = path_parse(env->a, p->to, path, err);
    if (rc == OK)
        rc = eval_path(env, path, &v, err);
    *unknown = rc == OK && !v;
    *out = value_text(env, v);
    return rc;
}

/* {"path": "col"} in a where means that column of the trigger row. */
static enum status
where_value(const struct eval_env *env, const struct json *value,
            struct json **out, bool *unknown, struct error *err)
{
    const char *text = json_get_str(value, "path", NULL);
    struct path *path;
    const struct json *v = NULL;

    *out = NULL;
    if (!text) {
        *out = value ? json_clone(env->a, value) : NULL;
        return OK;
    }
    path = arena_alloc(env->a, sizeof(*path)); /* a need keeps it */
    if (!path)
        return fail(err, E_NOMEM, "path");
    enum status rc = path_parse(env->a, text, path, err);
    if (rc == OK)
        rc = eval_path(env, path, &v, err);
    if (rc == OK && !v)
        *unknown = true;
    else if (rc == OK)
        *out = json_clone(env->a, v);
    return rc;
}

static enum status
where_json(const struct eval_env *env, const struct predicates *where,
           struct json **out, bool *unknown, struct error *err)
{
    struct json *list = json_array(env->a);
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < where->n; i++) {
        const struct predicate *p = &where->items[i];
        struct json *o = json_object(env->a), *value = NULL;
        if (p->kind != PREDICATE_COLUMN)
            return fail(err, E_UNSUPPORTED,
                        "a count's where takes column conditions only");
        rc = where_value(env, p->value, &value, unknown, err);
        if (rc != OK || *unknown)
            return rc;
        o = json_put(env->a, o, "path", json_string(env->a, p->path.text));
        o = json_put(env->a, o, "op", json_string(env->a, op_name(p->op)));
        if (value)
            o = json_put(env->a, o, "value", value);
        list = json_push(env->a, list, o);
    }
    *out = list;
    return rc == OK && !list ? fail(err, E_NOMEM, "where") : rc;
}

static enum status
count_fact(const struct eval_env *env, const struct predicate *p,
           const char *link, const struct json *where, const struct json **out,
           struct error *err)
{
    struct fact_need need = {.kind = FACT_COUNT,
                             .table = p->table,
                             .path = &p->path,
                             .link_value = link,
                             .until_us =
                                 env->as_of_us ? env->as_of_us : env->bound_us,
                             .where = where};
    const char *text = json_text(env->a, where);
    /* A window ends where the count does, however late the event arrives. */
    int64_t end_us = env->as_of_us ? env->as_of_us : env->now_us;

    if (p->within_entry)
        need.since_us = env->entered_us ? env->entered_us : end_us;
    else if (p->within_us)
        need.since_us = end_us - p->within_us;
    need.key = arena_printf(env->a, "count|%s|%s|%s|%lld|%lld|%s", p->table,
                            p->path.text, link, (long long)need.since_us,
                            (long long)env->as_of_us, text ? text : "");
    if (!need.key || !text)
        return fail(err, E_NOMEM, "fact");
    *out = facts_get(env->facts, need.key);
    return *out ? OK : facts_want(env->facts, &need, err);
}

static enum status
eval_count(const struct eval_env *env, const struct predicate *p,
           struct json *list, enum truth *out, struct error *err)
{
    struct json expected = {.kind = JSON_INT, .integer = p->count};
    struct json *trace =
        trace_new(env, list, "count", p->table, op_name(p->op));
    const struct json *actual = NULL;
    struct json *where = NULL;
    const char *link = NULL;
    bool unknown = false;
    static const struct json zero = {.kind = JSON_INT};

    *out = TRUTH_UNKNOWN;
    enum status rc = link_value(env, p, &link, &unknown, err);
    if (rc == OK && !unknown)
        rc = where_json(env, &p->sub, &where, &unknown, err);
    if (rc != OK || unknown)
        return rc;
    if (!link)
        actual = &zero; /* nobody to count for */
    else
        rc = count_fact(env, p, link, where, &actual, err);
    if (rc == OK && actual)
        rc = op_eval(p->op, actual, &expected, env->now_us, out, err);
    if (trace)
        (void)json_put(env->a, trace, "link",
                       json_string(env->a, p->path.text));
    trace_end(env, trace, &expected, actual, *out);
    return rc;
}

static enum status
eval_column(const struct eval_env *env, const struct predicate *p,
            struct json *list, enum truth *out, struct error *err)
{
    struct json *trace =
        trace_new(env, list, "path", p->path.text, op_name(p->op));
    const struct json *actual = NULL;

    *out = TRUTH_UNKNOWN;
    enum status rc = eval_path(env, &p->path, &actual, err);
    if (rc == OK && actual)
        rc = op_eval(p->op, actual, p->value, env->now_us, out, err);
    if (rc == E_INVALID)
        return error_wrap(err, "%s", p->path.text);
    trace_end(env, trace, p->value, actual, *out);
    return rc;
}

static enum status eval_one(const struct eval_env *env,
                            const struct predicate *p, struct json *list,
                            enum truth *out, struct error *err);

static enum status
eval_any(const struct eval_env *env, const struct predicate *p,
         struct json *list, enum truth *out, struct error *err)
{
    struct json *sub = list ? json_array(env->a) : NULL;
    enum truth all = TRUTH_NO;

    for (size_t i = 0; i < p->sub.n; i++) {
        enum truth one;
        enum status rc = eval_one(env, &p->sub.items[i], sub, &one, err);
        if (rc != OK)
            return rc;
        if (one == TRUTH_YES || (one == TRUTH_UNKNOWN && all == TRUTH_NO))
            all = one;
        if (one == TRUTH_YES)
            break;
    }
    struct json *trace = trace_new(env, list, "any", "", NULL);
    if (trace && sub)
        (void)json_put(env->a, trace, "sub", sub);
    trace_end(env, trace, NULL, NULL, all);
    *out = all;
    return OK;
}

static enum status
eval_one(const struct eval_env *env, const struct predicate *p,
         struct json *list, enum truth *out, struct error *err)
{
    switch (p->kind) {
    case PREDICATE_COLUMN:
        return eval_column(env, p, list, out, err);
    case PREDICATE_COUNT:
        return eval_count(env, p, list, out, err);
    case PREDICATE_ANY:
        return eval_any(env, p, list, out, err);
    }
    return fail(err, E_BUG, "predicate of kind %d", (int)p->kind);
}

static void
trace_skipped(const struct eval_env *env, const struct predicate *p,
              struct json *list)
{
    const char *kind = p->kind == PREDICATE_COLUMN  ? "path"
                       : p->kind == PREDICATE_COUNT ? "count"
                                                    : "any";
    const char *text = p->kind == PREDICATE_COLUMN  ? p->path.text
                       : p->kind == PREDICATE_COUNT ? p->table
                                                    : "";

    if (!list)
        return;
    trace_end(env,
              trace_new(env, list, kind, text,
                        p->kind == PREDICATE_ANY ? NULL : op_name(p->op)),
              NULL, NULL, TRUTH_UNKNOWN);
}

enum status
predicates_eval(const struct eval_env *env, const struct predicates *list,
                struct json *trace, enum truth *out, struct error *err)
{
    enum truth all = TRUTH_YES;

    for (size_t i = 0; i < list->n; i++) {
        enum truth one;
        if (all == TRUTH_NO) {
            trace_skipped(env, &list->items[i], trace);
            continue;
        }
        enum status rc = eval_one(env, &list->items[i], trace, &one, err);
        if (rc != OK)
            return rc;
        if (one != TRUTH_YES)
            all = one;
    }
    *out = all;
    return OK;
}
