/*
 * core/template.h - message templates: a logic-light language without code
 * (M13): {{ path | default: "there" }}, {% if path %}…{% else %}…{% endif %},
 * {% for x in path %}…{% endfor %}. Filters: default, upcase, downcase,
 * capitalize, date. A subset of Liquid.
 */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "base/buf.h"
#include "codec/json.h"

struct template; /* opaque, in an arena */

enum { TEMPLATE_MAX_BYTES = 256 * 1024, TEMPLATE_MAX_DEPTH = 8 };

/* Errors: E_INVALID "line L: …". */
CHECKED enum status template_parse(struct arena *a, const char *text, size_t n,
                                   struct template **out, struct error *err);
/* Renders with values of `context`. When `html`, values are written as
 * entities, so that they are neither HTML nor Markdown.
 * Errors: E_INVALID for an undefined variable without a default; E_TOOBIG. */
CHECKED enum status template_render(const struct template *t,
                                    const struct json *context, bool html,
                                    struct buf *out, struct error *err);

/* A message: front matter (subject) and a Markdown body. */
struct message {
    const char *key;
    const char *subject; /* template text; no CR or LF */
    const char *body;    /* template text, Markdown */
};
/* Text of templates/messages/<key>.md: "subject: …" lines between --- lines,
 * then the body. Errors: E_INVALID. */
CHECKED enum status message_parse(struct arena *a, const char *key,
                                  const char *text, size_t n,
                                  struct message *out, struct error *err);

struct mail_content {
    const char *subject;
    const char *html;
    const char *text;
};
/* Renders subject, HTML (Markdown through md4c: no raw HTML, link schemes
 * http, https, mailto only) and the text part made from the same source. */
CHECKED enum status message_render(struct arena *a, const struct message *m,
                                   const struct json *context,
                                   struct mail_content *out, struct error *err);

#endif
