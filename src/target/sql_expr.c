/*
 * Defaults as pg_get_expr() prints them with an empty search_path: literals
 * with the cast PostgreSQL adds, calls, casts, arrays, operators, CURRENT_*.
 */
#include <string.h>

#include "target/sql_expr.h"

enum { EXPR_MAX_BYTES = 64 * 1024, EXPR_MAX_DEPTH = 24 };

static void print(struct sql_printer *p, const struct json *node,
                  const struct sql_type *want);

/* What a call of PostgreSQL's own answers, where a cast to it is dropped, and
 * what the literals given to it become. */
static const struct {
    const char *name, *result, *arg;
} calls[] = {
    {"now", "timestamptz", NULL},
    {"clock_timestamp", "timestamptz", NULL},
    {"statement_timestamp", "timestamptz", NULL},
    {"transaction_timestamp", "timestamptz", NULL},
    {"gen_random_uuid", "uuid", NULL},
    {"nextval", "int8", "regclass"},
    {"currval", "int8", "regclass"},
    {"random", "float8", NULL},
    {"to_tsvector", "tsvector", "regconfig"},
    {"md5", "text", NULL},
    {"lower", "text", NULL},
    {"upper", "text", NULL},
};

/* Functions that come with an extension. */
static const char *const extension_calls[][2] = {
    {"uuid_generate_v1", "uuid-ossp"}, {"uuid_generate_v1mc", "uuid-ossp"},
    {"uuid_generate_v4", "uuid-ossp"}, {"uuid_nil", "uuid-ossp"},
    {"gen_random_bytes", "pgcrypto"},  {"crypt", "pgcrypto"},
    {"gen_salt", "pgcrypto"},          {"digest", "pgcrypto"},
};

static const char *
call_schema(const struct sql_model *m, const char *name)
{
    size_t n = sizeof(extension_calls) / sizeof(extension_calls[0]);

    for (size_t i = 0; i < m->n_functions; i++)
        for (size_t k = 0; k < m->n_path; k++)
            if (strcmp(m->functions[i].name, name) == 0 &&
                strcmp(m->functions[i].schema, m->path[k]) == 0)
                return m->path[k];
    for (size_t i = 0; i < n; i++)
        if (strcmp(extension_calls[i][0], name) == 0)
            return sql_extension(m, extension_calls[i][1]);
    return NULL;
}

static void
put_list(struct sql_printer *p, const struct json *items,
         const struct sql_type *want)
{
    for (uint32_t i = 0; json_is(items, JSON_ARRAY) && i < items->n; i++) {
        sql_put(p, i ? ", " : "");
        print(p, items->items[i], want);
    }
}

/* timezone('utc', x) written as x AT TIME ZONE 'utc', and EXTRACT: printed as
 * they were written. */
static void
put_syntax(struct sql_printer *p, const char *name, const struct json *args)
{
    bool zone = strcmp(name, "timezone") == 0;

    if (!json_is(args, JSON_ARRAY) || args->n != 2 ||
        (!zone && strcmp(name, "extract") != 0)) {
        p->beyond = true;
        return;
    }
    if (zone) {
        sql_put(p, "(");
        print(p, args->items[1], NULL);
        sql_put(p, " AT TIME ZONE ");
        print(p, args->items[0], NULL);
    } else {
        const struct json *field = json_get(args->items[0], "A_Const");
        sql_put(p, "EXTRACT(");
        sql_put(p, json_get_str(json_get(field, "sval"), "sval", ""));
        sql_put(p, " FROM ");
        print(p, args->items[1], NULL);
    }
    sql_put(p, ")");
}

static void
put_call(struct sql_printer *p, const struct json *c)
{
    const struct json *args = json_get(c, "args");
    const char *schema, *name;
    struct sql_type want = {0};

    sql_names(json_get(c, "funcname"), &schema, &name);
    if (strcmp(json_get_str(c, "funcformat", ""), "COERCE_SQL_SYNTAX") == 0) {
        put_syntax(p, name, args);
        return;
    }
    if (json_get(c, "over") || json_get(c, "agg_star") ||
        json_get(c, "agg_order") || json_get(c, "func_variadic")) {
        p->beyond = true;
        return;
    }
    if (schema && strcmp(schema, "pg_catalog") == 0)
        schema = NULL;
    else if (!schema)
        schema = call_schema(p->m, name);
    sql_put(p, schema ? sql_qualified(p->m, schema, name)
                      : sql_quoted(p->m, name));
    sql_put(p, "(");
    for (size_t i = 0; !schema && i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].name, name) == 0 && calls[i].arg)
            want = sql_type_builtin(calls[i].arg);
    /* Only the first argument is of that type: to_tsvector('english', x). */
    if (want.builtin && args && args->n > 0) {
        print(p, args->items[0], &want);
        for (uint32_t i = 1; i < args->n; i++) {
            sql_put(p, ", ");
            print(p, args->items[i], NULL);
        }
    } else {
        put_list(p, args, NULL);
    }
    sql_put(p, ")");
}

