#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [JSON_NULL] = "null",      [JSON_BOOL] = "boolean",  [JSON_INT] = "integer",
    [JSON_DECIMAL] = "number", [JSON_STRING] = "string", [JSON_ARRAY] = "array",
    [JSON_OBJECT] = "object",
};

const char *
json_kind_name(enum json_kind kind)
{
    return kind_names[kind];
}

bool
json_is(const struct json *j, enum json_kind kind)
{
    return j && j->kind == kind;
}

struct json *
json_get(const struct json *j, const char *key)
{
    if (!json_is(j, JSON_OBJECT))
        return NULL;
    for (uint32_t i = 0; i < j->n; i++)
        if (strcmp(j->members[i].key, key) == 0)
            return j->members[i].value;
    return NULL;
}

static const struct json *
child(const struct json *j, const char *name, size_t n)
{
    if (json_is(j, JSON_ARRAY)) {
        char *end = NULL;
        unsigned long i = strtoul(name, &end, 10);
        return end == name + n && n && i < j->n ? j->items[i] : NULL;
    }
    if (!json_is(j, JSON_OBJECT))
        return NULL;
    for (uint32_t i = 0; i < j->n; i++)
        if (strlen(j->members[i].key) == n &&
            memcmp(j->members[i].key, name, n) == 0)
            return j->members[i].value;
    return NULL;
}

struct json *
json_at(const struct json *j, const char *dotted)
{
    while (j && *dotted) {
        size_t n = strcspn(dotted, ".");
        j = child(j, dotted, n);
        dotted += n + (dotted[n] == '.');
    }
    /* Values are handed out mutable, as json_get() does. */
    union {
        const struct json *in;
        struct json *out;
    } u = {.in = j};
    return u.out;
}

const char *
json_str(const struct json *j, const char *fallback)
{
    return json_is(j, JSON_STRING) ? j->text : fallback;
}

int64_t
json_int(const struct json *j, int64_t fallback)
{
    return json_is(j, JSON_INT) ? j->integer : fallback;
}

bool
json_bool(const struct json *j, bool fallback)
{
    return json_is(j, JSON_BOOL) ? j->boolean : fallback;
}

double
json_double(const struct json *j, double fallback)
{
    if (json_is(j, JSON_INT))
        return (double)j->integer;
    return json_is(j, JSON_DECIMAL) ? strtod(j->text, NULL) : fallback;
}

const char *
json_get_str(const struct json *j, const char *key, const char *fallback)
{
    return json_str(json_get(j, key), fallback);
}

static bool
equal_members(const struct json *x, const struct json *y)
{
    for (uint32_t i = 0; i < x->n; i++) {
        const struct json *v = json_get(y, x->members[i].key);
        if (!v || !json_equal(x->members[i].value, v))
            return false;
    }
    return true;
}

bool
json_equal(const struct json *x, const struct json *y)
{
    if (!x || !y)
        return x == y;
    bool numbers = (x->kind == JSON_INT || x->kind == JSON_DECIMAL) &&
                   (y->kind == JSON_INT || y->kind == JSON_DECIMAL);
    if (numbers)
        return json_number_order(x, y) == 0;
    if (x->kind != y->kind || x->n != y->n)
        return false;
    if (x->kind == JSON_BOOL)
        return x->boolean == y->boolean;
    if (x->kind == JSON_STRING)
        return memcmp(x->text, y->text, x->n) == 0;
    if (x->kind == JSON_OBJECT)
        return equal_members(x, y);
    for (uint32_t i = 0; x->kind == JSON_ARRAY && i < x->n; i++)
        if (!json_equal(x->items[i], y->items[i]))
            return false;
    return true;
}

/* ---- builders ---- */

static struct json *
make(struct arena *a, struct json value)
{
    struct json *j = arena_alloc(a, sizeof(*j));

    if (j)
        *j = value;
    return j;
}

struct json *
json_null(struct arena *a)
{
    return make(a, (struct json){.kind = JSON_NULL});
}

struct json *
json_boolean(struct arena *a, bool v)
{
    return make(a, (struct json){.kind = JSON_BOOL, .boolean = v});
}

struct json *
json_integer(struct arena *a, int64_t v)
{
    return make(a, (struct json){.kind = JSON_INT, .integer = v});
}

static struct json *
text_node(struct arena *a, enum json_kind kind, const char *s, size_t n)
{
    char *copy = arena_strndup(a, s, n);

    if (!copy)
        return NULL;
    return make(a, (struct json){.kind = kind, .n = (uint32_t)n, .text = copy});
}

struct json *
json_string_n(struct arena *a, const char *s, size_t n)
{
    return text_node(a, JSON_STRING, s, n);
}

struct json *
json_string(struct arena *a, const char *s)
{
    return s ? json_string_n(a, s, strlen(s)) : json_null(a);
}

struct json *
json_decimal(struct arena *a, const char *text)
{
    return text_node(a, JSON_DECIMAL, text, strlen(text));
}

struct json *
json_array(struct arena *a)
{
    return make(a, (struct json){.kind = JSON_ARRAY});
}

struct json *
json_object(struct arena *a)
{
    return make(a, (struct json){.kind = JSON_OBJECT});
}

static void *
grown(struct arena *a, const void *items, uint32_t n, size_t size)
{
    void *more = arena_array(a, json_room(n + 1), size);

    if (more && n)
        memcpy(more, items, n * size);
    return more;
}

struct json *
json_push(struct arena *a, struct json *array, struct json *v)
{
    if (!array || !v)
        return NULL;
    if (json_room(array->n) == array->n) {
        struct json **items =
            grown(a, array->items, array->n, sizeof(struct json *));
        if (!items)
            return NULL;
        array->items = items;
    }
    array->items[array->n++] = v;
    return array;
}

struct json *
json_put(struct arena *a, struct json *object, const char *key, struct json *v)
{
    if (!object || !v)
        return NULL;
    for (uint32_t i = 0; i < object->n; i++) {
        if (strcmp(object->members[i].key, key) == 0) {
            object->members[i].value = v;
            return object;
        }
    }
    if (json_room(object->n) == object->n) {
        struct json_member *members =
            grown(a, object->members, object->n, sizeof(*members));
        if (!members)
            return NULL;
        object->members = members;
    }
    const char *copy = arena_strdup(a, key);
    if (!copy)
        return NULL;
    object->members[object->n++] =
        (struct json_member){.key = copy, .value = v};
    return object;
}

struct json *
json_clone(struct arena *a, const struct json *j)
{
    if (!j)
        return json_null(a);
    struct json *copy;
    switch (j->kind) {
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_INT:
        return make(a, *j);
    case JSON_DECIMAL:
    case JSON_STRING:
        return text_node(a, j->kind, j->text, j->n);
    case JSON_ARRAY:
        copy = json_array(a);
        for (uint32_t i = 0; i < j->n; i++)
            copy = json_push(a, copy, json_clone(a, j->items[i]));
        return copy;
    case JSON_OBJECT:
        copy = json_object(a);
        for (uint32_t i = 0; i < j->n; i++)
            copy = json_put(a, copy, j->members[i].key,
                            json_clone(a, j->members[i].value));
        return copy;
    }
    return NULL;
}
