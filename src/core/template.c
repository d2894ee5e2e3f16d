#include "core/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "codec/time.h"

enum { NODES_MAX = 4000, OUT_MAX_BYTES = 1024 * 1024, LOOPS_MAX = 10000 };

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_IF, NODE_FOR };

struct node {
    enum node_kind kind;
    const char *text; /* TEXT; path of VALUE and IF, list of FOR */
    size_t n;
    const char *filter;        /* VALUE: "", "upcase", … */
    const char *fallback;      /* VALUE: default, or NULL */
    const char *name;          /* FOR: loop variable */
    struct node *body, *other; /* IF: then and else; FOR: body */
    struct node *next;
    int line;
};

struct template
{
    struct node *first;
};

struct parsing {
    struct arena *a;
    const char *p, *end;
    int line;
    size_t nodes;
    bool full; /* the arena was: whatever was said then is not the reason */
    struct error *err;
};

static enum status
bad(struct parsing *t, const char *what)
{
    return fail(t->err, E_INVALID, "line %d: %s", t->line, what);
}

static struct node *
node_new(struct parsing *t, enum node_kind kind)
{
    bool room = t->nodes++ < NODES_MAX;
    struct node *n = room ? arena_alloc(t->a, sizeof(*n)) : NULL;

    t->full |= room && !n;
    if (!n)
        (void)bad(t, "the template is too long");
    else
        *n = (struct node){.kind = kind, .line = t->line, .filter = ""};
    return n;
}

static const char *
trimmed(struct parsing *t, const char *s, const char *end)
{
    while (s < end && isspace((unsigned char)*s))
        s++;
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    char *copy = arena_strndup(t->a, s, (size_t)(end - s));
    t->full |= !copy;
    return copy;
}

static bool
path_ok(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.", *s))
            return false;
    return true;
}

/* The next '|' outside quotes, or NULL. */
static const char *
next_bar(const char *s, const char *end)
{
    char quote = '\0';

    for (; s < end; s++) {
        if (quote && *s == quote)
            quote = '\0';
        else if (quote)
            continue;
        else if (*s == '"' || *s == '\'')
            quote = *s;
        else if (*s == '|')
            return s;
    }
    return NULL;
}

/* "path | filter: "argument" | …" */
static enum status
parse_value(struct parsing *t, const char *s, const char *end, struct node *out)
{
    const char *bar = next_bar(s, end);

    out->text = trimmed(t, s, bar ? bar : end);
    if (!out->text || !path_ok(out->text))
        return bad(t, "a variable is a path such as subject.email");
    while (bar) {
        const char *from = bar + 1;
        bar = next_bar(from, end);
        const char *f = trimmed(t, from, bar ? bar : end);
        if (f && strncmp(f, "default:", 8) == 0) {
            const char *open = strpbrk(f, "\"'");
            const char *close = open ? strrchr(f, *open) : NULL;
            if (!open || close == open)
                return bad(t, "default: takes a quoted text");
            out->fallback =
                arena_strndup(t->a, open + 1, (size_t)(close - open - 1));
            t->full |= !out->fallback;
        } else if (f &&
                   (strcmp(f, "upcase") == 0 || strcmp(f, "downcase") == 0 ||
                    strcmp(f, "capitalize") == 0 || strcmp(f, "date") == 0)) {
            out->filter = f;
        } else {
            return bad(t, "unknown filter");
        }
    }
    return OK;
}

static enum status parse_list(struct parsing *t, int depth,
                              const char *const *stops, struct node **out,
                              const char **stop);

static enum status
parse_if(struct parsing *t, int depth, const char *tag, struct node *out)
{
    static const char *const first[] = {"else", "endif", NULL};
    static const char *const second[] = {"endif", NULL};
    const char *stop = NULL;

    out->text = trimmed(t, tag + 2, tag + strlen(tag));
    if (!out->text || !path_ok(out->text))
        return bad(t, "if takes a path");
    enum status rc = parse_list(t, depth + 1, first, &out->body, &stop);
    if (rc == OK && strcmp(stop, "else") == 0)
        rc = parse_list(t, depth + 1, second, &out->other, &stop);
    return rc;
}

