/* json-c owns two names of ours; it gets others in this file. */
#define json_bool   jsonc_bool
#define json_object jsonc_object
#include <json-c/json.h>
#undef json_bool
#undef json_object

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

static void
put_object(struct jsonc_object **o)
{
    json_object_put(*o);
}

static void
tokener_freep(struct json_tokener **t)
{
    if (*t)
        json_tokener_free(*t);
}

#define AUTO_OBJECT __attribute__((cleanup(put_object))) struct jsonc_object *
#define AUTO_TOKENER \
    __attribute__((cleanup(tokener_freep))) struct json_tokener *

/* json-c keeps the last of two equal keys without a word: members written and
 * members kept are counted and must agree. Raw control characters in strings
 * pass it too. */
static enum status
scan_text(const char *text, size_t n, size_t *members, struct error *err)
{
    bool inside = false;

    *members = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (inside && (unsigned char)c < 0x20)
            return fail(err, E_INPUT,
                        "JSON: control character in a string "
                        "at byte %zu",
                        i);
        if (inside && c == '\\')
            i++;
        else if (c == '"')
            inside = !inside;
        else if (!inside && c == ':')
            ++*members;
        else if (!inside && c == '\'')
            return fail(err, E_INPUT, "JSON: single quote at byte %zu", i);
        else if (!inside && c == '/')
            return fail(err, E_INPUT, "JSON: comment at byte %zu", i);
    }
    return OK;
}

struct reading {
    struct arena *a;
    size_t members;
};

static struct json *copy(struct reading *r, struct jsonc_object *o,
                         struct error *err);

static struct json *
node(struct reading *r, enum json_kind kind, size_t n, struct error *err)
{
    struct json *j = arena_alloc(r->a, sizeof(*j));

    if (!j)
        (void)fail(err, E_NOMEM, "JSON value");
    else
        *j = (struct json){.kind = kind, .n = (uint32_t)n};
    return j;
}

static struct json *
copy_text(struct reading *r, enum json_kind kind, const char *s, size_t n,
          struct error *err)
{
    struct json *j = node(r, kind, n, err);

    if (!j)
        return NULL;
    if (memchr(s, '\0', n)) {
        (void)fail(err, E_INPUT, "JSON: U+0000 in a string");
        return NULL;
    }
    j->text = arena_strndup(r->a, s, n);
    if (!j->text) {
        (void)fail(err, E_NOMEM, "JSON string of %zu bytes", n);
        return NULL;
    }
    return j;
}

static struct json *
copy_integer(struct reading *r, struct jsonc_object *o, struct error *err)
{
    int64_t v = json_object_get_int64(o);
    uint64_t u = json_object_get_uint64(o);

    /* json-c clamps what does not fit; the limits themselves are refused. */
    if (v == INT64_MIN || u == UINT64_MAX) {
        (void)fail(err, E_INPUT, "JSON: integer out of range");
        return NULL;
    }
    if (v == INT64_MAX && u > (uint64_t)INT64_MAX) {
        const char *text = json_object_to_json_string(o);
        return copy_text(r, JSON_DECIMAL, text, strlen(text), err);
    }
    struct json *j = node(r, JSON_INT, 0, err);
    if (j)
        j->integer = v;
    return j;
}

static struct json *
copy_decimal(struct reading *r, struct jsonc_object *o, struct error *err)
{
    const char *text = json_object_to_json_string(o);

    if (!isfinite(json_object_get_double(o))) {
        (void)fail(err, E_INPUT, "JSON: number '%.40s' is not finite", text);
        return NULL;
    }
    return copy_text(r, JSON_DECIMAL, text, strlen(text), err);
}

static struct json *
copy_array(struct reading *r, struct jsonc_object *o, struct error *err)
{
    size_t n = json_object_array_length(o);
    struct json *j = node(r, JSON_ARRAY, n, err);

    if (!j)
        return NULL;
    j->items = arena_array(r->a, json_room((uint32_t)n), sizeof(struct json *));
    if (!j->items) {
        (void)fail(err, E_NOMEM, "JSON array of %zu", n);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        j->items[i] = copy(r, json_object_array_get_idx(o, i), err);
        if (!j->items[i])
            return NULL;
    }
    return j;
}

static struct json *
copy_object(struct reading *r, struct jsonc_object *o, struct error *err)
{
    size_t n = (size_t)json_object_object_length(o);
    struct json *j = node(r, JSON_OBJECT, n, err);
    size_t i = 0;

    if (!j)
        return NULL;
    j->members =
        arena_array(r->a, json_room((uint32_t)n), sizeof(struct json_member));
    if (!j->members) {
        (void)fail(err, E_NOMEM, "JSON object of %zu", n);
        return NULL;
    }
    r->members += n;
    struct json_object_iterator it = json_object_iter_begin(o);
    struct json_object_iterator end = json_object_iter_end(o);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        struct json_member *m = &j->members[i++];
        m->key = arena_strdup(r->a, json_object_iter_peek_name(&it));
        m->value = copy(r, json_object_iter_peek_value(&it), err);
        if (!m->key)
            (void)fail(err, E_NOMEM, "JSON key");
        if (!m->key || !m->value)
            return NULL;
    }
    return j;
}

static struct json *
copy(struct reading *r, struct jsonc_object *o, struct error *err)
{
    struct json *j;

    switch (json_object_get_type(o)) {
    case json_type_null:
        return node(r, JSON_NULL, 0, err);
    case json_type_boolean:
        j = node(r, JSON_BOOL, 0, err);
        if (j)
            j->boolean = json_object_get_boolean(o);
        return j;
    case json_type_int:
        return copy_integer(r, o, err);
    case json_type_double:
        return copy_decimal(r, o, err);
    case json_type_string:
        return copy_text(r, JSON_STRING, json_object_get_string(o),
                         (size_t)json_object_get_string_len(o), err);
    case json_type_array:
        return copy_array(r, o, err);
    case json_type_object:
        return copy_object(r, o, err);
    }
    (void)fail(err, E_BUG, "JSON: unknown type");
    return NULL;
}

enum status
json_parse(struct arena *a, const char *text, size_t n, size_t max_bytes,
           struct json **out, struct error *err)
{
    struct error local = {0};
    size_t written;

    if (!err)
        err = &local; /* the code is read back below */
    if (n > max_bytes || n > INT32_MAX)
        return fail(err, E_TOOBIG, "JSON of %zu bytes is over %zu", n,
                    max_bytes);
    enum status rc = scan_text(text, n, &written, err);
    if (rc != OK)
        return rc;
    AUTO_TOKENER t = json_tokener_new_ex(JSON_MAX_DEPTH);
    if (!t)
        return fail(err, E_NOMEM, "JSON reader");
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    AUTO_OBJECT o = json_tokener_parse_ex(t, text, (int)n);
    enum json_tokener_error e = json_tokener_get_error(t);
    if (e == json_tokener_continue) {
        /* A number at the end waits for its next byte. */
        o = json_tokener_parse_ex(t, "", 1);
        e = json_tokener_get_error(t);
    }
    if (e == json_tokener_continue)
        return fail(err, E_INPUT, "JSON ends too early, at byte %zu", n);
    if (e != json_tokener_success)
        return fail(err, E_INPUT, "JSON: %s at byte %zu",
                    json_tokener_error_desc(e), json_tokener_get_parse_end(t));
    struct reading r = {.a = a};
    *out = copy(&r, o, err);
    if (!*out)
        return err->code;
    if (r.members != written)
        return fail(err, E_INPUT, "JSON: a key stands twice in one object");
    return OK;
}
