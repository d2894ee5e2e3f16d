/*
 * effects/mime.h - writes one RFC 5322 message: headers, and text and HTML as
 * multipart/alternative. For SMTP; Resend builds its own.
 *
 * Source: RFC 5322 (message), 2045 (quoted-printable), 2046 (multipart), 2047
 * (encoded words).
 */
#ifndef EFFECTS_MIME_H
#define EFFECTS_MIME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct mime_header {
    const char *name, *value; /* value: ASCII, one line */
};

struct mime_mail {
    const char *from; /* "Name <a@b>" or "a@b" */
    const char *to;   /* "a@b" */
    const char *subject;
    const char *html, *text;   /* UTF-8 */
    const char *message_id;    /* with its <> */
    const char *boundary_seed; /* any text that names the message */
    int64_t date_us;
    struct mime_header extra[8]; /* until name == NULL */
};

/* Errors: E_INVALID for a line break or control character in a header, an
 *         address that is none; E_TOOBIG from the buffer. */
CHECKED enum status mime_write(struct arena *a, struct buf *out,
                               const struct mime_mail *m, struct error *err);

/* "Name <a@b>" -> name ("" when absent, quotes removed) and address.
 * Errors: E_INVALID: not exactly one address, control characters. */
CHECKED enum status mailbox_parse(struct arena *a, const char *text,
                                  const char **name, const char **address,
                                  struct error *err);

/* Pieces, for tests. */
void quoted_printable_write(struct buf *out, const char *s, size_t n);
/* Unstructured header text, folded; encoded words unless plain ASCII. `used`
 * = columns taken by the header's name. */
void header_text_write(struct buf *out, const char *s, size_t used);
/* "Tue, 24 Nov 2026 09:00:00 +0000" */
void mail_date_write(struct buf *out, int64_t us);

#endif