static enum status
parse_for(struct parsing *t, int depth, const char *tag, struct node *out)
{
    static const char *const stops[] = {"endfor", NULL};
    const char *in = strstr(tag, " in "), *stop = NULL;

    if (!in)
        return bad(t, "for takes: for item in path");
    out->name = trimmed(t, tag + 3, in);
    out->text = trimmed(t, in + 4, tag + strlen(tag));
    if (!out->name || !out->text || !path_ok(out->name) ||
        !path_ok(out->text) || strchr(out->name, '.'))
        return bad(t, "for takes: for item in path");
    return parse_list(t, depth + 1, stops, &out->body, &stop);
}

static enum status
parse_tag(struct parsing *t, int depth, const char *tag,
          const char *const *stops, struct node **out, const char **stop)
{
    for (size_t i = 0; stops && stops[i]; i++) {
        if (strcmp(tag, stops[i]) == 0) {
            *stop = stops[i];
            return OK;
        }
    }
    bool is_if = strncmp(tag, "if ", 3) == 0;
    if (!is_if && strncmp(tag, "for ", 4) != 0)
        return bad(t, "unknown tag");
    *out = node_new(t, is_if ? NODE_IF : NODE_FOR);
    if (!*out)
        return E_INVALID;
    return is_if ? parse_if(t, depth, tag, *out)
                 : parse_for(t, depth, tag, *out);
}

static void
count_lines(struct parsing *t, const char *to)
{
    for (; t->p < to; t->p++)
        t->line += *t->p == '\n';
}

static const char *
find(const struct parsing *t, const char *from, const char *what)
{
    return from < t->end ? memmem(from, (size_t)(t->end - from), what, 2)
                         : NULL;
}

static const char *
next_mark(const struct parsing *t)
{
    const char *value = find(t, t->p, "{{"), *tag = find(t, t->p, "{%");

    if (!value || (tag && tag < value))
        return tag;
    return value;
}

static enum status
parse_mark(struct parsing *t, int depth, const char *const *stops,
           struct node **out, const char **stop)
{
    bool value = t->p[1] == '{';
    const char *close = find(t, t->p + 2, value ? "}}" : "%}");
    const char *from = t->p + 2;

    if (!close)
        return bad(t, value ? "{{ without }}" : "{% without %}");
    count_lines(t, close + 2);
    if (value) {
        *out = node_new(t, NODE_VALUE);
        return *out ? parse_value(t, from, close, *out) : E_INVALID;
    }
    const char *tag = trimmed(t, from, close);
    return tag ? parse_tag(t, depth, tag, stops, out, stop)
               : bad(t, "the template is too long");
}

static enum status
parse_list(struct parsing *t, int depth, const char *const *stops,
           struct node **out, const char **stop)
{
    struct node **tail = out;

    if (depth > TEMPLATE_MAX_DEPTH)
        return bad(t, "nested too deep");
    while (t->p < t->end) {
        const char *mark = next_mark(t);
        const char *until = mark ? mark : t->end;
        struct node *n = NULL;
        if (until > t->p) {
            n = node_new(t, NODE_TEXT);
            if (!n)
                return E_INVALID;
            n->text = t->p;
            n->n = (size_t)(until - t->p);
            count_lines(t, until);
            *tail = n;
            tail = &n->next;
        }
        if (!mark)
            break;
        n = NULL;
        const char *found = NULL;
        enum status rc = parse_mark(t, depth, stops, &n, &found);
        if (rc != OK)
            return rc;
        if (!n) { /* a closing tag made no node */
            *stop = found;
            return OK;
        }
        *tail = n;
        tail = &n->next;
    }
    return stops ? bad(t, "a tag is not closed") : OK;
}

enum status
template_parse(struct arena *a, const char *text, size_t n,
               struct template **out, struct error *err)
{
    char *copy = arena_strndup(a, text, n);
    struct template *t = arena_alloc(a, sizeof(*t));
    const char *stop = NULL;

    if (n > TEMPLATE_MAX_BYTES)
        return fail(err, E_TOOBIG, "template of %zu bytes", n);
    if (!copy || !t)
        return fail(err, E_NOMEM, "template");
    struct parsing p = {
        .a = a, .p = copy, .end = copy + n, .line = 1, .err = err};
    *out = t;
    enum status rc = parse_list(&p, 0, NULL, &t->first, &stop);
    return p.full ? fail(err, E_NOMEM, "template") : rc;
}

/* ---- rendering ---- */

struct scope {
    const struct scope *up;
    const char *name;
    const struct json *value;
};

struct rendering {
    const struct json *context;
    bool html;
    struct buf *out;
    size_t loops;
    struct error *err;
};

