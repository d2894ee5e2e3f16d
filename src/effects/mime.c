#include "effects/mime.h"

#include <string.h>

#include "codec/crypto.h"
#include "codec/text.h"
#include "codec/time.h"

enum {
    LINE_MAX_COLUMNS = 76,    /* RFC 2045: without CRLF; RFC 2047: a line */
    HEADER_MAX_COLUMNS = 990, /* RFC 5322 allows 998 */
    WORD_MAX_BYTES = 45, /* base64 of 45 bytes is 60; with =?…?= it is 72 */
    MAILBOX_MAX_BYTES = 512,
};

static bool
is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

static bool
has_control(const char *s)
{
    for (; *s; s++)
        if (is_control((unsigned char)*s))
            return true;
    return false;
}

static bool
is_ascii(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s > 0x7e)
            return false;
    return true;
}

/* Good enough to keep an address from being read as two, or as a header;
 * whether it exists only its server knows. */
static bool
is_address(const char *s)
{
    const char *at = strchr(s, '@');

    if (!at || at == s || !at[1] || strchr(at + 1, '@'))
        return false;
    for (const char *p = s; *p; p++)
        if (is_control((unsigned char)*p) || strchr(" <>,;:\"()[]\\", *p))
            return false;
    return at[1] != '.' && s[strlen(s) - 1] != '.';
}

/* "\"Acme, Inc.\"" -> Acme, Inc. */
static const char *
unquote(struct arena *a, const char *s, size_t n)
{
    while (n && s[0] == ' ') {
        s++;
        n--;
    }
    while (n && s[n - 1] == ' ')
        n--;
    if (n < 2 || s[0] != '"' || s[n - 1] != '"')
        return arena_strndup(a, s, n);
    char *out = arena_alloc(a, n);
    size_t len = 0;
    for (size_t i = 1; out && i + 1 < n; i++) {
        if (s[i] == '\\' && i + 2 < n)
            i++;
        out[len++] = s[i];
    }
    return out;
}

enum status
mailbox_parse(struct arena *a, const char *text, const char **name,
              const char **address, struct error *err)
{
    size_t n = strlen(text);

    if (n > MAILBOX_MAX_BYTES || has_control(text))
        return fail(err, E_INVALID,
                    "mail address is too long or holds control characters");
    const char *open = strrchr(text, '<');
    if (open) {
        if (text[n - 1] != '>')
            return fail(err, E_INVALID, "mail address '%s': missing '>'", text);
        *name = unquote(a, text, (size_t)(open - text));
        *address = arena_strndup(a, open + 1, n - 2 - (size_t)(open - text));
    } else {
        *name = "";
        *address = arena_strdup(a, text);
    }
    if (!*name || !*address)
        return fail(err, E_NOMEM, "mail address");
    if (!is_address(*address))
        return fail(err, E_INVALID, "'%s' is not a mail address", text);
    return OK;
}

/* ---- header values ---- */

/* Bytes of the UTF-8 character at s; 1 for a stray byte. */
static size_t
char_bytes(const char *s)
{
    unsigned char c = (unsigned char)*s;
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    size_t n = 1;

    while (n < want && ((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

static void
encoded_words_write(struct buf *out, const char *s, size_t used)
{
    /* The first word shares its line with the header's name: 12 columns are
     * =?UTF-8?B? and ?=. */
    size_t max = used < 48 ? (LINE_MAX_COLUMNS - 12 - used) / 4 * 3 : 0;

    if (max < 8) {
        buf_puts(out, "\r\n ");
        max = WORD_MAX_BYTES;
    }
    while (*s) {
        size_t n = 0;
        while (s[n]) {
            size_t step = char_bytes(s + n);
            if (n + step > max)
                break;
            n += step;
        }
        buf_puts(out, "=?UTF-8?B?");
        base64_write(out, s, n);
        buf_puts(out, "?=");
        s += n;
        if (*s)
            buf_puts(out, "\r\n ");
        max = WORD_MAX_BYTES;
    }
}

/* Breaks lines before single spaces. False when a word is too long. */
static bool
foldable(const char *s)
{
    size_t word = 0;

    for (; *s; s++) {
        word = *s == ' ' ? 0 : word + 1;
        if (word > LINE_MAX_COLUMNS - 2)
            return false;
    }
    return true;
}

static void
folded_write(struct buf *out, const char *s, size_t used)
{
    size_t column = used;

    while (*s) {
        size_t n = 1 + strcspn(s + 1, " "); /* leading space and a word */
        if (*s == ' ' && column + n > LINE_MAX_COLUMNS && column > used) {
            buf_puts(out, "\r\n");
            column = 0;
        }
        buf_add(out, s, n);
        column += n;
        s += n;
    }
}

void
header_text_write(struct buf *out, const char *s, size_t used)
{
    /* Runs of spaces would be lost in folding, "=?" would be decoded. */
    bool plain = is_ascii(s) && !strstr(s, "=?") && !strstr(s, "  ") &&
                 s[0] != ' ' && foldable(s);

    if (plain)
        folded_write(out, s, used);
    else
        encoded_words_write(out, s, used);
}

static void
name_write(struct buf *out, const char *name, size_t used)
{
    if (!is_ascii(name) || strstr(name, "=?")) {
        encoded_words_write(out, name, used);
        return;
    }
    buf_putc(out, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *name);
    }
    buf_putc(out, '"');
}

void
mail_date_write(struct buf *out, int64_t us)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
                                       "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    const struct zone *utc = NULL;

    if (zone_get("UTC", &utc, NULL) != OK)
        return;
    struct civil c = zone_civil(utc, us);
    buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[c.weekday],
               c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second);
}

/* ---- bodies ---- */

static bool
qp_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '=';
}