static const struct sql_column *
column_of(const struct sql_printer *p, const struct json *node)
{
    const struct json *fields = json_get(json_get(node, "ColumnRef"), "fields");
    const char *name = json_is(fields, JSON_ARRAY) && fields->n == 1
                           ? sql_string(fields->items[0])
                           : NULL;

    return name && p->m->on ? sql_column_find(p->m->on, name) : NULL;
}

/* The type of a node where it is certain; false where not. Operators see
 * varchar as text. */
static bool
type_of(struct sql_printer *p, const struct json *node, struct sql_type *out)
{
    const struct json *c = json_get(node, "A_Const");
    const struct sql_column *column = column_of(p, node);
    const char *schema, *name;

    if (c && json_get(c, "ival")) {
        *out = sql_type_builtin("int4");
    } else if (c && json_get(c, "boolval")) {
        *out = sql_type_builtin("bool");
    } else if (column) {
        *out = sql_type_plain(&column->type);
    } else if (json_get(node, "FuncCall")) {
        sql_names(json_get(json_get(node, "FuncCall"), "funcname"), &schema,
                  &name);
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
            if (strcmp(calls[i].name, name) == 0)
                *out = sql_type_builtin(calls[i].result);
    } else if (json_get(node, "TypeCast")) {
        return sql_type_read(p->m,
                             json_get(json_get(node, "TypeCast"), "typeName"),
                             out, NULL) == OK;
    }
    if (sql_type_is(out, "varchar"))
        *out = sql_type_builtin("text");
    return out->builtin || out->def;
}

static bool
same_type(const struct sql_type *x, const struct sql_type *y)
{
    return x->builtin == y->builtin && x->def == y->def &&
           x->array == y->array && !x->as_written && !y->as_written;
}

static void
put_cast(struct sql_printer *p, const struct json *c)
{
    const struct json *arg = json_get(c, "arg");
    const struct json *constant = json_get(arg, "A_Const");
    struct sql_type to, from = {0};

    if (sql_type_read(p->m, json_get(c, "typeName"), &to, NULL) != OK) {
        sql_put(p, NULL);
        return;
    }
    bool quoted = json_get(constant, "sval") || json_get(constant, "isnull");
    bool array = json_get(arg, "A_ArrayExpr") != NULL;
    if (to.def && to.def->kind == 'd')
        quoted = array = false;
    if (quoted || array || (type_of(p, arg, &from) && same_type(&from, &to))) {
        print(p, arg, &to);
        if (to.n_mods && quoted && !sql_type_is(&to, "interval")) {
            /* get_coercion_expr: the length cast of a literal shows. */
            struct sql_type plain = sql_type_plain(&to);
            const char *tail = sql_type_text(p->m, &plain);
            if (tail && p->out->len > strlen(tail) &&
                strcmp(p->out->data + p->out->len - strlen(tail), tail) == 0)
                p->out->data[p->out->len -= strlen(tail)] = '\0';
            sql_put(p, sql_type_text(p->m, &to));
        } else if (to.n_mods) {
            p->beyond = true;
        }
        return;
    }
    sql_put(p, "(");
    print(p, arg, to.def ? &to : NULL);
    sql_put(p, ")::");
    sql_put(p, sql_type_text(p->m, &to));
}

static bool
is_int(const struct sql_type *t)
{
    return (sql_type_is(t, "int2") || sql_type_is(t, "int4") ||
            sql_type_is(t, "int8"));
}

/* Whether an operator takes both as they are: else PostgreSQL adds casts that
 * we do not know. */
static bool
fits(const struct sql_type *x, const struct sql_type *y, const char *operator)
{
    bool joins = strcmp(operator, "||") == 0;
    bool moves = sql_type_is(y, "interval") &&
                 (sql_type_is(x, "timestamptz") ||
                  sql_type_is(x, "timestamp") || sql_type_is(x, "date"));

    return joins || moves || same_type(x, y) || (is_int(x) && is_int(y));
}

/* What a literal beside an operand of type `t` is taken for. */
static const struct sql_type *
beside(const struct sql_type *t, bool known, const char *operator)
{
    if (!known ||
        (strcmp(operator, "||") == 0 && !t->array && !sql_type_is(t, "jsonb")))
        return NULL;
    return t;
}

static void
put_operator(struct sql_printer *p, const struct json *e)
{
    const struct json *sides[] = {json_get(e, "lexpr"), json_get(e, "rexpr")};
    struct sql_type types[2] = {{0}, {0}};
    bool known[2];
    const char *schema, *name;

    sql_names(json_get(e, "name"), &schema, &name);
    if (strcmp(json_get_str(e, "kind", ""), "AEXPR_OP") != 0 || schema ||
        !sides[1]) {
        p->beyond = true;
        return;
    }
    for (int i = 0; i < 2; i++)
        known[i] = sides[i] && type_of(p, sides[i], &types[i]);
    if (known[0] && known[1] && !fits(&types[0], &types[1], name)) {
        p->beyond = true;
        return;
    }
    sql_put(p, "(");
    if (sides[0]) {
        print(p, sides[0], beside(&types[1], known[1], name));
        sql_put(p, " ");
    }
    sql_put(p, name);
    sql_put(p, " ");
    print(p, sides[1], beside(&types[0], known[0], name));
    sql_put(p, ")");
}

