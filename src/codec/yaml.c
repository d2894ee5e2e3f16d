#include "codec/yaml.h"

#include <ctype.h>
#include <libfyaml.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

enum { NODES_MAX = 200000 };

struct yaml {
    struct arena *a;
    struct fy_document *doc;
    struct error *err;
    int nodes;
};

static void
diag_quiet(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
    (void)diag;
    struct buf *out = user;
    buf_add(out, buf, len);
}

static struct json *
refuse(struct yaml *y, struct fy_node *n, const char *why)
{
    const struct fy_mark *m = NULL;
    struct fy_token *t = n ? fy_node_get_scalar_token(n) : NULL;

    if (t)
        m = fy_token_start_mark(t);
    if (m)
        (void)fail(y->err, E_INPUT, "line %d, column %d: %s", m->line + 1,
                   m->column + 1, why);
    else
        (void)fail(y->err, E_INPUT, "%s", why);
    return NULL;
}

static bool
is_integer(const char *s, size_t n)
{
    size_t i = n && (s[0] == '-' || s[0] == '+');

    if (i == n || n - i > 18)
        return false;
    for (; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return true;
}

static size_t
run_of_digits(const char *s, size_t n, size_t i)
{
    size_t start = i;

    while (i < n && isdigit((unsigned char)s[i]))
        i++;
    return i - start;
}

/* A JSON number's grammar, so that the text can be kept as it is. */
static bool
is_decimal(const char *s, size_t n)
{
    size_t i = n && s[0] == '-';
    size_t digits = run_of_digits(s, n, i);

    if (digits == 0 || (digits > 1 && s[i] == '0'))
        return false;
    i += digits;
    if (i < n && s[i] == '.') {
        digits = run_of_digits(s, n, ++i);
        i += digits;
    }
    if (digits && i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        i += i < n && (s[i] == '+' || s[i] == '-');
        digits = run_of_digits(s, n, i);
        i += digits;
    }
    return digits && i == n;
}

static bool
word(const char *s, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && memcmp(*words, s, n) == 0)
            return true;
    return false;
}

/* The core schema of YAML 1.2: only these plain words are not strings. */
static struct json *
plain_scalar(struct yaml *y, const char *s, size_t n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};

    if (word(s, n, nulls))
        return json_null(y->a);
    if (word(s, n, trues))
        return json_boolean(y->a, true);
    if (word(s, n, falses))
        return json_boolean(y->a, false);
    if (is_integer(s, n)) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%.*s", (int)n, s);
        return json_integer(y->a, strtoll(text, NULL, 10));
    }
    if (is_decimal(s, n))
        return json_decimal(y->a, arena_strndup(y->a, s, n));
    return json_string_n(y->a, s, n);
}

static struct json *
scalar(struct yaml *y, struct fy_node *node)
{
    size_t n = 0;
    const char *s = fy_node_get_scalar(node, &n);
    struct json *j;

    if (!s)
        s = "";
    if (memchr(s, '\0', n) || !utf8_valid(s, n))
        return refuse(y, node, "a string holds NUL or is not UTF-8");
    bool plain = fy_node_get_style(node) == FYNS_PLAIN;
    j = plain ? plain_scalar(y, s, n) : json_string_n(y->a, s, n);
    if (!j)
        (void)fail(y->err, E_NOMEM, "YAML");
    /* JSON has no infinity for it. */
    if (json_is(j, JSON_DECIMAL) && !isfinite(json_double(j, 0)))
        return refuse(y, node, "number out of range");
    return j;
}

static struct json *convert(struct yaml *y, struct fy_node *node, int depth);

static struct json *
sequence(struct yaml *y, struct fy_node *node, int depth)
{
    struct json *out = json_array(y->a);
    void *iter = NULL;

    for (struct fy_node *item;
         out && (item = fy_node_sequence_iterate(node, &iter));) {
        struct json *v = convert(y, item, depth + 1);
        if (!v)
            return NULL;
        out = json_push(y->a, out, v);
    }
    if (!out)
        (void)fail(y->err, E_NOMEM, "YAML");
    return out;
}

static struct json *
mapping(struct yaml *y, struct fy_node *node, int depth)
{
    struct json *out = json_object(y->a);
    void *iter = NULL;

    for (struct fy_node_pair *pair;
         out && (pair = fy_node_mapping_iterate(node, &iter));) {
        struct fy_node *key = fy_node_pair_key(pair);
        size_t n = 0;
        const char *s = key ? fy_node_get_scalar(key, &n) : NULL;
        if (!s || !utf8_valid(s, n) || memchr(s, '\0', n))
            return refuse(y, key, "a key must be plain text");
        const char *name = arena_strndup(y->a, s, n);
        if (name && json_get(out, name))
            return refuse(y, key, "a key stands twice");
        struct json *v = convert(y, fy_node_pair_value(pair), depth + 1);
        if (!v)
            return NULL;
        out = name ? json_put(y->a, out, name, v) : NULL;
    }
    if (!out)
        (void)fail(y->err, E_NOMEM, "YAML");
    return out;
}

