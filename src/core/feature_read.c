#include "core/feature_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"
#include "codec/time.h"

static size_t
place_write(const struct place *at, char *out, size_t n)
{
    if (!at)
        return 0;
    size_t used = place_write(at->up, out, n);
    int w = at->name ? snprintf(out + used, n - used, "%s%s", used ? "." : "",
                                at->name)
                     : snprintf(out + used, n - used, "[%zu]", at->index);
    used += w < 0 ? 0 : (size_t)w;
    return used < n ? used : n - 1;
}

enum status
bad_at(struct reader *r, const struct place *at, const char *member,
       const char *fmt, ...)
{
    char field[128] = "", text[300];
    size_t used = place_write(at, field, sizeof(field));
    va_list ap;

    if (member)
        (void)snprintf(field + used, sizeof(field) - used, "%s%s",
                       used ? "." : "", member);
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)fail(r->err, E_INVALID, "%s: %s", field[0] ? field : "document",
               text);
    (void)error_field(r->err, "%s", field);
    return E_INVALID;
}

/* Words of the document's next form: known, so that the message does not
 * send the reader looking for a typing mistake. */
enum status
only(struct reader *r, const struct place *at, const struct json *j,
     const char *const *allowed)
{
    size_t n = 0;

    if (!json_is(j, JSON_OBJECT))
        return bad_at(r, at, NULL, "must be an object, is %s",
                      j ? json_kind_name(j->kind) : "missing");
    while (allowed[n])
        n++;
    for (uint32_t i = 0; i < j->n; i++) {
        const char *key = j->members[i].key;
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || strcmp(allowed[k], key) == 0;
        if (known)
            continue;
        int near = nearest_name(key, allowed, n);
        if (near >= 0)
            (void)error_hint(r->err, "did you mean %s?", allowed[near]);
        return bad_at(r, at, key, "unknown field");
    }
    return OK;
}

enum status
get_text(struct reader *r, const struct place *at, const struct json *j,
         const char *member, bool required, const char **out)
{
    const struct json *v = json_get(j, member);

    *out = json_str(v, NULL);
    if (v && !*out)
        return bad_at(r, at, member, "must be a string, is %s",
                      json_kind_name(v->kind));
    if (required && !*out)
        return bad_at(r, at, member, "is required");
    return OK;
}

enum status
get_path(struct reader *r, const struct place *at, const struct json *j,
         const char *member, bool required, struct path *out)
{
    const char *text = NULL;
    struct error err = {0};
    enum status rc = get_text(r, at, j, member, required, &text);

    if (rc != OK || !text)
        return rc;
    rc = path_parse(r->a, text, out, &err);
    if (rc == E_NOMEM)
        return fail(r->err, rc, "%s", err.msg);
    return rc == OK ? OK : bad_at(r, at, member, "%s", err.msg);
}

enum status
get_duration(struct reader *r, const struct place *at, const struct json *j,
             const char *member, int64_t *out)
{
    const char *text = NULL;
    struct error err = {0};
    enum status rc = get_text(r, at, j, member, false, &text);

    if (rc != OK || !text)
        return rc;
    rc = duration_parse(text, out, &err);
    return rc == OK ? OK : bad_at(r, at, member, "%s", err.msg);
}

enum status
get_table(struct reader *r, const struct place *at, const struct json *j,
          const char *member, const char **out)
{
    enum status rc = get_text(r, at, j, member, true, out);

    if (rc != OK || !*out)
        return rc;
    const char *dot = strchr(*out, '.');
    if (!dot || dot == *out || !dot[1] || strchr(dot + 1, '.') ||
        strchr(*out, '"'))
        return bad_at(r, at, member, "'%.80s' must be schema.table", *out);
    return OK;
}

/* ---- predicates ---- */

static const bool needs_value[OP_COUNT] = {
    [OP_EQ] = true,          [OP_NEQ] = true,       [OP_GT] = true,
    [OP_GTE] = true,         [OP_LT] = true,        [OP_LTE] = true,
    [OP_IN] = true,          [OP_NOT_IN] = true,    [OP_CONTAINS] = true,
    [OP_STARTS_WITH] = true, [OP_ENDS_WITH] = true, [OP_OLDER_THAN] = true,
    [OP_NEWER_THAN] = true,  [OP_DUE_IN] = true,    [OP_DUE_AGO] = true,
};

static enum status
get_op(struct reader *r, const struct place *at, const struct json *j,
       enum op *out)
{
    const char *text = NULL;
    enum status rc = get_text(r, at, j, "op", true, &text);

    if (rc != OK)
        return rc;
    if (!op_parse(text, out))
        return bad_at(r, at, "op", "unknown operator '%.40s'", text);
    return OK;
}

static enum status
check_value(struct reader *r, const struct place *at, enum op op,
            const struct json *value)
{
    int64_t us;
    struct error err = {0};

    if (needs_value[op] != (value != NULL))
        return bad_at(r, at, "value",
                      needs_value[op] ? "is required by this operator"
                                      : "is not allowed here");
    bool period = op == OP_OLDER_THAN || op == OP_NEWER_THAN ||
                  op == OP_DUE_IN || op == OP_DUE_AGO;
    if (period && duration_parse(json_str(value, ""), &us, &err) != OK)
        return bad_at(r, at, "value", "must be a duration such as P7D");
    bool list = op == OP_IN || op == OP_NOT_IN;
    if (list && !json_is(value, JSON_ARRAY))
        return bad_at(r, at, "value", "must be a list");
    bool text = op == OP_CONTAINS || op == OP_STARTS_WITH || op == OP_ENDS_WITH;
    if (text && !json_is(value, JSON_STRING))
        return bad_at(r, at, "value", "must be a string");
    return OK;
}

