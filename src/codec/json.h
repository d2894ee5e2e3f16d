/*
 * codec/json.h - JSON values in an arena, strict reader, two writers.
 *
 * The reader is strict (RFC 8259: no comments, no leading zeros, UTF-8
 * validated, no NaN or Infinity) and refuses what RFC 7493 warns of: equal
 * keys in one object, and numbers no double can hold written with an exponent.
 * Depth and size are bounded. Half a surrogate pair in an escape reads as
 * U+FFFD. Numbers that are not 64-bit integers keep their exact text, however
 * many digits it has. docs/adr/0001-json-reader.md says why it is ours; tests
 * compare it with json-c.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,     /* fits int64_t */
    JSON_DECIMAL, /* every other number: text kept, value approximated */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    uint32_t n; /* bytes of a string or decimal text, items, members */
    union {
        bool boolean;
        int64_t integer;
        const char *text;            /* JSON_STRING, JSON_DECIMAL; NUL-ended */
        struct json **items;         /* JSON_ARRAY */
        struct json_member *members; /* JSON_OBJECT, in document order */
    };
};

struct json_member {
    const char *key;
    struct json *value;
};

enum { JSON_MAX_DEPTH = 64 };

/* Parses exactly one value of at most max_bytes.
 * Owns:   *out lives in `a`.
 * Errors: E_INPUT with byte offset; E_TOOBIG; E_NOMEM. Strings holding
 *         U+0000 are refused (PostgreSQL cannot hold them either). */
CHECKED enum status json_parse(struct arena *a, const char *text, size_t n,
                               size_t max_bytes, struct json **out,
                               struct error *err);

/* Readers: NULL / the default when absent or of another kind. `j` may be
 * NULL. */
struct json *json_get(const struct json *j, const char *key);
/* Follows "a.b.0.c": member names and array positions. */
struct json *json_at(const struct json *j, const char *dotted);
const char *json_str(const struct json *j, const char *fallback);
int64_t json_int(const struct json *j, int64_t fallback);
bool json_bool(const struct json *j, bool fallback);
double json_double(const struct json *j, double fallback);
const char *json_get_str(const struct json *j, const char *key,
                         const char *fallback);
bool json_is(const struct json *j, enum json_kind kind);
/* A value as a key is written: a string as it is, others as JSON; NULL for
 * null and nothing. */
const char *json_plain(struct arena *a, const struct json *j);
/* -1, 0 or 1 for two numbers, exact to the last digit; a NULL or other kind
 * counts as 0. */
int json_number_order(const struct json *x, const struct json *y);
/* Same value: numbers by value, objects whatever the order of members. */
bool json_equal(const struct json *x, const struct json *y);
const char *json_kind_name(enum json_kind kind); /* "string", "object", … */

/* Items or members an array of n has room for: it grows at 0, 4, 8, 16, …,
 * so no field for it is needed. */
static inline uint32_t
json_room(uint32_t n)
{
    uint32_t room = n ? 4 : 0;

    while (room < n)
        room *= 2;
    return room;
}

/* Builders: NULL when the arena is full; NULL parents are allowed and return
 * NULL, so a chain is checked once at the end. Strings are copied. */
struct json *json_null(struct arena *a);
struct json *json_boolean(struct arena *a, bool v);
struct json *json_integer(struct arena *a, int64_t v);
struct json *json_string(struct arena *a, const char *s);
struct json *json_string_n(struct arena *a, const char *s, size_t n);
struct json *json_decimal(struct arena *a, const char *text);
struct json *json_array(struct arena *a);
struct json *json_object(struct arena *a);
struct json *json_push(struct arena *a, struct json *array, struct json *v);
/* Sets or replaces a member; returns the object. */
struct json *json_put(struct arena *a, struct json *object, const char *key,
                      struct json *v);
struct json *json_clone(struct arena *a, const struct json *j);

/* Writes compact JSON; `pretty` indents by two spaces and ends without a
 * newline. Document order of members is kept. NULL writes null. */
void json_write(struct buf *out, const struct json *j, bool pretty);
/* Canonical: members sorted by bytes, no spaces: for digests. */
void json_write_canonical(struct buf *out, const struct json *j);
/* As json_write into the arena; NULL when it does not fit. */
const char *json_text(struct arena *a, const struct json *j);

/*
 * Streaming writer for answers that need no tree. Commas and nesting are kept
 * by the writer; misuse is an assert.
 */
struct json_writer {
    struct buf *out;
    int depth;
    bool first[JSON_MAX_DEPTH];
    bool after_key;
};

struct json_writer jw_new(struct buf *out);
void jw_object(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_array_end(struct json_writer *w);
void jw_key(struct json_writer *w, const char *key);
void jw_string(struct json_writer *w, const char *s); /* NULL writes null */
void jw_int(struct json_writer *w, int64_t v);
void jw_double(struct json_writer *w, double v); /* shortest round trip */
void jw_bool(struct json_writer *w, bool v);
void jw_null(struct json_writer *w);
void jw_raw(struct json_writer *w, const char *json); /* trusted JSON text */
void jw_value(struct json_writer *w, const struct json *v);
void jw_time(struct json_writer *w, int64_t us); /* ISO 8601 UTC; 0 = null */
/* key and value in one call */
void jw_kv_string(struct json_writer *w, const char *key, const char *s);
void jw_kv_int(struct json_writer *w, const char *key, int64_t v);
void jw_kv_bool(struct json_writer *w, const char *key, bool v);
void jw_kv_time(struct json_writer *w, const char *key, int64_t us);
void jw_kv_raw(struct json_writer *w, const char *key, const char *json);
void jw_kv_value(struct json_writer *w, const char *key, const struct json *v);

#endif