/* CURRENT_TIMESTAMP and its like: SVFOP_CURRENT_TIMESTAMP_N with precision. */
static void
put_now(struct sql_printer *p, const struct json *v)
{
    const char *op = json_get_str(v, "op", "");
    int64_t precision = json_int(json_get(v, "typmod"), 0);
    size_t n = strlen(op), head = strlen("SVFOP_");

    if (n <= head) {
        p->beyond = true;
        return;
    }
    if (n < 2 || strcmp(op + n - 2, "_N") != 0) {
        buf_add(p->out, op + head, n - head);
        return;
    }
    buf_add(p->out, op + head, n - head - 2);
    buf_printf(p->out, "(%lld)", (long long)precision);
}

/* Functions and operators of text take a varchar through a cast. */
static void
put_column(struct sql_printer *p, const struct json *node,
           const struct sql_type *want)
{
    const struct sql_column *c = column_of(p, node);
    bool cast = c && sql_type_is(&c->type, "varchar") &&
                (!want || sql_type_is(want, "text"));

    if (!c) {
        p->beyond = true;
        return;
    }
    sql_put(p, cast ? "(" : "");
    sql_put(p, sql_quoted(p->m, c->name));
    sql_put(p, cast ? ")::text" : "");
}

static void
put_array(struct sql_printer *p, const struct json *e,
          const struct sql_type *want)
{
    const struct json *items = json_get(e, "elements");
    struct sql_type one = want ? *want : (struct sql_type){0};

    one.array = false;
    one.n_mods = 0;
    sql_put(p, "ARRAY[");
    put_list(p, items, want && want->array ? &one : NULL);
    sql_put(p, "]");
    if (items && items->n)
        return;
    if (!want || !want->array) {
        p->beyond = true;
        return;
    }
    sql_put(p, "::");
    sql_put(p, sql_type_text(p->m, want));
}

static void
print(struct sql_printer *p, const struct json *node,
      const struct sql_type *want)
{
    const struct json *inner;

    if (!node || p->beyond || ++p->depth > EXPR_MAX_DEPTH) {
        p->beyond = true;
        return;
    }
    if ((inner = json_get(node, "A_Const"))) {
        sql_put_const(p, inner, want);
    } else if ((inner = json_get(node, "FuncCall"))) {
        put_call(p, inner);
    } else if ((inner = json_get(node, "TypeCast"))) {
        put_cast(p, inner);
    } else if ((inner = json_get(node, "A_Expr"))) {
        put_operator(p, inner);
    } else if ((inner = json_get(node, "SQLValueFunction"))) {
        put_now(p, inner);
    } else if (json_get(node, "ColumnRef")) {
        put_column(p, node, want);
    } else if ((inner = json_get(node, "A_ArrayExpr"))) {
        put_array(p, inner, want);
    } else if ((inner = json_get(node, "CoalesceExpr"))) {
        sql_put(p, "COALESCE(");
        put_list(p, json_get(inner, "args"), want);
        sql_put(p, ")");
    } else if ((inner = json_get(node, "MinMaxExpr"))) {
        bool least = strcmp(json_get_str(inner, "op", ""), "IS_LEAST") == 0;
        sql_put(p, least ? "LEAST(" : "GREATEST(");
        put_list(p, json_get(inner, "args"), want);
        sql_put(p, ")");
    } else {
        p->beyond = true;
    }
    p->depth--;
}

/* PostgreSQL keeps no default that is a bare NULL of the column's type. */
static bool
is_null(struct sql_model *m, const struct json *expr,
        const struct sql_type *want)
{
    const struct json *cast = json_get(expr, "TypeCast");
    const struct json *c =
        json_get(cast ? json_get(cast, "arg") : expr, "A_Const");
    struct sql_type to = {0};

    if (!json_bool(json_get(c, "isnull"), false) || want->n_mods)
        return false;
    return !cast ||
           (sql_type_read(m, json_get(cast, "typeName"), &to, NULL) == OK &&
            same_type(&to, want));
}

enum status
sql_expr_text(struct sql_model *m, const struct json *expr,
              const struct sql_type *want, const char **out, struct error *err)
{
    AUTO_BUF b = buf_new(EXPR_MAX_BYTES);
    struct sql_printer p = {.m = m, .out = &b};

    *out = NULL;
    if (is_null(m, expr, want))
        return OK;
    print(&p, expr, want);
    if (b.no_memory)
        return fail(err, E_NOMEM, "%s:%d: default", m->file, m->line);
    if (p.beyond || !buf_ok(&b)) {
        sql_note(m, "an expression is left out of the catalogue");
        return OK;
    }
    *out = arena_strndup(m->w, b.data, b.len);
    return *out ? OK : fail(err, E_NOMEM, "%s:%d: default", m->file, m->line);
}
