#include "target/push_sql.h"

#include <string.h>

#include "codec/time.h"

enum { PUSH_SQL_BYTES = 256 * 1024 };

struct writer {
    struct arena *a;
    struct buf *out;
    const char *row, *old;
};

static const char *
ident(struct writer *w, const char *name)
{
    const char *quoted = sql_ident(w->a, name);

    if (!quoted)
        w->out->failed = true;
    return quoted ? quoted : "";
}

static void
literal(struct writer *w, const char *text)
{
    const char *quoted = text ? sql_literal(w->a, text) : NULL;

    if (quoted)
        buf_puts(w->out, quoted);
    else
        w->out->failed = true;
}

static const char *
alias(const struct writer *w, const struct push *p)
{
    return p->old ? w->old : w->row;
}

static bool
has_zone(const struct column *c)
{
    return strstr(c->type_name, "with time zone") != NULL;
}

/* The column in the form in which SQL compares it as core does. */
static void
operand(struct writer *w, const struct push *p)
{
    const char *name = ident(w, p->column->name);
    const char *row = alias(w, p);

    if (p->json_key) {
        buf_printf(w->out, "nullif(%s.%s::jsonb -> ", row, name);
        literal(w, p->json_key);
        buf_puts(w->out, ", 'null'::jsonb)");
        return;
    }
    switch (p->column->type) {
    case COLUMN_BOOL:
    case COLUMN_INT:
    case COLUMN_NUMERIC:
        buf_printf(w->out, "%s.%s", row, name);
        return;
    case COLUMN_TEXT:
    case COLUMN_UUID:
    case COLUMN_ENUM:
        buf_printf(w->out, "%s.%s::text collate \"C\"", row, name);
        return;
    case COLUMN_TIMESTAMP:
    case COLUMN_DATE:
        buf_printf(w->out, "%s.%s%s", row, name,
                   has_zone(p->column) ? "" : "::timestamp");
        return;
    case COLUMN_JSON:
    case COLUMN_OTHER:
    case COLUMN_TYPE_COUNT:
        break;
    }
    buf_printf(w->out, "%s.%s::text", row, name);
}

static void
value(struct writer *w, const struct push *p, const struct json *v)
{
    int64_t us = 0;
    char iso[ISO_BYTES];

    if (p->json_key) {
        literal(w, json_text(w->a, v));
        buf_puts(w->out, "::jsonb");
    } else if (v->kind == JSON_BOOL) {
        buf_puts(w->out, v->boolean ? "true" : "false");
    } else if (v->kind != JSON_STRING) {
        const char *text = json_text(w->a, v);
        buf_printf(w->out, "(%s)", text ? text : "");
    } else if (p->column->type == COLUMN_TIMESTAMP ||
               p->column->type == COLUMN_DATE) {
        (void)(iso_parse(v->text, v->n, &us, NULL) == OK);
        (void)iso_write(us, iso);
        /* The type's own reading of the literal ignores the Z or takes it. */
        literal(w, iso);
        buf_puts(w->out, has_zone(p->column) ? "::timestamptz" : "::timestamp");
    } else {
        literal(w, v->text);
    }
}

static void
list(struct writer *w, const struct push *p)
{
    size_t n = 0;

    buf_puts(w->out, p->op == OP_IN ? " in (" : " not in (");
    for (uint32_t i = 0; i < p->value->n; i++) {
        const struct json *v = p->value->items[i];
        if (v->kind == JSON_NULL)
            continue;
        buf_puts(w->out, n++ > 0 ? ", " : "");
        value(w, p, v);
        if (p->json_key && v->kind == JSON_BOOL)
            buf_printf(w->out, ", '\"%s\"'::jsonb",
                       v->boolean ? "true" : "false");
    }
    buf_putc(w->out, ')');
}

/* Nulls of the list do not count; an empty one holds nothing. */
static bool
is_empty(const struct json *items)
{
    for (uint32_t i = 0; i < items->n; i++)
        if (items->items[i]->kind != JSON_NULL)
            return false;
    return true;
}

/* JSON null is as good as none; a composite of nulls is something. */
static void
null_sql(struct writer *w, const struct push *p)
{
    const char *not_null = p->op == OP_NOT_NULL ? "not " : "";

    if (!p->json_key && p->column->type == COLUMN_JSON)
        buf_printf(w->out, "nullif(%s.%s::jsonb, 'null'::jsonb)", alias(w, p),
                   ident(w, p->column->name));
    else
        operand(w, p);
    buf_printf(w->out, " is %snull", not_null);
}

static void
in_sql(struct writer *w, const struct push *p)
{
    if (is_empty(p->value)) {
        if (p->op == OP_IN) {
            buf_puts(w->out, "false");
            return;
        }
        struct push some = *p;
        some.op = OP_NOT_NULL;
        null_sql(w, &some);
        return;
    }
    operand(w, p);
    list(w, p);
}

static void
equal_json(struct writer *w, const struct push *p)
{
    const struct json one = {
        .kind = JSON_ARRAY,
        .n = 1,
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): only read from */
        .items = (struct json *[]){(struct json *)(uintptr_t)p->value}};
    struct push as_list = *p;

    as_list.value = &one;
    as_list.op = p->op == OP_EQ ? OP_IN : OP_NOT_IN;
    if (p->op == OP_NEQ) { /* null differs from any value */
        operand(w, p);
        buf_puts(w->out, " is null or ");
    }
    operand(w, p);
    list(w, &as_list);
}