static const struct json *
lookup(const struct rendering *r, const struct scope *scope, const char *path)
{
    size_t n = strcspn(path, ".");

    for (; scope; scope = scope->up)
        if (strlen(scope->name) == n && memcmp(scope->name, path, n) == 0)
            return path[n] ? json_at(scope->value, path + n + 1) : scope->value;
    return json_at(r->context, path);
}

static bool
truthy(const struct json *v)
{
    return v && v->kind != JSON_NULL &&
           !(v->kind == JSON_BOOL && !v->boolean) &&
           !(v->kind == JSON_STRING && v->n == 0) &&
           !(v->kind == JSON_ARRAY && v->n == 0);
}

static void
filtered(struct buf *out, const char *s, const char *filter)
{
    int64_t us;
    char iso[ISO_BYTES];

    if (strcmp(filter, "date") == 0 &&
        iso_parse(s, strlen(s), &us, NULL) == OK) {
        buf_add(out, iso_write(us, iso), 10);
        return;
    }
    bool up = strcmp(filter, "upcase") == 0;
    bool down = strcmp(filter, "downcase") == 0;
    bool cap = strcmp(filter, "capitalize") == 0;
    for (size_t i = 0; s[i]; i++) {
        int c = (unsigned char)s[i];
        if (up || (cap && i == 0))
            c = (toupper)(c);
        else if (down)
            c = (tolower)(c);
        buf_putc(out, (char)c);
    }
}

/* A value inside Markdown stays what it is: neither HTML nor a link, a
 * heading or emphasis. CommonMark reads an entity as a character and never as
 * markup. Letters, digits, spaces and UTF-8 pass. */
static void
inert(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < ' ' || ispunct(c))
            buf_printf(out, "&#%d;", c);
        else
            buf_putc(out, s[i]);
    }
}

static enum status
render_value(struct rendering *r, const struct scope *scope,
             const struct node *n)
{
    const struct json *v = lookup(r, scope, n->text);
    AUTO_BUF text = buf_new(OUT_MAX_BYTES);

    if (!v || v->kind == JSON_NULL || (v->kind == JSON_STRING && v->n == 0)) {
        if (!n->fallback) {
            (void)error_hint(r->err,
                             "give it a default: {{ %s | default: "
                             "\"…\" }}",
                             n->text);
            return fail(r->err, E_INVALID, "line %d: '%s' is not known here",
                        n->line, n->text);
        }
        buf_puts(&text, n->fallback);
    } else if (v->kind == JSON_STRING) {
        filtered(&text, v->text, n->filter);
    } else {
        json_write(&text, v, false);
    }
    if (r->html)
        inert(r->out, text.data, text.len);
    else
        buf_add(r->out, text.data, text.len);
    return buf_check(&text, "message", r->err);
}

static enum status render_list(struct rendering *r, const struct scope *scope,
                               const struct node *n);

static enum status
render_for(struct rendering *r, const struct scope *up, const struct node *n)
{
    const struct json *list = lookup(r, up, n->text);
    enum status rc = OK;

    for (uint32_t i = 0; rc == OK && json_is(list, JSON_ARRAY) && i < list->n;
         i++) {
        struct scope scope = {
            .up = up, .name = n->name, .value = list->items[i]};
        if (++r->loops > LOOPS_MAX)
            return fail(r->err, E_TOOBIG, "line %d: over %d rounds", n->line,
                        LOOPS_MAX);
        rc = render_list(r, &scope, n->body);
    }
    return rc;
}

static enum status
render_list(struct rendering *r, const struct scope *scope,
            const struct node *n)
{
    enum status rc = OK;

    for (; rc == OK && n; n = n->next) {
        switch (n->kind) {
        case NODE_TEXT:
            buf_add(r->out, n->text, n->n);
            break;
        case NODE_VALUE:
            rc = render_value(r, scope, n);
            break;
        case NODE_IF:
            rc = render_list(r, scope,
                             truthy(lookup(r, scope, n->text)) ? n->body
                                                               : n->other);
            break;
        case NODE_FOR:
            rc = render_for(r, scope, n);
            break;
        }
    }
    return rc;
}

enum status
template_render(const struct template *t, const struct json *context, bool html,
                struct buf *out, struct error *err)
{
    struct rendering r = {
        .context = context, .html = html, .out = out, .err = err};
    enum status rc = render_list(&r, NULL, t->first);

    return rc == OK ? buf_check(out, "message", err) : rc;
}