static enum status
read_column(struct reader *r, const struct place *at, const struct json *j,
            struct predicate *out)
{
    static const char *const allowed[] = {"path", "op", "value", NULL};
    enum status rc = only(r, at, j, allowed);

    out->kind = PREDICATE_COLUMN;
    out->value = json_get(j, "value");
    if (rc == OK)
        rc = get_path(r, at, j, "path", true, &out->path);
    if (rc == OK)
        rc = get_op(r, at, j, &out->op);
    return rc == OK ? check_value(r, at, out->op, out->value) : rc;
}

static enum status
read_within(struct reader *r, const struct place *at, const struct json *j,
            struct predicate *out)
{
    const char *text = json_get_str(j, "within", NULL);

    out->within_entry = text && strcmp(text, "entry") == 0;
    return out->within_entry
               ? OK
               : get_duration(r, at, j, "within", &out->within_us);
}

static enum status
read_count(struct reader *r, const struct place *at, const struct json *j,
           struct predicate *out)
{
    static const char *const allowed[] = {"table", "link",   "to",    "op",
                                          "value", "within", "where", NULL};
    const struct json *value = json_get(j, "value");
    enum status rc = only(r, at, j, allowed);

    out->kind = PREDICATE_COUNT;
    if (rc == OK)
        rc = get_table(r, at, j, "table", &out->table);
    if (rc == OK)
        rc = get_path(r, at, j, "link", true, &out->path);
    if (rc == OK)
        rc = get_text(r, at, j, "to", false, &out->to);
    if (rc == OK)
        rc = get_op(r, at, j, &out->op);
    if (rc == OK && out->op > OP_LTE)
        rc = bad_at(r, at, "op", "a count takes eq neq gt gte lt lte");
    if (rc == OK && (!json_is(value, JSON_INT) || json_int(value, -1) < 0))
        rc = bad_at(r, at, "value", "must be a whole number >= 0");
    if (rc == OK)
        rc = read_within(r, at, j, out);
    if (rc != OK)
        return rc;
    out->count = json_int(value, 0);
    if (!out->to)
        out->to = "subject";
    const struct place where = {.up = at, .name = "where"};
    return read_predicates(r, &where, json_get(j, "where"), &out->sub);
}

static enum status
read_predicate(struct reader *r, const struct place *at, const struct json *j,
               struct predicate *out)
{
    static const char *const any_only[] = {"any", NULL};

    if (json_get(j, "any")) {
        const struct place any = {.up = at, .name = "any"};
        out->kind = PREDICATE_ANY;
        enum status rc = only(r, at, j, any_only);
        if (rc == OK)
            rc = read_predicates(r, &any, json_get(j, "any"), &out->sub);
        if (rc == OK && out->sub.n < 2)
            rc = bad_at(r, &any, NULL, "needs at least two alternatives");
        return rc;
    }
    return json_get(j, "table") ? read_count(r, at, j, out)
                                : read_column(r, at, j, out);
}

enum status
read_predicates(struct reader *r, const struct place *at, const struct json *j,
                struct predicates *out)
{
    size_t depth = 0;

    *out = (struct predicates){0};
    if (!j)
        return OK;
    for (const struct place *p = at; p; p = p->up)
        depth++;
    if (depth > 24)
        return bad_at(r, at, NULL, "nested too deep");
    if (!json_is(j, JSON_ARRAY))
        return bad_at(r, at, NULL, "must be a list");
    if (j->n > 100)
        return bad_at(r, at, NULL, "has over 100 conditions");
    out->items = arena_array(r->a, j->n + 1, sizeof(*out->items));
    if (!out->items)
        return fail(r->err, E_NOMEM, "conditions");
    for (size_t i = 0; i < j->n; i++) {
        const struct place item = {.up = at, .index = i};
        enum status rc = read_predicate(r, &item, j->items[i], &out->items[i]);
        if (rc != OK)
            return rc;
        out->n++;
    }
    return OK;
}

enum status
read_match(struct reader *r, const struct place *at, const struct json *j,
           const char *member, struct match *out)
{
    static const char *const allowed[] = {"op", "value", NULL};
    const struct json *v = json_get(j, member);

    if (!v)
        return OK;
    out->set = true;
    if (!json_is(v, JSON_OBJECT)) {
        if (json_is(v, JSON_ARRAY))
            return bad_at(r, at, member, "must be a value or {op, value}");
        out->op = v->kind == JSON_NULL ? OP_IS_NULL : OP_EQ;
        out->value = v->kind == JSON_NULL ? NULL : v;
        return OK;
    }
    const struct place here = {.up = at, .name = member};
    enum status rc = only(r, &here, v, allowed);
    if (rc == OK)
        rc = get_op(r, &here, v, &out->op);
    if (rc == OK && out->op > OP_NOT_NULL)
        rc = bad_at(r, &here, "op", "not allowed in a trigger");
    out->value = json_get(v, "value");
    return rc == OK ? check_value(r, &here, out->op, out->value) : rc;
}
