#include "target/channel.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "target/target_internal.h"

enum { SQL_MAX_BYTES = 16 * 1024 * 1024, COLUMNS_MAX = 64 };

enum status
target_over(const struct sql_channel *channel, bool read_only,
            struct target **out, struct error *err)
{
    struct target *t = calloc(1, sizeof(*t));

    *out = NULL;
    if (t)
        t->channel = malloc(sizeof(*t->channel));
    if (!t || !t->channel) {
        free(t);
        channel->close(channel->self);
        return fail(err, E_NOMEM, "connection");
    }
    *t->channel = *channel;
    t->read_only = read_only;
    t->pooled = true;
    *out = t;
    return OK;
}

bool
target_is_channel(const struct target *t)
{
    return t->channel != NULL;
}

static const char *
skip_comments(const char *sql)
{
    for (;;) {
        sql += strspn(sql, " \t\r\n");
        if (strncmp(sql, "--", 2) != 0)
            return sql;
        sql += strcspn(sql, "\n");
    }
}

/* A literal or comment as it stands; 0 when there is none here. Our own
 * statements have neither dollar quotes nor backslash escapes. */
static size_t
opaque_bytes(const char *sql)
{
    if (strncmp(sql, "--", 2) == 0)
        return strcspn(sql, "\n");
    if (*sql != '\'' && *sql != '"')
        return 0;
    const char *end = strchr(sql + 1, *sql);
    return end ? (size_t)(end - sql) + 1 : strlen(sql);
}

/* Puts literals for $1 …: a channel takes no parameters. */
static enum status
literals_put(struct arena *a, struct buf *out, const char *sql,
             const char *const *params, int n_params, struct error *err)
{
    while (*sql) {
        size_t whole = opaque_bytes(sql);
        if (whole) {
            buf_printf(out, "%.*s", (int)whole, sql);
            sql += whole;
            continue;
        }
        if (*sql != '$' || !isdigit((unsigned char)sql[1])) {
            buf_putc(out, *sql++);
            continue;
        }
        char *end = NULL;
        long i = strtol(sql + 1, &end, 10);
        if (i < 1 || i > n_params)
            return fail(err, E_BUG, "$%ld of %d parameters", i, n_params);
        const char *text =
            params[i - 1] ? sql_literal(a, params[i - 1]) : "null";
        if (!text)
            return fail(err, E_NOMEM, "query");
        buf_puts(out, text);
        sql = end;
    }
    return OK;
}

/* One field of a row's text, "(a,\"b \"\"c\"\"\",)": NULL when nothing stands
 * there. *at is left behind it. */
static enum status
field_read(struct arena *a, const char **at, const char **out,
           struct error *err)
{
    AUTO_BUF text = buf_new(SQL_MAX_BYTES);
    const char *p = *at;
    bool quoted = false;

    *out = NULL;
    if (*p == ',' || *p == ')')
        return OK;
    for (; *p && (quoted || !strchr(",)", *p)); p++) {
        bool doubled = quoted && strncmp(p, "\"\"", 2) == 0;
        if (*p == '"' && !doubled) {
            quoted = !quoted;
            continue;
        }
        p += doubled || (*p == '\\' && p[1]);
        buf_putc(&text, *p);
    }
    *at = p;
    enum status rc = buf_check(&text, "value", err);
    if (rc == OK)
        *out = arena_strndup(a, text.len ? text.data : "", text.len);
    return rc == OK && !*out ? fail(err, E_NOMEM, "value") : rc;
}

static enum status
record_read(struct arena *a, const char *text, const char **cells, int *columns,
            struct error *err)
{
    const char *p = text;

    *columns = 0;
    if (*p++ != '(')
        return fail(err, E_DB, "the answer is no row: %.40s", text);
    do {
        if (*columns == COLUMNS_MAX)
            return fail(err, E_BUG, "more than %d columns", COLUMNS_MAX);
        enum status rc = field_read(a, &p, &cells[(*columns)++], err);
        if (rc != OK)
            return rc;
    } while (*p++ == ',');
    return p[-1] == ')' ? OK : fail(err, E_DB, "the answer is cut off");
}

/* Members in their order: for statements that cannot be wrapped. */
static enum status
object_read(struct arena *a, const struct json *row, const char **cells,
            int *columns, struct error *err)
{
    *columns = (int)row->n;
    if (row->n > COLUMNS_MAX)
        return fail(err, E_BUG, "more than %d columns", COLUMNS_MAX);
    for (uint32_t i = 0; i < row->n; i++) {
        const struct json *v = row->members[i].value;
        cells[i] = v->kind == JSON_NULL     ? NULL
                   : v->kind == JSON_STRING ? v->text
                                            : json_text(a, v);
    }
    return OK;
}

static enum status
rows_read(struct arena *a, const struct json *rows, bool wrapped,
          struct target_rows *out, struct error *err)
{
    const char *cells[COLUMNS_MAX];
    enum status rc = OK;

    if (!json_is(rows, JSON_ARRAY))
        return fail(err, E_DB, "the answer is no list of rows");
    *out = (struct target_rows){.n = rows->n};
    for (uint32_t i = 0; rc == OK && i < rows->n; i++) {
        const struct json *row = rows->items[i];
        int columns = 0;
        if (!json_is(row, JSON_OBJECT))
            return fail(err, E_DB, "row %u of the answer is no object", i);
        rc = wrapped ? record_read(a, json_get_str(row, "r", ""), cells,
                                   &columns, err)
                     : object_read(a, row, cells, &columns, err);
        if (rc != OK)
            return rc;
        if (!out->values) {
            out->columns = columns;
            out->values = arena_array(a, (size_t)rows->n * (size_t)columns + 1,
                                      sizeof(*out->values));
        }
        if (!out->values)
            return fail(err, E_NOMEM, "%zu rows", out->n);
        if (columns != out->columns)
            return fail(err, E_DB, "rows of different lengths");
        memcpy(&out->values[(size_t)i * (size_t)columns], cells,
               (size_t)columns * sizeof(*cells));
    }
    return rc;
}

enum status
channel_query(struct target *t, struct arena *a, const char *sql,
              const char *const *params, int n_params, struct target_rows *out,
              struct error *err)
{
    AUTO_BUF text = buf_new(SQL_MAX_BYTES);
    struct json *rows = NULL;
    const char *body = skip_comments(sql);
    /* The row as one text: a column without a name of its own, or two of the
     * same, would be lost in an object. A statement that begins with WITH may
     * change data there, which it can only at the top. */
    bool wrapped = out && strncasecmp(body, "with", 4) != 0;

    buf_puts(&text, "set local search_path = pg_catalog, pg_temp;\n"
                    "set local timezone = 'UTC';\n");
    if (wrapped)
        buf_puts(&text, "with q as (\n");
    enum status rc = literals_put(a, &text, body, params, n_params, err);
    if (wrapped)
        buf_puts(&text, "\n) select q::text as r from q");
    if (rc == OK)
        rc = buf_check(&text, "query", err);
    if (rc == OK)
        rc = t->channel->run(t->channel->self, a, text.data, t->read_only,
                             &rows, err);
    return rc == OK && out ? rows_read(a, rows, wrapped, out, err) : rc;
}

enum status
channel_script(struct target *t, const char *sql, struct error *err)
{
    AUTO_ARENA a = arena_new(SQL_MAX_BYTES);
    struct json *rows = NULL;

    return a ? t->channel->run(t->channel->self, a, sql, false, &rows, err)
             : fail(err, E_NOMEM, "script");
}
