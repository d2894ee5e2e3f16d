#include "target/sql_text.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 64 * 1024 * 1024, COLUMNS_PER_OBJECT = 50 };

static const char *
finish(struct arena *a, struct buf *b)
{
    return buf_ok(b) ? arena_strndup(a, b->data, b->len) : NULL;
}

static void
quote(struct buf *out, const char *text, size_t n, char mark)
{
    buf_putc(out, mark);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == mark)
            buf_putc(out, mark);
        buf_putc(out, text[i]);
    }
    buf_putc(out, mark);
}

const char *
sql_ident(struct arena *a, const char *name)
{
    AUTO_BUF b = buf_new(TEXT_MAX_BYTES);

    quote(&b, name, strlen(name), '"');
    return finish(a, &b);
}

const char *
sql_table(struct arena *a, const char *full)
{
    AUTO_BUF b = buf_new(TEXT_MAX_BYTES);
    const char *dot = strchr(full, '.');

    if (dot) {
        quote(&b, full, (size_t)(dot - full), '"');
        buf_putc(&b, '.');
        full = dot + 1;
    }
    quote(&b, full, strlen(full), '"');
    return finish(a, &b);
}

const char *
sql_literal(struct arena *a, const char *text)
{
    AUTO_BUF b = buf_new(TEXT_MAX_BYTES);

    /* E'' makes the meaning independent of standard_conforming_strings. */
    if (strchr(text, '\\'))
        buf_putc(&b, 'E');
    buf_putc(&b, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '\\')
            buf_putc(&b, *p);
        buf_putc(&b, *p);
    }
    buf_putc(&b, '\'');
    return finish(a, &b);
}

const char *
sql_array(struct arena *a, const char *const *items, size_t n)
{
    AUTO_BUF b = buf_new(TEXT_MAX_BYTES);

    buf_putc(&b, '{');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&b, ',');
        if (!items[i]) {
            buf_puts(&b, "NULL");
            continue;
        }
        buf_putc(&b, '"');
        for (const char *p = items[i]; *p; p++) {
            if (*p == '"' || *p == '\\')
                buf_putc(&b, '\\');
            buf_putc(&b, *p);
        }
        buf_putc(&b, '"');
    }
    buf_putc(&b, '}');
    return finish(a, &b);
}

const char *
sql_int_array(struct arena *a, const int64_t *items, size_t n)
{
    AUTO_BUF b = buf_new(TEXT_MAX_BYTES);

    buf_putc(&b, '{');
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%" PRId64, i > 0 ? "," : "", items[i]);
    buf_putc(&b, '}');
    return finish(a, &b);
}

const char *
sql_type(enum column_type type)
{
    static const char *const types[] = {
        [COLUMN_BOOL] = "boolean",    [COLUMN_INT] = "bigint",
        [COLUMN_NUMERIC] = "numeric", [COLUMN_TEXT] = "text",
        [COLUMN_UUID] = "uuid",       [COLUMN_TIMESTAMP] = "timestamptz",
        [COLUMN_DATE] = "date",       [COLUMN_JSON] = NULL,
        [COLUMN_ENUM] = NULL,         [COLUMN_OTHER] = NULL,
    };

    static_assert(sizeof(types) / sizeof(types[0]) == COLUMN_TYPE_COUNT,
                  "a cast for every type");
    return types[type];
}

void
sql_value(struct arena *a, struct buf *out, const char *alias,
          const struct column *column)
{
    const char *name = sql_ident(a, column->name);

    buf_printf(out, "%s.%s%s", alias, name ? name : "",
               column->type == COLUMN_OTHER ? "::pg_catalog.text" : "");
}

void
sql_object(struct arena *a, struct buf *out, const char *alias,
           const struct column *const *columns, size_t n)
{
    if (n == 0)
        buf_puts(out, "'{}'::pg_catalog.jsonb");
    for (size_t i = 0; i < n; i++) {
        const char *label = sql_literal(a, columns[i]->name);
        if (i % COLUMNS_PER_OBJECT == 0)
            buf_printf(out, "%spg_catalog.jsonb_build_object(",
                       i > 0 ? " operator(pg_catalog.||) " : "");
        buf_printf(out, "%s, ", label ? label : "");
        sql_value(a, out, alias, columns[i]);
        bool last = i + 1 == n || (i + 1) % COLUMNS_PER_OBJECT == 0;
        buf_puts(out, last ? ")" : ", ");
    }
}

void
sql_key(struct arena *a, struct buf *out, const char *alias,
        const char *const *key, size_t n)
{
    if (n == 0)
        buf_puts(out, "null::pg_catalog.text");
    if (n > 1)
        buf_puts(out, "pg_catalog.jsonb_build_array(");
    for (size_t i = 0; i < n; i++) {
        const char *name = sql_ident(a, key[i]);
        buf_printf(out, "%s%s.%s", i > 0 ? ", " : "", alias, name ? name : "");
    }
    if (n > 0)
        buf_puts(out, n > 1 ? ")::pg_catalog.text" : "::pg_catalog.text");
}

const char *
sql_dollar_tag(struct arena *a, const char *body)
{
    const char *tag = "$skene$";

    for (int i = 1; tag && strstr(body, tag); i++)
        tag = arena_printf(a, "$skene%d$", i);
    return tag;
}