static struct json *
convert(struct yaml *y, struct fy_node *node, int depth)
{
    if (!node)
        return json_null(y->a);
    if (++y->nodes > NODES_MAX)
        return refuse(y, node, "more values than allowed");
    if (depth >= JSON_MAX_DEPTH)
        return refuse(y, node, "nested too deep");
    if (fy_node_get_tag(node, NULL))
        return refuse(y, node, "tags are not allowed");
    if (fy_node_is_alias(node))
        return refuse(y, node, "an alias without its anchor");
    switch (fy_node_get_type(node)) {
    case FYNT_SCALAR:
        return scalar(y, node);
    case FYNT_SEQUENCE:
        return sequence(y, node, depth);
    case FYNT_MAPPING:
        return mapping(y, node, depth);
    }
    return refuse(y, node, "unknown node");
}

/* libfyaml says "<memory>:3:5: error: …" with the line below it. */
static enum status
syntax_error(const char *said, struct error *err)
{
    int line = 0, column = 0;
    const char *at = strchr(said, ':');
    char *end = NULL;

    if (at) {
        line = (int)strtol(at + 1, &end, 10);
        if (end && *end == ':')
            column = (int)strtol(end + 1, NULL, 10);
    }
    const char *what = strstr(said, "error: ");
    what = what ? what + 7 : "not YAML";
    int n = (int)strcspn(what, "\n");
    return fail(err, E_INPUT, "line %d, column %d: %.*s", line, column,
                n > 200 ? 200 : n, what);
}

static void
doc_freep(struct fy_document **d)
{
    fy_document_destroy(*d);
}

static void
diag_freep(struct fy_diag **d)
{
    fy_diag_destroy(*d);
}

static struct fy_diag *
diag_into(struct buf *said)
{
    struct fy_diag_cfg config;

    fy_diag_cfg_default(&config);
    config.fp = NULL;
    config.output_fn = diag_quiet;
    config.user = said;
    config.colorize = false;
    return fy_diag_create(&config);
}

/* Directives are not needed, and libfyaml 0.7 never ends on some. */
static enum status
no_directives(const char *text, size_t n, struct error *err)
{
    int line = 1;

    for (size_t i = 0; i < n; i++) {
        bool first = i == 0 || text[i - 1] == '\n' || text[i - 1] == '\r';
        if (first && text[i] == '%')
            return fail(err, E_INPUT,
                        "line %d, column 1: directives are not allowed", line);
        line += text[i] == '\n';
    }
    return OK;
}

enum status
yaml_parse(struct arena *a, const char *text, size_t n, size_t max_bytes,
           struct json **out, struct error *err)
{
    struct error local = {0};
    AUTO_BUF said = buf_new(65536);

    if (!err)
        err = &local;
    if (n > max_bytes)
        return fail(err, E_TOOBIG, "YAML of %zu bytes is over %zu", n,
                    max_bytes);
    enum status rc = no_directives(text, n, err);
    if (rc != OK)
        return rc;
    __attribute__((cleanup(diag_freep))) struct fy_diag *diag =
        diag_into(&said);
    struct fy_parse_cfg config = {.flags = FYPCF_RESOLVE_DOCUMENT,
                                  .diag = diag};
    __attribute__((cleanup(doc_freep))) struct fy_document *doc =
        fy_document_build_from_string(&config, text, n);
    if (!doc)
        return syntax_error(said.data, err);
    struct yaml y = {.a = a, .doc = doc, .err = err};
    *out = convert(&y, fy_document_root(doc), 0);
    return *out ? OK : err->code;
}

int
yaml_line_of(const char *text, size_t n, const char *dotted)
{
    AUTO_BUF said = buf_new(65536);
    char path[512];
    size_t used = 0;

    path[used++] = '/';
    for (const char *p = dotted; *p && used + 2 < sizeof(path); p++) {
        if (*p == '.' || *p == '[')
            path[used++] = '/';
        else if (*p != ']')
            path[used++] = *p;
    }
    path[used] = '\0';
    if (no_directives(text, n, NULL) != OK)
        return 0;
    __attribute__((cleanup(diag_freep))) struct fy_diag *diag =
        diag_into(&said);
    struct fy_parse_cfg config = {.diag = diag};
    __attribute__((cleanup(doc_freep))) struct fy_document *doc =
        fy_document_build_from_string(&config, text, n);
    if (!doc)
        return 0;
    struct fy_node *node =
        fy_node_by_path(fy_document_root(doc), path, FY_NT, FYNWF_DONT_FOLLOW);
    for (int depth = 0; node && depth < JSON_MAX_DEPTH; depth++) {
        struct fy_token *t = fy_node_get_scalar_token(node);
        const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;
        if (m)
            return m->line + 1;
        /* The first scalar inside stands on the line of a collection. */
        void *iter = NULL;
        if (fy_node_is_mapping(node)) {
            struct fy_node_pair *pair = fy_node_mapping_iterate(node, &iter);
            node = pair ? fy_node_pair_key(pair) : NULL;
        } else {
            node = fy_node_sequence_iterate(node, &iter);
        }
    }
    return 0;
}

