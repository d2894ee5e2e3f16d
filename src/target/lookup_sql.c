#include "target/lookup_sql.h"

#include <string.h>

#include "codec/time.h"

struct lookup_sql
lookup_sql_new(struct arena *a)
{
    return (struct lookup_sql){.a = a, .text = buf_new(LOOKUP_SQL_BYTES)};
}

int
lookup_param(struct lookup_sql *s, const char *value)
{
    if (s->n_params == LOOKUP_PARAMS) {
        s->too_many = true;
        return LOOKUP_PARAMS;
    }
    s->params[s->n_params++] = value;
    return s->n_params;
}

enum status
lookup_sql_check(const struct lookup_sql *s, struct error *err)
{
    if (s->too_many)
        return fail(err, E_TOOBIG, "more than %d values in one query",
                    LOOKUP_PARAMS);
    return buf_check(&s->text, "query", err);
}

static const char *
ident(struct lookup_sql *s, const char *name)
{
    const char *quoted = sql_ident(s->a, name);

    if (!quoted)
        s->text.failed = true;
    return quoted ? quoted : "";
}

static const char *
table_name(struct lookup_sql *s, const struct table *t)
{
    /* Names are quoted apart: a schema's name may hold a dot. */
    return arena_printf(s->a, "%s.%s", ident(s, t->schema), ident(s, t->name));
}

/* Keys and the columns that point at them are of one type, or nearly: then an
 * index serves. What PostgreSQL could not compare is compared as text. */
static const char *
join_cast(const struct path_join *j)
{
    const struct column *from = table_column(j->from, j->from_column);
    const struct column *to = table_column(j->to, j->to_column);
    bool same =
        from && to && from->type == to->type &&
        (sql_type(from->type) || strcmp(from->type_name, to->type_name) == 0);

    return same ? "" : "::text";
}

static bool
one_row(const struct path_join *j)
{
    return !j->filter_column && j->to->n_key == 1 &&
           strcmp(j->to->key[0], j->to_column) == 0;
}

static void
many_rows(struct lookup_sql *s, const struct path_join *j, const char *from,
          const char *to)
{
    const char *cast = join_cast(j);

    buf_printf(&s->text,
               "\nleft join lateral (select r.* from %s r where r.%s%s ="
               " %s.%s%s",
               table_name(s, j->to), ident(s, j->to_column), cast, from,
               ident(s, j->from_column), cast);
    if (j->filter_column)
        buf_printf(&s->text, " and r.%s::text = $%d",
                   ident(s, j->filter_column),
                   lookup_param(s, j->filter_value));
    for (size_t i = 0; i < j->to->n_key; i++)
        buf_printf(&s->text, "%s r.%s", i > 0 ? "," : " order by",
                   ident(s, j->to->key[i]));
    buf_printf(&s->text, " limit 1) %s on true", to);
}

const char *
lookup_joins(struct lookup_sql *s, const struct path_resolved *r,
             const char *base, const char *prefix)
{
    const char *from = base;

    for (size_t i = 0; i < r->n_joins; i++) {
        const struct path_join *j = &r->joins[i];
        const char *to = arena_printf(s->a, "%s%zu", prefix, i + 1);
        if (!to)
            return NULL;
        if (one_row(j)) {
            const char *cast = join_cast(j);
            buf_printf(&s->text, "\nleft join %s %s on %s.%s%s = %s.%s%s",
                       table_name(s, j->to), to, to, ident(s, j->to_column),
                       cast, from, ident(s, j->from_column), cast);
        } else {
            many_rows(s, j, from, to);
        }
        from = to;
    }
    return from;
}

void
lookup_equals(struct lookup_sql *s, const char *alias,
              const struct column *column, const char *value)
{
    const char *type = sql_type(column->type);

    buf_printf(&s->text, "%s.%s%s = %s%s%s", alias, ident(s, column->name),
               type ? "" : "::text", value, type ? "::" : "", type ? type : "");
}

/* ---- conditions ---- */

static const char *
scalar_text(struct lookup_sql *s, const struct json *v)
{
    return v && v->kind == JSON_STRING ? v->text : json_text(s->a, v);
}

/* The column as SQL: of its type, or jsonb under a ->key. */
struct operand {
    const char *sql;  /* typed */
    const char *text; /* as text, for contains and the like */
    const char *cast; /* for the value */
    bool json;
};

static enum status
operand_of(struct lookup_sql *s, const char *alias,
           const struct path_resolved *r, struct operand *out,
           struct error *err)
{
    const char *name = ident(s, r->column->name);
    const char *type = sql_type(r->column->type);

