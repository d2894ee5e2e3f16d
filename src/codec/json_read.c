/*
 * One pass over the text, straight into the arena. Ours and not json-c's:
 * docs/adr/0001-json-reader.md has the reasons and figures.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/json_scan.h"

/* Members of objects up to PAIRWISE_MAX are compared pair by pair. */
enum { STACK_LOCAL = 48, PAIRWISE_MAX = 12 };

/* Values of the collections that are still open lie on one stack; a collection
 * that closes takes its part of it into the arena at the right size. */
struct reader {
    struct json_scan s;
    struct json_member *stack;
    size_t used, room;
    struct json_member local[STACK_LOCAL];
};

static void
reader_done(struct reader *r)
{
    if (r->stack != r->local)
        free(r->stack);
}

static struct json *value(struct reader *r, int depth);

/* The next byte that is not space, or NUL at the end (nothing that a value or
 * separator starts with). */
static char
peek(struct json_scan *s)
{
    for (; s->i < s->n; s->i++) {
        char c = s->text[s->i];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return c;
    }
    return '\0';
}

static struct json *
expected(struct json_scan *s, const char *what)
{
    return s->i < s->n ? scan_bad(s, what) : scan_ended(s);
}

static bool
push(struct reader *r, const char *key, struct json *v)
{
    if (r->used == r->room) {
        bool first = r->stack == r->local;
        size_t room = r->room * 2;
        struct json_member *more =
            realloc(first ? NULL : r->stack, room * sizeof(*more));
        if (!more)
            return scan_full(&r->s);
        if (first)
            memcpy(more, r->local, sizeof(r->local));
        r->stack = more;
        r->room = room;
    }
    r->stack[r->used++] = (struct json_member){.key = key, .value = v};
    return true;
}

/* ---- equal keys ---- */

static int
by_bytes(const void *x, const void *y)
{
    const char *const *a = x, *const *b = y;

    return strcmp(*a, *b);
}

/* Sorting holds whatever keys are sent; a hash table would have to defend
 * itself. */
static enum status
repeated_many(const struct json_member *m, size_t n, const char **key,
              struct error *err)
{
    const char **sorted = calloc(n, sizeof(char *));