void
quoted_printable_write(struct buf *out, const char *s, size_t n)
{
    size_t column = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\r' && i + 1 < n && s[i + 1] == '\n')
            continue;
        if (c == '\n') {
            buf_puts(out, "\r\n");
            column = 0;
            continue;
        }
        bool ends = i + 1 == n || s[i + 1] == '\n' || s[i + 1] == '\r';
        bool plain =
            (qp_plain(c) || c == '\t') && !((c == ' ' || c == '\t') && ends);
        size_t width = plain ? 1 : 3;
        if (column + width > LINE_MAX_COLUMNS - 1) {
            buf_puts(out, "=\r\n");
            column = 0;
        }
        if (plain)
            buf_putc(out, (char)c);
        else
            buf_printf(out, "=%02X", c);
        column += width;
    }
}

static void
part_write(struct buf *out, const char *boundary, const char *type,
           const char *body)
{
    buf_printf(out,
               "--%s\r\nContent-Type: text/%s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
               boundary, type);
    quoted_printable_write(out, body, strlen(body));
    buf_puts(out, "\r\n");
}

static enum status
headers_write(struct arena *a, struct buf *out, const struct mime_mail *m,
              struct error *err)
{
    const char *name = NULL, *from = NULL, *to_name = NULL, *to = NULL;

    enum status rc = mailbox_parse(a, m->from, &name, &from, err);
    if (rc == OK)
        rc = mailbox_parse(a, m->to, &to_name, &to, err);
    if (rc != OK)
        return rc;
    if (!is_ascii(from) || !is_ascii(to))
        return fail(err, E_INVALID,
                    "mail address '%s' is not ASCII; SMTP here does not carry "
                    "it",
                    is_ascii(from) ? to : from);
    buf_puts(out, "From: ");
    if (*name) {
        name_write(out, name, strlen("From: "));
        buf_putc(out, ' ');
    }
    buf_printf(out, "<%s>\r\nTo: <%s>\r\nSubject: ", from, to);
    header_text_write(out, m->subject, strlen("Subject: "));
    buf_puts(out, "\r\nDate: ");
    mail_date_write(out, m->date_us);
    buf_printf(out, "\r\nMessage-ID: %s\r\nMIME-Version: 1.0\r\n",
               m->message_id);
    return OK;
}

static enum status
extra_write(struct buf *out, const struct mime_mail *m, struct error *err)
{
    const size_t max = sizeof(m->extra) / sizeof(m->extra[0]);

    for (size_t i = 0; i < max && m->extra[i].name; i++) {
        const struct mime_header *h = &m->extra[i];
        if (has_control(h->name) || has_control(h->value) ||
            !is_ascii(h->value) || strpbrk(h->name, ": "))
            return fail(err, E_INVALID, "mail header %s is not one plain line",
                        h->name);
        if (strlen(h->name) + strlen(h->value) > HEADER_MAX_COLUMNS)
            return fail(err, E_INVALID, "mail header %s is too long", h->name);
        buf_printf(out, "%s: %s\r\n", h->name, h->value);
    }
    return OK;
}

enum status
mime_write(struct arena *a, struct buf *out, const struct mime_mail *m,
           struct error *err)
{
    char digest[SHA256_HEX_BYTES];
    char boundary[36];

    if (has_control(m->subject))
        return fail(err, E_INVALID, "mail subject holds a line break");
    if (has_control(m->message_id) || !is_ascii(m->message_id))
        return fail(err, E_INVALID, "mail Message-ID is not one plain line");
    enum status rc = headers_write(a, out, m, err);
    if (rc == OK)
        rc = extra_write(out, m, err);
    if (rc != OK)
        return rc;
    /* "=_" cannot occur in quoted-printable text: the boundary is safe. */
    sha256_hex(m->boundary_seed, strlen(m->boundary_seed), digest);
    memcpy(boundary, "=_", 2);
    memcpy(boundary + 2, digest, 32);
    boundary[34] = '\0';
    buf_printf(out,
               "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n"
               "\r\n",
               boundary);
    part_write(out, boundary, "plain", m->text);
    part_write(out, boundary, "html", m->html);
    buf_printf(out, "--%s--\r\n", boundary);
    return buf_check(out, "mail", err);
}
