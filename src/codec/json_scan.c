#include "codec/json_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

struct json *
scan_bad(struct json_scan *s, const char *what)
{
    (void)fail(s->err, E_INPUT, "JSON: %s at byte %zu", what, s->i);
    return NULL;
}

struct json *
scan_ended(struct json_scan *s)
{
    (void)fail(s->err, E_INPUT, "JSON ends too early, at byte %zu", s->n);
    return NULL;
}

struct json *
scan_full(struct json_scan *s)
{
    (void)fail(s->err, E_NOMEM, "no room for JSON of %zu bytes", s->n);
    return NULL;
}

struct json *
scan_node(struct json_scan *s, enum json_kind kind, size_t n)
{
    struct json *j = arena_alloc(s->a, sizeof(*j));

    if (!j)
        return scan_full(s);
    j->kind = kind;
    j->n = (uint32_t)n;
    return j;
}

/* ---- strings ---- */

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
hex4(const char *p)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static char *
put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 63));
        }
        *out++ = (char)(0x80 | (c >> 6 & 63));
    }
    *out++ = (char)(0x80 | (c & 63));
    return out;
}

static bool
is_high(int c)
{
    return c >= 0xd800 && c <= 0xdbff;
}

static bool
is_low(int c)
{
    return c >= 0xdc00 && c <= 0xdfff;
}

/* "\uXXXX" at p; half of a pair without its other half becomes U+FFFD. */
static const char *
unicode_escape(const char *p, const char *end, char **out)
{
    int c = end - p >= 6 ? hex4(p + 2) : -1;

    if (c <= 0)
        return NULL;
    p += 6;
    if (is_high(c) && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        is_low(hex4(p + 2))) {
        c = 0x10000 + ((c - 0xd800) << 10) + (hex4(p + 2) - 0xdc00);
        p += 6;
    }
    *out = put_utf8(*out, is_high(c) || is_low(c) ? 0xfffd : (unsigned)c);
    return p;
}

/* Undoes the escapes of [p, end) into out, which has room for as many bytes.
 * Returns the end of what it wrote, or NULL and in *at the bad escape. */
static char *
unescape(const char *p, const char *end, char *out, const char **at)
{
    static const char codes[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";

    while (p < end) {
        const char *back = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((back ? back : end) - p);
        memcpy(out, p, run);
        out += run;
        if (!back)
            return out;
        *at = p = back;
        if (p[1] == 'u') {
            p = unicode_escape(p, end, &out);
            if (!p)
                return NULL;
            continue;
        }
        const char *code = memchr(codes, p[1], sizeof(codes) - 1);
        if (!code)
            return NULL;
        *out++ = plain[code - codes];
        p += 2;
    }
    return out;
}

/* Finds the closing quote of the string that begins at `from`. */
static const char *
closing_quote(struct json_scan *s, const char *from, bool *escapes, bool *wide)
{
    const char *stop = s->text + s->n, *p = from;

    for (; p < stop && *p != '"'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20) {
            s->i = (size_t)(p - s->text);
            (void)scan_bad(s, "control character in a string");
            return NULL;
        }
        *wide |= c >= 0x80;
        if (c != '\\')
            continue;
        *escapes = true;
        if (++p == stop) /* what follows is never the closing quote */
            break;
    }
    if (p < stop)
        return p;
    (void)scan_ended(s);
    return NULL;
}

char *
scan_string(struct json_scan *s, size_t *n)
{
    const char *from = s->text + s->i + 1;
    bool escapes = false, wide = false;
    const char *quote = closing_quote(s, from, &escapes, &wide);

    if (!quote)
        return NULL;
    *n = (size_t)(quote - from);
    if (wide && !utf8_valid(from, *n)) {
        (void)scan_bad(s, "a string that is not UTF-8");
        return NULL;
    }
    char *copy = arena_strndup(s->a, from, *n);
    if (!copy) {
        (void)scan_full(s);
        return NULL;
    }
    if (escapes) {
        const char *at = from;
        char *end = unescape(from, quote, copy, &at);
        if (!end) {
            s->i = (size_t)(at - s->text);
            bool nul = strncmp(at, "\\u0000", 6) == 0;
            (void)scan_bad(s, nul ? "U+0000 in a string" : "bad escape");
            return NULL;
        }
        *end = '\0';
        *n = (size_t)(end - copy);
    }
    s->i = (size_t)(quote + 1 - s->text);
    return copy;
}

/* ---- numbers ---- */

static size_t
run_of_digits(const struct json_scan *s, size_t i)
{
    size_t start = i;

    while (i < s->n && s->text[i] >= '0' && s->text[i] <= '9')
        i++;
    return i - start;
}

/* False when the digits do not fit. */
static bool
integer_of(const char *p, size_t n, int64_t *out)
{
    bool minus = *p == '-';
    int64_t v = 0;

    for (size_t i = minus; i < n; i++) {
        int d = p[i] - '0';
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, minus ? -d : d, &v))
            return false;
    }
    *out = v;
    return true;
}

/* End of the fraction and exponent that may follow the digits up to i; 0 when
 * they are malformed. */
static size_t
number_tail(const struct json_scan *s, size_t i, bool *exponent)
{
    size_t digits;

    if (i < s->n && s->text[i] == '.') {
        digits = run_of_digits(s, ++i);
        if (digits == 0)
            return 0;
        i += digits;
    }
    *exponent = i < s->n && (s->text[i] == 'e' || s->text[i] == 'E');
    if (*exponent) {
        i++;
        i += i < s->n && (s->text[i] == '+' || s->text[i] == '-');
        digits = run_of_digits(s, i);
        if (digits == 0)
            return 0;
        i += digits;
    }
    return i;
}

struct json *
scan_number(struct json_scan *s)
{
    size_t start = s->i, whole = start + (s->text[start] == '-');
    size_t digits = run_of_digits(s, whole);
    bool exponent = false;
    int64_t v;

    if (digits == 0 || (digits > 1 && s->text[whole] == '0'))
        return scan_bad(s, "malformed number");
    size_t end = number_tail(s, whole + digits, &exponent);
    if (end == 0)
        return scan_bad(s, "malformed number");
    const char *text = s->text + start;
    if (end == whole + digits && integer_of(text, end - start, &v)) {
        struct json *j = scan_node(s, JSON_INT, 0);
        if (j)
            j->integer = v;
        s->i = end;
        return j;
    }
    const char *copy = arena_strndup(s->a, text, end - start);
    if (!copy)
        return scan_full(s);
    /* Digits may be as many as PostgreSQL's numeric has, but a short text may
     * not stand for more of them than anything can hold. */
    if (exponent && !isfinite(strtod(copy, NULL)))
        return scan_bad(s, "number out of range");
    struct json *j = scan_node(s, JSON_DECIMAL, end - start);
    if (j)
        j->text = copy;
    s->i = end;
    return j;
}
