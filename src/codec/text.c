#include "codec/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
write64(struct buf *out, const unsigned char *p, size_t n, const char *table,
        bool pad)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned v = (unsigned)p[i] << 16 |
                     (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                     (left > 2 ? (unsigned)p[i + 2] : 0);
        buf_putc(out, table[v >> 18]);
        buf_putc(out, table[v >> 12 & 63]);
        if (left > 1)
            buf_putc(out, table[v >> 6 & 63]);
        else if (pad)
            buf_putc(out, '=');
        if (left > 2)
            buf_putc(out, table[v & 63]);
        else if (pad)
            buf_putc(out, '=');
    }
}

void
base64_write(struct buf *out, const void *bytes, size_t n)
{
    write64(out, bytes, n, alphabet, true);
}

void
base64url_write(struct buf *out, const void *bytes, size_t n)
{
    write64(out, bytes, n, url_alphabet, false);
}

static int
digit64(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    if (at)
        return (int)(at - alphabet);
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum status
base64_parse(struct arena *a, const char *text, size_t n, unsigned char **out,
             size_t *out_n, struct error *err)
{
    while (n > 0 && text[n - 1] == '=')
        n--;
    if (n % 4 == 1)
        return fail(err, E_INPUT, "base64 of impossible length");
    unsigned char *bytes = arena_alloc(a, n / 4 * 3 + 3);
    size_t used = 0;
    unsigned v = 0;

    if (!bytes)
        return fail(err, E_NOMEM, "base64 of %zu bytes", n);
    for (size_t i = 0; i < n; i++) {
        int d = digit64(text[i]);
        if (d < 0)
            return fail(err, E_INPUT, "not base64 at byte %zu", i);
        v = v << 6 | (unsigned)d;
        if (i % 4 == 1)
            bytes[used++] = (unsigned char)(v >> 4);
        else if (i % 4 == 2)
            bytes[used++] = (unsigned char)(v >> 2);
        else if (i % 4 == 3)
            bytes[used++] = (unsigned char)v;
    }
    *out = bytes;
    *out_n = used;
    return OK;
}

void
hex_write(struct buf *out, const void *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++) {
        buf_putc(out, hex[p[i] >> 4]);
        buf_putc(out, hex[p[i] & 15]);
    }
}

static int
digit16(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum status
hex_parse(const char *text, size_t n, unsigned char *out, size_t out_bytes,
          struct error *err)
{
    if (n != out_bytes * 2)
        return fail(err, E_INPUT, "expected %zu hex digits, got %zu",
                    out_bytes * 2, n);
    for (size_t i = 0; i < out_bytes; i++) {
        int hi = digit16(text[2 * i]), lo = digit16(text[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return fail(err, E_INPUT, "not hex at byte %zu", 2 * i);
        out[i] = (unsigned char)(hi * 16 + lo);
    }
    return OK;
}

/* Bytes of a well-formed UTF-8 sequence at p, or 0. Refuses overlong forms,
 * surrogates and what is above U+10FFFF. */
static size_t
utf8_length(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t k = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < k)
        return 0;
    for (size_t i = 1; i < k; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return k;
}

bool
utf8_valid(const char *text, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = utf8_length((const unsigned char *)text + i, n - i);
        if (k == 0)
            return false;
    }
    return true;
}

void
percent_write(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x80 && (isalnum(c) || (c && strchr("-._~", c))))
            buf_putc(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

char *
percent_decode(struct arena *a, const char *s, size_t n, bool form)
{
    char *out = arena_alloc(a, n + 1);
    size_t used = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '%') {
            int hi = i + 2 < n ? digit16(s[i + 1]) : -1;
            int lo = i + 2 < n ? digit16(s[i + 2]) : -1;
            if (hi < 0 || lo < 0 || hi * 16 + lo == 0)
                return NULL;
            out[used++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            char c = s[i];
            if (form && c == '+')
                c = ' ';
            out[used++] = c;
        }
    }
    out[used] = '\0';
    return out;
}

void
html_escape(struct buf *out, const char *s, size_t n)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"},
                    {'<', "&lt;"},
                    {'>', "&gt;"},
                    {'"', "&quot;"},
                    {'\'', "&#39;"}};

    for (size_t i = 0; i < n; i++) {
        const char *entity = NULL;
        for (size_t k = 0; k < sizeof(entities) / sizeof(entities[0]); k++)
            if (entities[k].c == s[i])
                entity = entities[k].entity;
        if (entity)
            buf_puts(out, entity);
        else
            buf_putc(out, s[i]);
    }
}

enum { WORD_MAX = 64 };

static int
least(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

static int
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool
same_letter(char x, char y)
{
    return lower(x) == lower(y);
}

int
edit_distance(const char *x, const char *y)
{
    int d[WORD_MAX + 1][WORD_MAX + 1];
    int n = (int)strnlen(x, WORD_MAX), m = (int)strnlen(y, WORD_MAX);

    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        for (int j = 1; j <= m; j++) {
            bool swapped = i > 1 && j > 1 && same_letter(x[i - 1], y[j - 2]) &&
                           same_letter(x[i - 2], y[j - 1]);
            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1,
                            d[i - 1][j - 1] + !same_letter(x[i - 1], y[j - 1]));
            if (swapped && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[n][m];
}

int
nearest_name(const char *word, const char *const *names, size_t n)
{
    int limit = (int)strlen(word) / 3;
    int best = limit < 2 ? 2 : limit, at = -1;

    for (size_t i = 0; i < n; i++) {
        int d = edit_distance(word, names[i]);
        if (d <= best && (at < 0 || d < best)) {
            best = d;
            at = (int)i;
        }
    }
    return at;
}
