/* Constants of defaults: literals with the cast PostgreSQL adds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/sql_expr.h"

int64_t
sql_integer(const struct sql_model *m, const struct json *constant)
{
    const struct json *v = json_get(json_get(constant, "ival"), "ival");
    int64_t at = json_int(json_get(constant, "location"), -1);

    if (v || at < 0 || !m->text || (size_t)at > strlen(m->text))
        return json_int(v, 0);
    /* Between the sign and the number there may be spaces. */
    const char *text = m->text + at;
    bool negative = *text == '-';
    text += strspn(text, "+- \t\r\n");
    long long n = strtoll(text, NULL, 10);
    return negative ? -n : n;
}

void
sql_put(struct sql_printer *p, const char *text)
{
    if (text)
        buf_puts(p->out, text);
    else
        p->out->failed = p->out->no_memory = true;
}

static void
put_literal(struct sql_printer *p, const char *text)
{
    buf_putc(p->out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_putc(p->out, '\'');
        buf_putc(p->out, *text);
    }
    buf_putc(p->out, '\'');
}

/* 'public.tasks_id_seq': regclass prints with its schema. */
static const char *
relation_literal(struct sql_printer *p, const char *text)
{
    if (strchr(text, '.') || !p->m->n_path)
        return text;
    return arena_printf(p->m->w, "%s.%s", p->m->path[0], text);
}

static bool
is_truth(const char *text)
{
    static const char *const words[] = {"t", "true", "yes", "on", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* A quoted literal of a type, as get_const_expr() writes it. */
static void
put_typed(struct sql_printer *p, const char *text, const struct sql_type *type)
{
    struct sql_type plain;

    while (type->def && type->def->kind == 'd' && !type->array)
        type = &type->def->base; /* the cast to a domain is not shown */
    if (sql_type_is(type, "bool")) {
        sql_put(p, is_truth(text) ? "true" : "false");
        return;
    }
    if (sql_type_is(type, "int4") && text[0] != '-') {
        sql_put(p, text);
        return;
    }
    if (sql_type_is(type, "numeric") && text[0] >= '0' && text[0] <= '9' &&
        strpbrk(text, ".eE")) {
        sql_put(p, text);
        return;
    }
    plain = sql_type_plain(type);
    if (sql_type_is(type, "regclass"))
        text = relation_literal(p, text);
    if (!text) {
        sql_put(p, NULL);
        return;
    }
    put_literal(p, text);
    sql_put(p, "::");
    sql_put(p, sql_type_text(p->m, &plain));
}

/* Digits alone are the smallest type that holds them. */
static void
put_number(struct sql_printer *p, const char *text)
{
    char *end = NULL;

    errno = 0;
    long long n = strtoll(text, &end, 10);
    bool whole = !*end && errno == 0;
    struct sql_type type =
        sql_type_builtin(!whole                             ? "numeric"
                         : n >= INT32_MIN && n <= INT32_MAX ? "int4"
                                                            : "int8");
    p->beyond = p->beyond || strpbrk(text, "eE"); /* 1e3 prints as 1000 */
    put_typed(p, text, &type);
}

void
sql_put_const(struct sql_printer *p, const struct json *c,
              const struct sql_type *want)
{
    const char *s = json_get_str(json_get(c, "sval"), "sval", NULL);
    const char *f = json_get_str(json_get(c, "fval"), "fval", NULL);
    struct sql_type text = sql_type_builtin("text");
    struct sql_type plain = sql_type_plain(want ? want : &text);

    if (json_get(c, "sval")) {
        put_typed(p, s ? s : "", &plain);
    } else if (json_get(c, "ival")) {
        const char *n =
            arena_printf(p->m->w, "%lld", (long long)sql_integer(p->m, c));
        struct sql_type type = sql_type_builtin("int4");
        if (n)
            put_typed(p, n, &type);
        else
            sql_put(p, NULL);
    } else if (f) {
        put_number(p, f);
    } else if (json_get(c, "boolval")) {
        sql_put(p, json_bool(json_get(json_get(c, "boolval"), "boolval"), false)
                       ? "true"
                       : "false");
    } else if (json_bool(json_get(c, "isnull"), false)) {
        sql_put(p, "NULL::");
        sql_put(p, sql_type_text(p->m, &plain));
    } else {
        p->beyond = true;
    }
}
