/*
 * A message: front matter and a Markdown body, rendered to subject, HTML and
 * text.
 */
#include <md4c-html.h>
#include <string.h>

#include "core/template.h"

enum { MAIL_MAX_BYTES = 1024 * 1024 };

/* A copy without carriage returns before line feeds: editors on Windows. */
static char *
unix_lines(struct arena *a, const char *text, size_t n)
{
    char *copy = arena_strndup(a, text, n);
    size_t used = 0;

    for (size_t i = 0; copy && i < n; i++)
        if (copy[i] != '\r' || copy[i + 1] != '\n')
            copy[used++] = copy[i];
    if (copy)
        copy[used] = '\0';
    return copy;
}

enum status
message_parse(struct arena *a, const char *key, const char *text, size_t n,
              struct message *out, struct error *err)
{
    const char *copy = unix_lines(a, text, n);

    *out = (struct message){.key = arena_strdup(a, key)};
    if (!copy || !out->key)
        return fail(err, E_NOMEM, "message");
    if (strncmp(copy, "---\n", 4) != 0)
        return fail(err, E_INVALID,
                    "line 1: a message begins with --- and its subject");
    const char *end = strstr(copy + 4, "\n---\n");
    if (!end)
        return fail(err, E_INVALID, "the head is not closed with ---");
    const char *line = copy + 4;
    while (line < end) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, "subject:", 8) != 0)
            return fail(err, E_INVALID,
                        "the head knows 'subject:' alone, not '%.*s'",
                        (int)(len > 60 ? 60 : len), line);
        const char *value = line + 8 + strspn(line + 8, " ");
        out->subject = arena_strndup(a, value, (size_t)(line + len - value));
        if (!out->subject)
            return fail(err, E_NOMEM, "message");
        line += len + 1;
    }
    out->body = end + 5;
    if (!out->subject || !*out->subject)
        return fail(err, E_INVALID, "a message needs a subject");
    return OK;
}

static void
collect(const MD_CHAR *text, MD_SIZE n, void *user)
{
    buf_add(user, text, n);
}

static bool
scheme_ok(const char *href)
{
    static const char *const allowed[] = {"https://", "http://",
                                          "mailto:", "#"};

    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (strncmp(href, allowed[i], strlen(allowed[i])) == 0)
            return true;
    return false;
}

/* Links md4c wrote: any other scheme (javascript:, data:) is refused, for the
 * address may come from a customer's row. */
static enum status
check_links(const char *html, struct error *err)
{
    static const char *const marks[] = {"href=\"", "src=\""};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        for (const char *p = html; (p = strstr(p, marks[i]));) {
            p += strlen(marks[i]);
            if (!scheme_ok(p))
                return fail(err, E_INVALID,
                            "a link to '%.40s' is not allowed: http, https "
                            "and mailto are",
                            p);
        }
    }
    return OK;
}

/* Markdown as people read it without markup: the marks of links and emphasis
 * go, addresses stay. Runs before values are filled in, so that a value is
 * never taken for markup. */
static void
plain_text(struct buf *out, const char *md)
{
    for (const char *p = md; *p;) {
        const char *close = *p == '[' ? strstr(p, "](") : NULL;
        const char *end = close ? strchr(close, ')') : NULL;
        const char *eol = strchr(p, '\n');
        if (end && (!eol || end < eol)) {
            buf_add(out, p + 1, (size_t)(close - p - 1));
            buf_puts(out, " (");
            buf_add(out, close + 2, (size_t)(end - close - 2));
            buf_putc(out, ')');
            p = end + 1;
        } else if (p[0] == '*' && p[1] == '*') {
            p += 2;
        } else if (*p == '#' && (p == md || p[-1] == '\n')) {
            p += strspn(p, "# ");
        } else {
            buf_putc(out, *p++);
        }
    }
}

static enum status
render_part(struct arena *a, const char *text, const struct json *context,
            bool html, struct buf *out, struct error *err)
{
    struct template *t = NULL;
    enum status rc = template_parse(a, text, strlen(text), &t, err);

    return rc == OK ? template_render(t, context, html, out, err) : rc;
}

enum status
message_render(struct arena *a, const struct message *m,
               const struct json *context, struct mail_content *out,
               struct error *err)
{
    AUTO_BUF subject = buf_new(4096), md = buf_new(MAIL_MAX_BYTES);
    AUTO_BUF html = buf_new(MAIL_MAX_BYTES), text = buf_new(MAIL_MAX_BYTES);
    AUTO_BUF plain = buf_new(TEMPLATE_MAX_BYTES);

    enum status rc = render_part(a, m->subject, context, false, &subject, err);
    if (rc == OK)
        rc = render_part(a, m->body, context, true, &md, err);
    plain_text(&plain, m->body);
    if (rc == OK)
        rc = buf_check(&plain, "message", err);
    if (rc == OK)
        rc = render_part(a, plain.data, context, false, &text, err);
    if (rc != OK)
        return error_wrap(err, "message %s", m->key);
    /* A value may hold a line break; a header may not. */
    for (char *p = subject.data; *p; p++)
        if (*p == '\r' || *p == '\n')
            *p = ' ';
    /* Values are escaped already, so their entities must pass as they are. */
    if (md_html(md.data, (MD_SIZE)md.len, collect, &html,
                MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH,
                MD_HTML_FLAG_SKIP_UTF8_BOM) != 0)
        return fail(err, E_INVALID, "message %s: not Markdown", m->key);
    rc = buf_check(&html, "message", err);
    if (rc == OK)
        rc = check_links(html.data, err);
    out->subject = arena_strdup(a, subject.data);
    out->html = arena_strndup(a, html.data, html.len);
    out->text = arena_strndup(a, text.data, text.len);
    if (rc == OK && (!out->subject || !out->html || !out->text))
        rc = fail(err, E_NOMEM, "message %s", m->key);
    return rc;
}