static void
text_sql(struct writer *w, const struct push *p)
{
    const char *call = p->op == OP_CONTAINS      ? "strpos"
                       : p->op == OP_STARTS_WITH ? "starts_with"
                                                 : "right";

    buf_printf(w->out, "%s(", call);
    operand(w, p);
    buf_puts(w->out, ", ");
    if (p->op == OP_ENDS_WITH)
        buf_puts(w->out, "length(");
    literal(w, p->value->text);
    if (p->op == OP_ENDS_WITH) {
        buf_puts(w->out, ")) = ");
        literal(w, p->value->text);
    } else {
        buf_puts(w->out, p->op == OP_CONTAINS ? ") > 0" : ")");
    }
}

static void
comparison(struct writer *w, const struct push *p)
{
    static const char *const signs[OP_COUNT] = {
        [OP_EQ] = "=", [OP_NEQ] = "is distinct from",
        [OP_GT] = ">", [OP_GTE] = ">=",
        [OP_LT] = "<", [OP_LTE] = "<=",
    };

    switch (p->op) {
    case OP_IS_NULL:
    case OP_NOT_NULL:
        null_sql(w, p);
        return;
    case OP_IN:
    case OP_NOT_IN:
        in_sql(w, p);
        return;
    case OP_CONTAINS:
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
        text_sql(w, p);
        return;
    case OP_EQ:
    case OP_NEQ:
    case OP_GT:
    case OP_GTE:
    case OP_LT:
    case OP_LTE:
        if (p->json_key) {
            equal_json(w, p);
            return;
        }
        operand(w, p);
        buf_printf(w->out, " %s ", signs[p->op]);
        value(w, p, p->value);
        return;
    case OP_OLDER_THAN:
    case OP_NEWER_THAN:
    case OP_DUE_IN:
    case OP_DUE_AGO:
    case OP_COUNT:
        break; /* push_can() keeps them out */
    }
    buf_puts(w->out, "true");
}

/* Times that are not printed as plain ISO 8601 (infinity, BC, zones with
 * seconds before 1972) are core's to judge. */
static void
odd_times(struct writer *w, const struct push *p)
{
    bool compared = p->op != OP_IS_NULL && p->op != OP_NOT_NULL;

    if (!compared ||
        (p->column->type != COLUMN_TIMESTAMP && p->column->type != COLUMN_DATE))
        return;
    buf_puts(w->out, " or ");
    operand(w, p);
    buf_puts(w->out, " not between '1972-02-01' and '9999-12-30'");
}

static void
write_push(struct writer *w, const struct push *p)
{
    bool all = p->kind == PUSH_ALL;

    switch (p->kind) {
    case PUSH_CHANGED:
        push_changed_sql(w->a, w->out, p->column);
        return;
    case PUSH_COMPARE:
        buf_putc(w->out, '(');
        if (p->negated) {
            /* "did not hold": odd times count as not holding */
            struct push plain = *p;
            plain.negated = false;
            buf_puts(w->out, "(");
            comparison(w, &plain);
            buf_puts(w->out, ") is not true");
            odd_times(w, p);
            buf_putc(w->out, ')');
            return;
        }
        comparison(w, p);
        odd_times(w, p);
        buf_puts(w->out, ") is true");
        return;
    case PUSH_ANY:
    case PUSH_ALL:
        if (p->n == 0)
            buf_puts(w->out, all ? "true" : "false");
        for (size_t i = 0; i < p->n; i++) {
            buf_puts(w->out, i == 0 ? "(" : all ? " and " : " or ");
            write_push(w, &p->sub[i]);
        }
        buf_puts(w->out, p->n ? ")" : "");
        return;
    }
}

void
push_sql(struct arena *a, struct buf *out, const struct push *p,
         const char *row, const char *old)
{
    write_push(&(struct writer){a, out, row, old}, p);
}

/* Some types have no equality (json, xml, point): their text has. */
void
push_changed_sql(struct arena *a, struct buf *out, const struct column *column)
{
    const char *name = sql_ident(a, column->name);
    bool text = column->type == COLUMN_JSON || column->type == COLUMN_OTHER;
    const char *cast = text ? "::text" : "";

    buf_printf(out, "new.%s%s is distinct from old.%s%s", name ? name : "",
               cast, name ? name : "", cast);
}

void
push_any_sql(struct arena *a, struct buf *out, const struct push *list,
             size_t n, const char *row, const char *old)
{
    const char **texts = arena_array(a, n + 1, sizeof(*texts));
    size_t kept = 0;

    for (size_t i = 0; texts && i < n; i++) {
        AUTO_BUF one = buf_new(PUSH_SQL_BYTES);
        push_sql(a, &one, &list[i], row, old);
        texts[kept] = buf_ok(&one) ? arena_strdup(a, one.data) : NULL;
        if (!texts[kept]) {
            out->failed = true;
            return;
        }
        size_t k = 0;
        while (strcmp(texts[k], texts[kept]) != 0)
            k++;
        kept += k == kept;
    }
    if (!texts)
        out->failed = true;
    buf_putc(out, '(');
    for (size_t i = 0; i < kept; i++)
        buf_printf(out, "%s%s", i > 0 ? "\n           or " : "", texts[i]);
    buf_putc(out, ')');
}