    if (!sorted)
        return fail(err, E_NOMEM, "JSON object of %zu members", n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = m[i].key;
    qsort(sorted, n, sizeof(char *), by_bytes);
    for (size_t i = 1; i < n && !*key; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            *key = sorted[i];
    free(sorted);
    return OK;
}

static enum status
repeated(const struct json_member *m, size_t n, const char **key,
         struct error *err)
{
    if (n > PAIRWISE_MAX)
        return repeated_many(m, n, key, err);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(m[i].key, m[k].key) == 0)
                *key = m[i].key;
    return OK;
}

/* ---- collections ---- */

static struct json *
close_array(struct reader *r, size_t base)
{
    size_t n = r->used - base;
    struct json *j = scan_node(&r->s, JSON_ARRAY, n);

    if (!j)
        return NULL;
    j->items = arena_array(r->s.a, json_room(j->n), sizeof(struct json *));
    if (!j->items)
        return scan_full(&r->s);
    for (size_t i = 0; i < n; i++)
        j->items[i] = r->stack[base + i].value;
    r->used = base;
    return j;
}

static struct json *
close_object(struct reader *r, size_t base)
{
    size_t n = r->used - base;
    struct json *j = scan_node(&r->s, JSON_OBJECT, n);
    const char *key = NULL;

    if (!j || repeated(r->stack + base, n, &key, r->s.err) != OK)
        return NULL;
    if (key) {
        (void)fail(r->s.err, E_INPUT,
                   "JSON: key '%.60s' stands twice in the object that ends "
                   "at byte %zu",
                   key, r->s.i);
        return NULL;
    }
    j->members = arena_array(r->s.a, json_room(j->n), sizeof(*j->members));
    if (!j->members)
        return scan_full(&r->s);
    memcpy(j->members, r->stack + base, n * sizeof(*j->members));
    r->used = base;
    return j;
}

/* A member's key and the colon after it. */
static const char *
member_key(struct json_scan *s)
{
    size_t n;

    if (peek(s) != '"') {
        (void)expected(s, "a key in double quotes expected");
        return NULL;
    }
    const char *key = scan_string(s, &n);
    if (key && peek(s) != ':') {
        (void)expected(s, "':' expected");
        return NULL;
    }
    s->i++;
    return key;
}

/* One item or member, and the comma or end after it, which is returned; NUL
 * when refused. */
static char
element(struct reader *r, bool object, int depth)
{
    const char *key = object ? member_key(&r->s) : NULL;
    struct json *v = object && !key ? NULL : value(r, depth);

    if (!v || !push(r, key, v))
        return '\0';
    char c = peek(&r->s);
    if (c != ',' && c != (object ? '}' : ']')) {
        (void)expected(&r->s, "',' or the end expected");
        return '\0';
    }
    r->s.i++;
    return c;
}

static struct json *
collection(struct reader *r, int depth)
{
    struct json_scan *s = &r->s;
    bool object = s->text[s->i] == '{';
    char end = object ? '}' : ']', c = ',';
    size_t base = r->used;

    if (depth >= JSON_MAX_DEPTH)
        return scan_bad(s, "nested too deep");
    s->i++;
    if (peek(s) == end) {
        s->i++;
        c = end;
    }
    while (c == ',')
        c = element(r, object, depth + 1);
    if (c != end)
        return NULL;
    return object ? close_object(r, base) : close_array(r, base);
}

/* ---- values ---- */

static struct json *
string_value(struct json_scan *s)
{
    size_t n = 0;
    const char *text = scan_string(s, &n);
    struct json *j = text ? scan_node(s, JSON_STRING, n) : NULL;

    if (j)
        j->text = text;
    return j;
}

static struct json *
word_value(struct json_scan *s)
{
    static const struct {
        const char *word;
        size_t n;
        struct json value;
    } words[] = {
        {"true", 4, {.kind = JSON_BOOL, .boolean = true}},
        {"false", 5, {.kind = JSON_BOOL}},
        {"null", 4, {.kind = JSON_NULL}},
    };

    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
        if (s->n - s->i < words[k].n ||
            memcmp(s->text + s->i, words[k].word, words[k].n) != 0)
            continue;
        struct json *j = scan_node(s, words[k].value.kind, 0);
        if (j)
            *j = words[k].value;
        s->i += words[k].n;
        return j;
    }
    return scan_bad(s, "a value expected");
}

static struct json *
value(struct reader *r, int depth)
{
    char c = peek(&r->s);

    if (r->s.i >= r->s.n)
        return scan_ended(&r->s);
    if (c == '"')
        return string_value(&r->s);
    if (c == '{' || c == '[')
        return collection(r, depth);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(&r->s);
    return word_value(&r->s);
}

enum status
json_parse(struct arena *a, const char *text, size_t n, size_t max_bytes,
           struct json **out, struct error *err)
{
    struct error local = {0};

    if (!err)
        err = &local; /* the code is read back below */
    if (n > max_bytes || n > INT32_MAX)
        return fail(err, E_TOOBIG, "JSON of %zu bytes is over %zu", n,
                    max_bytes);
    __attribute__((cleanup(reader_done))) struct reader r;
    r.s = (struct json_scan){.a = a, .text = text, .n = n, .err = err};
    r.stack = r.local; /* not cleared: written before it is read */
    r.used = 0;
    r.room = STACK_LOCAL;
    *out = value(&r, 0);
    if (!*out)
        return err->code;
    (void)peek(&r.s);
    if (r.s.i < n) {
        *out = NULL;
        (void)scan_bad(&r.s, "text after the value");
        return err->code;
    }
    return OK;
}
