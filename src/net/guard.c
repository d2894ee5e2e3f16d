#include <string.h>
#include <strings.h>

#include "net/server_parts.h"

/*
 * What libmicrohttpd 0.9.75 lets through by itself and a proxy in front may
 * read differently: request smuggling. RFC 9112 sections 3.2, 5 and 6.3.
 */

struct scan {
    int hosts, lengths, encodings;
    bool chunked;
    const char *bad;      /* first thing wrong, or NULL */
    const char *expected; /* where the next name must start; NULL = anywhere */
    bool layout;          /* values stay where they arrived (see below) */
    uint64_t length;
};

static bool
token_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
name_valid(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!token_char((unsigned char)name[i]))
            return false;
    return n > 0;
}

static bool
value_valid(const char *value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool
length_parse(const char *value, size_t n, uint64_t *out)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++) {
        if (value[i] < '0' || value[i] > '9' ||
            __builtin_mul_overflow(total, 10, &total) ||
            __builtin_add_overflow(total, (uint64_t)(value[i] - '0'), &total))
            return false;
    }
    *out = total;
    return n > 0;
}

/*
 * libmicrohttpd cuts a value at a NUL and glues folded lines together before
 * we see them, but up to 0.9.75 it leaves unfolded values in the buffer they
 * arrived in: name, colon, blanks, value, two terminators where CR LF was,
 * next name. Anything else in between was a NUL, a fold or a bare LF.
 */
static bool
layout_valid(struct scan *s, const char *name, size_t name_n, const char *value,
             size_t value_n)
{
    const char *p = name + name_n + 1;

    if (s->expected && name != s->expected)
        return false;
    if (value < p || value > p + CONNECTION_BYTES)
        return false;
    while (p < value && (*p == ' ' || *p == '\t'))
        p++;
    if (p != value)
        return false;
    s->expected = value + value_n + 2;
    return true;
}

static void
framing_note(struct scan *s, const char *name, size_t name_n, const char *value,
             size_t value_n)
{
    if (name_n == 4 && strncasecmp(name, "Host", 4) == 0)
        s->hosts++;
    if (name_n == 14 && strncasecmp(name, "Content-Length", 14) == 0) {
        s->lengths++;
        if (!length_parse(value, value_n, &s->length))
            s->bad = "Content-Length is not a number";
    }
    if (name_n == 17 && strncasecmp(name, "Transfer-Encoding", 17) == 0) {
        s->encodings++;
        s->chunked = value_n == 7 && strncasecmp(value, "chunked", 7) == 0;
    }
}

static enum MHD_Result
header_scan(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
            const char *value, size_t value_n)
{
    struct scan *s = cls;

    (void)kind;
    if (!value)
        value_n = 0;
    if (!name_valid(name, name_n))
        s->bad = "a header name holds a character it may not hold";
    else if (!value_valid(value, value_n))
        s->bad = "a header value holds a control character";
    else if (s->layout && value &&
             !layout_valid(s, name, name_n, value, value_n))
        s->bad = "a header is folded over lines or holds a NUL";
    else
        framing_note(s, name, name_n, value, value_n);
    return s->bad ? MHD_NO : MHD_YES;
}

static bool
layout_known(void)
{
    const char *version = MHD_get_version();

    return strncmp(version, "0.9.", 4) == 0 && strcmp(version, "0.9.75") <= 0;
}

static const char *
scan_verdict(const struct scan *s, const char *version)
{
    bool modern = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;

    if (s->bad)
        return s->bad;
    /* Both terminators of the last header line, as between two headers. */
    if (s->layout && s->expected && (s->expected[-1] || s->expected[-2]))
        return "a header holds a NUL";
    if (s->lengths > 1)
        return "Content-Length is given twice";
    if (s->lengths && s->encodings)
        return "Content-Length and Transfer-Encoding are both given";
    if (s->encodings && !modern)
        return "Transfer-Encoding needs HTTP/1.1";
    if (s->hosts > 1)
        return "Host is given twice";
    if (modern && s->hosts == 0)
        return "Host is missing";
    return NULL;
}

struct guard_verdict
guard_check(struct MHD_Connection *mhd, const char *version)
{
    struct scan s = {.layout = layout_known()};

    if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0 &&
        strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return (struct guard_verdict){505, "only HTTP/1.0 and 1.1", 0};
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, header_scan, &s);
    const char *wrong = scan_verdict(&s, version);
    if (wrong)
        return (struct guard_verdict){400, wrong, 0};
    if (s.encodings > 1 || (s.encodings && !s.chunked))
        return (struct guard_verdict){501, "Transfer-Encoding must be chunked",
                                      0};
    return (struct guard_verdict){0, NULL, s.length};
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
path_decode(char *path)
{
    char *to = path;

    if (*path != '/')
        return false;
    for (const char *p = path; *p; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        int high = hex_digit(p[1]);
        int low = high < 0 ? -1 : hex_digit(p[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        p += 2;
    }
    *to = '\0';
    return true;
}