/* ---- writer ---- */

static bool
plain_safe(const struct json *j)
{
    static const char *const words[] = {"~",     "null",  "Null", "NULL",
                                        "true",  "True",  "TRUE", "false",
                                        "False", "FALSE", "",     NULL};

    if (word(j->text, j->n, words) || is_decimal(j->text, j->n) ||
        is_integer(j->text, j->n))
        return false;
    if (!isalpha((unsigned char)j->text[0]) && j->text[0] != '_' &&
        j->text[0] != '/')
        return false;
    for (uint32_t i = 0; i < j->n; i++) {
        unsigned char c = (unsigned char)j->text[i];
        if (!isalnum(c) && !strchr(" _-./@+()", c))
            return false;
    }
    return j->text[j->n - 1] != ' ';
}

static void
write_scalar(struct buf *out, const struct json *j)
{
    if (json_is(j, JSON_STRING) && plain_safe(j))
        buf_add(out, j->text, j->n);
    else
        json_write(out, j, false); /* JSON strings are YAML strings */
}

static void
indent_to(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

/* Line ends of Unicode, and the mark of byte order. */
static bool
is_odd(const char *at)
{
    static const char *const odd[] = {"\xc2\x85", "\xe2\x80\xa8",
                                      "\xe2\x80\xa9", "\xef\xbb\xbf"};

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        if (strncmp(at, odd[i], strlen(odd[i])) == 0)
            return true;
    return false;
}

/* A character that a literal block keeps where it is. `after` is what follows,
 * NUL at the end. */
static bool
kept_in_block(const char *at, char after)
{
    unsigned char c = (unsigned char)*at;
    bool line_end = after == '\n' || after == '\0';

    if ((c < ' ' && c != '\n') || c == 0x7f || is_odd(at))
        return false;
    return c != ' ' || !line_end;
}

/* Text of several lines that a literal block gives back byte for byte. */
static bool
block_safe(const struct json *j)
{
    const char *t = j->text, *first = strchr(t, '\n');

    if (j->n < 2 || t[0] == ' ' || t[0] == '\n' || strlen(t) != j->n)
        return false;
    if (!first || first[1] == '\0' || strcmp(t + j->n - 2, "\n\n") == 0)
        return false;
    for (uint32_t i = 0; i < j->n; i++)
        if (!kept_in_block(&t[i], t[i + 1]))
            return false;
    return true;
}

static void
write_block(struct buf *out, const struct json *j, int depth)
{
    bool ended = j->text[j->n - 1] == '\n';

    buf_puts(out, ended ? "|\n" : "|-\n");
    for (const char *line = j->text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n)
            indent_to(out, depth);
        buf_add(out, line, n);
        buf_putc(out, '\n');
        line += n + (line[n] == '\n');
    }
}

static void
write_node(struct buf *out, const struct json *j, int depth)
{
    bool collection = json_is(j, JSON_OBJECT) || json_is(j, JSON_ARRAY);

    if (json_is(j, JSON_STRING) && depth > 0 && block_safe(j)) {
        write_block(out, j, depth);
        return;
    }
    if (!collection || j->n == 0) {
        write_scalar(out, j);
        buf_putc(out, '\n');
        return;
    }
    for (uint32_t i = 0; i < j->n; i++) {
        if (i)
            indent_to(out, depth);
        const struct json *v;
        if (j->kind == JSON_ARRAY) {
            v = j->items[i];
            buf_puts(out, "- ");
        } else {
            struct json key = {.kind = JSON_STRING,
                               .n = (uint32_t)strlen(j->members[i].key),
                               .text = j->members[i].key};
            v = j->members[i].value;
            write_scalar(out, &key);
            buf_puts(out, ": ");
        }
        bool block =
            (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY)) && v->n > 0;
        if (block && j->kind == JSON_OBJECT) {
            out->len--; /* the space after the colon */
            buf_putc(out, '\n');
            indent_to(out, depth + 1);
        }
        write_node(out, v, depth + 1);
    }
}

void
yaml_write(struct buf *out, const struct json *j)
{
    write_node(out, j, 0);
}