    if (r->json_key) {
        int key = lookup_param(s, r->json_key);
        out->json = true;
        out->cast = "::jsonb";
        out->sql = arena_printf(s->a,
                                "nullif(%s.%s::jsonb -> $%d::text,"
                                " 'null'::jsonb)",
                                alias, name, key);
        out->text = arena_printf(s->a, "(%s.%s::jsonb ->> $%d::text)", alias,
                                 name, key);
    } else {
        out->cast = arena_printf(s->a, "::%s", type ? type : "text");
        out->sql =
            arena_printf(s->a, "%s.%s%s", alias, name, type ? "" : "::text");
        out->text = arena_printf(s->a, "%s.%s::text", alias, name);
    }
    return out->sql && out->text && out->cast ? OK
                                              : fail(err, E_NOMEM, "condition");
}

static const char *
value_param(struct lookup_sql *s, const struct operand *o, const struct json *v)
{
    const char *text = o->json ? json_text(s->a, v) : scalar_text(s, v);

    return arena_printf(s->a, "$%d%s", lookup_param(s, text), o->cast);
}

static enum status
list_condition(struct lookup_sql *s, const struct operand *o, bool in,
               const struct json *value, struct error *err)
{
    if (!value || !json_is(value, JSON_ARRAY))
        return fail(err, E_INVALID, "in and not_in take a list");
    const char **items = arena_array(s->a, value->n + 1, sizeof(*items));
    if (!items)
        return fail(err, E_NOMEM, "condition");
    size_t n = 0;
    for (uint32_t i = 0; i < value->n; i++)
        if (!json_is(value->items[i], JSON_NULL))
            items[n++] = o->json ? json_text(s->a, value->items[i])
                                 : scalar_text(s, value->items[i]);
    buf_printf(&s->text, "%s %s ($%d%s[])", o->sql, in ? "= any" : "<> all",
               lookup_param(s, sql_array(s->a, items, n)), o->cast);
    return OK;
}

static enum status
period_condition(struct lookup_sql *s, const struct operand *o, enum op op,
                 const struct json *value, const char *now, struct error *err)
{
    int64_t us;
    enum status rc = duration_parse(json_str(value, ""), &us, err);

    if (rc != OK)
        return rc;
    const char *span = arena_printf(s->a, "%lld", (long long)us);
    if (!span)
        return fail(err, E_NOMEM, "condition");
    const char *at =
        o->json ? arena_printf(s->a, "%s::timestamptz", o->text) : o->sql;
    bool day = op == OP_DUE_IN || op == OP_DUE_AGO;
    const char *compare = op == OP_OLDER_THAN   ? "<"
                          : op == OP_NEWER_THAN ? ">="
                                                : "=";
    buf_printf(&s->text,
               "(%s)%s %s (%s %s $%d::bigint * interval '1 microsecond')%s",
               at ? at : "", day ? "::date" : "", compare, now,
               op == OP_DUE_IN ? "+" : "-", lookup_param(s, span),
               day ? "::date" : "");
    return OK;
}

static void
text_condition(struct lookup_sql *s, const struct operand *o, enum op op,
               const struct json *value)
{
    int n = lookup_param(s, json_str(value, ""));

    if (op == OP_CONTAINS)
        buf_printf(&s->text, "strpos(%s, $%d::text) > 0", o->text, n);
    else if (op == OP_STARTS_WITH)
        buf_printf(&s->text, "starts_with(%s, $%d::text)", o->text, n);
    else
        buf_printf(&s->text,
                   "(length($%d::text) = 0 or right(%s, length($%d::text)) ="
                   " $%d::text)",
                   n, o->text, n, n);
}

enum status
lookup_condition(struct lookup_sql *s, const char *alias,
                 const struct path_resolved *r, enum op op,
                 const struct json *value, const char *now, struct error *err)
{
    static const char *const signs[] = {[OP_GT] = ">",
                                        [OP_GTE] = ">=",
                                        [OP_LT] = "<",
                                        [OP_LTE] = "<=",
                                        [OP_EQ] = "="};
    bool null = !value || value->kind == JSON_NULL;
    struct operand o = {0};
    enum status rc = operand_of(s, alias, r, &o, err);

    if (rc != OK)
        return rc;
    switch (op) {
    case OP_IS_NULL:
    case OP_NOT_NULL:
        buf_printf(&s->text, "%s is %snull", o.sql,
                   op == OP_NOT_NULL ? "not " : "");
        return OK;
    case OP_NEQ:
        buf_printf(&s->text, "%s is distinct from %s", o.sql,
                   null ? "null" : value_param(s, &o, value));
        return OK;
    case OP_EQ:
    case OP_GT:
    case OP_GTE:
    case OP_LT:
    case OP_LTE:
        if (null)
            buf_puts(&s->text, "false");
        else
            buf_printf(&s->text, "%s %s %s", o.sql, signs[op],
                       value_param(s, &o, value));
        return OK;
    case OP_IN:
    case OP_NOT_IN:
        return list_condition(s, &o, op == OP_IN, value, err);
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        text_condition(s, &o, op, value);
        return OK;
    case OP_OLDER_THAN:
    case OP_NEWER_THAN:
    case OP_DUE_IN:
    case OP_DUE_AGO:
        return period_condition(s, &o, op, value, now, err);
    case OP_COUNT:
        break;
    }
    return fail(err, E_BUG, "not an operator");
}
