#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/time.h"

enum { TEXT_MAX_BYTES = 64 * 1024 * 1024 };

static void
write_string(struct buf *out, const char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0;

    buf_putc(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_add(out, s + start, i - start);
        start = i + 1;
        const char *plain = "\"\\\b\f\n\r\t", *code = "\"\\bfnrt";
        const char *at = c ? strchr(plain, c) : NULL;
        char escape[7] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], 0};
        if (at)
            buf_printf(out, "\\%c", code[at - plain]);
        else
            buf_puts(out, escape);
    }
    buf_add(out, s + start, n - start);
    buf_putc(out, '"');
}

static void
newline(struct buf *out, int indent)
{
    buf_putc(out, '\n');
    for (int i = 0; i < indent; i++)
        buf_puts(out, "  ");
}

struct style {
    bool pretty, sorted;
};

static int
by_key(const void *x, const void *y)
{
    const struct json_member *a = x, *b = y;

    return strcmp(a->key, b->key);
}

static void write_value(struct buf *out, const struct json *j,
                        struct style style, int indent);

static void
write_members(struct buf *out, const struct json *j, struct style style,
              int indent)
{
    struct json_member *sorted = NULL;
    const struct json_member *m = j->members;

    if (style.sorted && j->n > 1) {
        sorted = malloc(j->n * sizeof(*sorted));
        if (!sorted) {
            out->failed = out->no_memory = true;
            return;
        }
        memcpy(sorted, m, j->n * sizeof(*sorted));
        qsort(sorted, j->n, sizeof(*sorted), by_key);
        m = sorted;
    }
    for (uint32_t i = 0; i < j->n; i++) {
        if (i)
            buf_putc(out, ',');
        if (style.pretty)
            newline(out, indent + 1);
        write_string(out, m[i].key, strlen(m[i].key));
        buf_puts(out, style.pretty ? ": " : ":");
        write_value(out, m[i].value, style, indent + 1);
    }
    free(sorted);
}

static void
write_items(struct buf *out, const struct json *j, struct style style,
            int indent)
{
    for (uint32_t i = 0; i < j->n; i++) {
        if (i)
            buf_putc(out, ',');
        if (style.pretty)
            newline(out, indent + 1);
        write_value(out, j->items[i], style, indent + 1);
    }
}

static void
write_value(struct buf *out, const struct json *j, struct style style,
            int indent)
{
    if (!j) {
        buf_puts(out, "null");
        return;
    }
    switch (j->kind) {
    case JSON_NULL:
        buf_puts(out, "null");
        break;
    case JSON_BOOL:
        buf_puts(out, j->boolean ? "true" : "false");
        break;
    case JSON_INT:
        buf_printf(out, "%lld", (long long)j->integer);
        break;
    case JSON_DECIMAL:
        buf_add(out, j->text, j->n);
        break;
    case JSON_STRING:
        write_string(out, j->text, j->n);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT: {
        bool object = j->kind == JSON_OBJECT;
        buf_putc(out, object ? '{' : '[');
        if (object)
            write_members(out, j, style, indent);
        else
            write_items(out, j, style, indent);
        if (style.pretty && j->n)
            newline(out, indent);
        buf_putc(out, object ? '}' : ']');
        break;
    }
    }
}

void
json_write(struct buf *out, const struct json *j, bool pretty)
{
    write_value(out, j, (struct style){.pretty = pretty}, 0);
}

void
json_write_canonical(struct buf *out, const struct json *j)
{
    write_value(out, j, (struct style){.sorted = true}, 0);
}

const char *
json_text(struct arena *a, const struct json *j)
{
    AUTO_BUF out = buf_new(TEXT_MAX_BYTES);

    json_write(&out, j, false);
    return buf_ok(&out) ? arena_strndup(a, out.data, out.len) : NULL;
}

/* ---- streaming ---- */

struct json_writer
jw_new(struct buf *out)
{
    return (struct json_writer){.out = out, .first = {true}};
}

static void
before(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (!w->first[w->depth])
        buf_putc(w->out, ',');
    w->first[w->depth] = false;
}

static void
begin(struct json_writer *w, char c)
{
    before(w);
    assert(w->depth + 1 < JSON_MAX_DEPTH);
    buf_putc(w->out, c);
    w->first[++w->depth] = true;
}

static void
end(struct json_writer *w, char c)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    buf_putc(w->out, c);
}

void
jw_object(struct json_writer *w)
{
    begin(w, '{');
}

void
jw_object_end(struct json_writer *w)
{
    end(w, '}');
}

void
jw_array(struct json_writer *w)
{
    begin(w, '[');
}

void
jw_array_end(struct json_writer *w)
{
    end(w, ']');
}

void
jw_key(struct json_writer *w, const char *key)
{
    assert(!w->after_key);
    before(w);
    write_string(w->out, key, strlen(key));
    buf_putc(w->out, ':');
    w->after_key = true;
}

void
jw_string(struct json_writer *w, const char *s)
{
    before(w);
    if (s)
        write_string(w->out, s, strlen(s));
    else
        buf_puts(w->out, "null");
}

void
jw_int(struct json_writer *w, int64_t v)
{
    before(w);
    buf_printf(w->out, "%lld", (long long)v);
}

void
jw_double(struct json_writer *w, double v)
{
    char text[32];

    before(w);
    if (!isfinite(v)) {
        buf_puts(w->out, "null");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (!(back < v) && !(back > v))
            break;
    }
    buf_puts(w->out, text);
}

void
jw_bool(struct json_writer *w, bool v)
{
    before(w);
    buf_puts(w->out, v ? "true" : "false");
}

void
jw_null(struct json_writer *w)
{
    before(w);
    buf_puts(w->out, "null");
}

void
jw_raw(struct json_writer *w, const char *json)
{
    before(w);
    buf_puts(w->out, json ? json : "null");
}

void
jw_value(struct json_writer *w, const struct json *v)
{
    before(w);
    json_write(w->out, v, false);
}

void
jw_time(struct json_writer *w, int64_t us)
{
    char text[ISO_BYTES];

    jw_string(w, us ? iso_write(us, text) : NULL);
}

void
jw_kv_string(struct json_writer *w, const char *key, const char *s)
{
    jw_key(w, key);
    jw_string(w, s);
}

void
jw_kv_int(struct json_writer *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_int(w, v);
}

void
jw_kv_bool(struct json_writer *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}

void
jw_kv_time(struct json_writer *w, const char *key, int64_t us)
{
    jw_key(w, key);
    jw_time(w, us);
}

void
jw_kv_raw(struct json_writer *w, const char *key, const char *json)
{
    jw_key(w, key);
    jw_raw(w, json);
}

void
jw_kv_value(struct json_writer *w, const char *key, const struct json *v)
{
    jw_key(w, key);
    jw_value(w, v);
}

const char *
json_plain(struct arena *a, const struct json *j)
{
    if (!j || j->kind == JSON_NULL)
        return NULL;
    return j->kind == JSON_STRING ? j->text : json_text(a, j);
}
