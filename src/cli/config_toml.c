/* The flat part of TOML 1.0 that .skene.config uses. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "codec/text.h"

enum { KEY_MAX_BYTES = 64, TEXT_MAX_BYTES = 8192 };

struct reader {
    struct arena *a;
    const char *p, *end;
    int line;
    struct error *err;
};

#define BAD(r, ...) line_fail((r), arena_printf((r)->a, __VA_ARGS__))

static enum status
line_fail(const struct reader *r, const char *what)
{
    return fail(r->err, E_INPUT, "line %d: %s", r->line,
                what ? what : "malformed");
}

static int
peek(const struct reader *r)
{
    return r->p < r->end ? (unsigned char)*r->p : -1;
}

static void
blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t')
        r->p++;
}

/* Blanks, newlines and comments, inside an array or between lines. */
static void
lines(struct reader *r)
{
    for (;;) {
        blanks(r);
        if (peek(r) == '#')
            while (r->p < r->end && *r->p != '\n')
                r->p++;
        if (peek(r) == '\r')
            r->p++;
        if (peek(r) != '\n')
            return;
        r->p++;
        r->line++;
    }
}

static enum status
escape(struct reader *r, struct buf *out)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    int c = peek(r);
    const char *at = c > 0 ? strchr(from, c) : NULL;

    if (!at)
        return BAD(r, "this escape is not supported");
    buf_putc(out, to[at - from]);
    r->p++;
    return OK;
}

static enum status
text_value(struct reader *r, const char **out)
{
    AUTO_BUF text = buf_new(TEXT_MAX_BYTES);
    char quote = *r->p++;

    while (peek(r) != quote) {
        int c = peek(r);
        if (c == -1 || c == '\n')
            return BAD(r, "a string is not closed");
        r->p++;
        if (c == '\\' && quote == '"') {
            enum status rc = escape(r, &text);
            if (rc != OK)
                return rc;
        } else {
            buf_putc(&text, (char)c);
        }
    }
    r->p++;
    if (!buf_ok(&text) || !utf8_valid(text.data, text.len))
        return BAD(r, "a string is too long or not UTF-8");
    *out = arena_strdup(r->a, text.data);
    return *out ? OK : fail(r->err, E_NOMEM, "configuration");
}

static enum status
array_value(struct reader *r, struct json **out)
{
    struct json *list = json_array(r->a);

    r->p++;
    for (;;) {
        const char *text = NULL;
        lines(r);
        if (peek(r) == ']')
            break;
        if (peek(r) != '"' && peek(r) != '\'')
            return BAD(r, "an array may hold strings only");
        enum status rc = text_value(r, &text);
        if (rc != OK)
            return rc;
        json_push(r->a, list, json_string(r->a, text));
        lines(r);
        if (peek(r) == ',')
            r->p++;
        else if (peek(r) != ']')
            return BAD(r, "expected , or ] in the array");
    }
    r->p++;
    *out = list;
    return OK;
}

static enum status
word_value(struct reader *r, struct json **out)
{
    char word[32];
    size_t n = 0;

    while (r->p < r->end && n < sizeof(word) - 1 &&
           !strchr(" \t\r\n#,]", *r->p))
        if (*r->p++ != '_')
            word[n++] = r->p[-1];
    word[n] = '\0';
    char *end = NULL;
    errno = 0;
    long long value = strtoll(word, &end, 10);
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        *out = json_boolean(r->a, word[0] == 't');
    else if (n && !*end && !errno)
        *out = json_integer(r->a, value);
    else
        return BAD(r, "'%s' is not a string, true, false or an integer", word);
    return OK;
}

static enum status
value(struct reader *r, struct json **out)
{
    const char *text = NULL;
    int c = peek(r);

    if (c == '[')
        return array_value(r, out);
    if (c != '"' && c != '\'')
        return word_value(r, out);
    enum status rc = text_value(r, &text);
    *out = json_string(r->a, text);
    return rc;
}

static enum status
pair(struct reader *r, struct json *out)
{
    const char *from = r->p;
    struct json *v = NULL;

    while (r->p < r->end &&
           (isalnum((unsigned char)*r->p) || *r->p == '_' || *r->p == '-'))
        r->p++;
    size_t n = (size_t)(r->p - from);
    if (n == 0 || n > KEY_MAX_BYTES)
        return BAD(r, *from == '[' ? "tables are not supported here"
                                   : "expected a key");
    const char *key = arena_strndup(r->a, from, n);
    blanks(r);
    if (peek(r) != '=')
        return BAD(r, "expected = after '%s'", key);
    r->p++;
    blanks(r);
    enum status rc = value(r, &v);
    if (rc != OK)
        return rc;
    if (json_get(out, key))
        return BAD(r, "'%s' is set twice", key);
    blanks(r);
    int c = peek(r);
    if (c != -1 && c != '\n' && c != '\r' && c != '#')
        return BAD(r, "text after the value of '%s'", key);
    json_put(r->a, out, key, v);
    return v ? OK : fail(r->err, E_NOMEM, "configuration");
}

enum status
toml_parse(struct arena *a, const char *text, size_t n, struct json **out,
           struct error *err)
{
    struct reader r = {
        .a = a, .p = text, .end = text + n, .line = 1, .err = err};

    *out = json_object(a);
    for (lines(&r); r.p < r.end; lines(&r)) {
        enum status rc = pair(&r, *out);
        if (rc != OK)
            return rc;
    }
    return *out ? OK : fail(err, E_NOMEM, "configuration");
}
