/*
 * Mail: one rendered message, carried by Resend's API, by SMTP, or kept in the
 * dev inbox when neither is set up.
 */
#include <string.h>

#include "codec/crypto.h"
#include "effects/effects_parts.h"
#include "effects/mime.h"

#define RESEND_URL   "https://api.resend.com"
#define LOCAL_SENDER "Skene <skene@localhost>"
#define ONE_CLICK    "List-Unsubscribe=One-Click" /* RFC 8058, verbatim */

enum { TAG_MAX_BYTES = 256, SUBJECT_MAX_BYTES = 900 };

/* Columns of the row at top level, under them what we know ourselves. */
static struct json *
context_of(struct arena *a, const struct effect_input *in)
{
    const struct json *p = in->payload;
    const struct json *record = json_get(json_get(p, "event"), "record");
    struct json *context =
        json_is(record, JSON_OBJECT) ? json_clone(a, record) : json_object(a);
    const struct json *subject = json_get(p, "subject");
    struct json *who = json_object(a);
    const char *email = subject_email(in);

    json_put(a, who, "id", json_string(a, json_get_str(subject, "id", "")));
    json_put(a, who, "email", email ? json_string(a, email) : json_null(a));
    context = json_put(a, context, "subject", who);
    context =
        json_put(a, context, "feature", json_clone(a, json_get(p, "feature")));
    context = json_put(a, context, "workspace",
                       json_clone(a, json_get(p, "workspace")));
    if (in->unsubscribe_url)
        context = json_put(a, context, "unsubscribe_url",
                           json_string(a, in->unsubscribe_url));
    return context;
}

/* A column may hold a line break; a subject line may not. */
static const char *
one_line(struct arena *a, const char *s)
{
    size_t n = strlen(s);

    if (n > SUBJECT_MAX_BYTES)
        n = SUBJECT_MAX_BYTES;
    /* Not in the middle of a character. */
    while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    char *out = arena_strndup(a, s, n);
    for (char *p = out; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return out;
}

static enum status
template_missing(const struct effect_input *in, struct error *err)
{
    const char *key = effect_template(in->payload);

    return fail(err, E_NOTFOUND,
                "no message template '%s'; add one with 'skene message FILE "
                "--key %s'",
                key, key);
}

static enum status
render(struct arena *a, const struct effect_input *in, struct effect_mail *out,
       struct error *err)
{
    const char *subject =
        json_get_str(json_get(in->payload, "effect"), "subject", NULL);
    struct mail_content content = {0};

    if (!in->message)
        return template_missing(in, err);
    struct json *context = context_of(a, in);
    if (!context)
        return fail(err, E_NOMEM, "mail");
    struct message message = *in->message;
    if (subject)
        message.subject = subject;
    enum status rc = message_render(a, &message, context, &content, err);
    if (rc != OK)
        return error_wrap(err, "message template '%s'", message.key);
    out->subject = one_line(a, content.subject);
    out->html = content.html;
    out->text = content.text;
    return out->subject ? OK : fail(err, E_NOMEM, "mail subject");
}

static enum status
headers_json(struct arena *a, const char *unsubscribe, const char *message_id,
             const char **out, struct error *err)
{
    struct json *headers = json_object(a);

    if (message_id)
        headers =
            json_put(a, headers, "Message-ID", json_string(a, message_id));
    if (unsubscribe) {
        headers = json_put(a, headers, "List-Unsubscribe",
                           json_string(a, unsubscribe));
        headers = json_put(a, headers, "List-Unsubscribe-Post",
                           json_string(a, ONE_CLICK));
    }
    *out = headers ? json_text(a, headers) : NULL;
    return *out ? OK : fail(err, E_NOMEM, "mail headers");
}

/* ---- Resend ---- */

/* Letters, digits, _ and - are what a tag may hold. */
static void
tag_write(struct arena *a, struct json_writer *w, const char *name,
          const char *value)
{
    char *clean = arena_strndup(a, value, strnlen(value, TAG_MAX_BYTES));

    for (char *p = clean; p && *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789_-",
                    *p))
            *p = '_';
    if (!clean || !*clean)
        return;
    jw_object(w);
    jw_kv_string(w, "name", name);
    jw_kv_string(w, "value", clean);
    jw_object_end(w);
}

static void
resend_body(struct arena *a, struct buf *body, const struct effect_input *in,
            const struct effect_mail *m, const char *unsubscribe)
{
    struct json_writer w = jw_new(body);
    const struct json *p = in->payload;

    jw_object(&w);
    jw_kv_string(&w, "from", m->sender);
    jw_key(&w, "to");
    jw_array(&w);
    jw_string(&w, m->recipient);
    jw_array_end(&w);
    jw_kv_string(&w, "subject", m->subject);
    jw_kv_string(&w, "html", m->html);
    jw_kv_string(&w, "text", m->text);
    if (unsubscribe) {
        jw_key(&w, "headers");
        jw_object(&w);
        jw_kv_string(&w, "List-Unsubscribe", unsubscribe);
        jw_kv_string(&w, "List-Unsubscribe-Post", ONE_CLICK);
        jw_object_end(&w);
    }
    jw_key(&w, "tags");
    jw_array(&w);
    tag_write(a, &w, "feature",
              json_get_str(json_get(p, "feature"), "key", ""));
    tag_write(a, &w, "workspace",
              json_get_str(json_get(p, "workspace"), "slug", ""));
    tag_write(a, &w, "action", in->id);
    jw_array_end(&w);
    jw_object_end(&w);
}

static enum status
resend_plan(struct arena *a, const struct effect_settings *s,
            const struct effect_input *in, struct effect_plan *out,
            const char *unsubscribe, struct error *err)
{
    AUTO_BUF body = buf_new(BODY_MAX_BYTES);
    const char *base = s->resend_url ? s->resend_url : RESEND_URL;
    size_t n = strlen(base);

    while (n && base[n - 1] == '/')
        n--;
    const char *url = arena_printf(a, "%.*s/emails", (int)n, base);
    const char *auth = arena_printf(a, "Bearer %s", s->resend_key);
    if (!url || !auth)
        return fail(err, E_NOMEM, "mail");
    resend_body(a, &body, in, &out->content, unsubscribe);
    enum status rc = call_post(a, out, url, &body, err);
    if (rc != OK)
        return error_wrap(err, "Resend");
    out->provider = PROVIDER_RESEND;
    out->http.trusted = true;
    call_header(out, "Authorization", auth);
    call_header(out, "Idempotency-Key", in->key);
    call_header(out, "Accept", "application/json");
    return OK;
}

/* ---- SMTP ---- */

static enum status
smtp_plan(struct arena *a, const struct effect_settings *s,
          const struct effect_input *in, struct effect_plan *out,
          const char *sender, const char *unsubscribe, struct error *err)
{
    AUTO_BUF text = buf_new(BODY_MAX_BYTES);
    const struct effect_mail *m = &out->content;
    struct mime_mail mail = {.from = m->sender,
                             .to = m->recipient,
                             .subject = m->subject,
                             .html = m->html,
                             .text = m->text,
                             .message_id = out->provider_id,
                             .boundary_seed = in->key,
                             .date_us = s->now_us};
    int n = 0;

    if (unsubscribe) {
        mail.extra[n++] = (struct mime_header){"List-Unsubscribe", unsubscribe};
        mail.extra[n++] =
            (struct mime_header){"List-Unsubscribe-Post", ONE_CLICK};
    }
    /* Read by Resend's SMTP door, passed over by every other server. */
    mail.extra[n] = (struct mime_header){"Resend-Idempotency-Key", in->key};
    enum status rc = mime_write(a, &text, &mail, err);
    if (rc != OK)
        return rc;
    const char *bytes = arena_strndup(a, text.data, text.len);
    if (!bytes)
        return fail(err, E_NOMEM, "mail");
    out->means = MEANS_SMTP;
    out->provider = PROVIDER_SMTP;
    out->host = "smtp"; /* there is one */
    out->mail = (struct net_mail_call){.url = s->smtp_url,
                                       .from = sender,
                                       .to = m->recipient,
                                       .message = bytes,
                                       .message_n = text.len,
                                       .timeout_ms = SMTP_TIMEOUT_MS,
                                       .trusted = true};
    return OK;
}

/* The same for ever for an action; the domain is the sender's. */
static const char *
message_id(struct arena *a, const char *key, const char *sender)
{
    char digest[SHA256_HEX_BYTES];

    sha256_hex(key, strlen(key), digest);
    return arena_printf(a, "<%.32s@%s>", digest, strchr(sender, '@') + 1);
}

static enum status
addresses(struct arena *a, const struct effect_settings *s,
          const struct effect_input *in, struct effect_plan *out,
          const char **sender, struct error *err)
{
    const char *name = NULL, *recipient = NULL;
    bool local = !s->resend_key && !s->smtp_url;

    out->content.sender = s->mail_from ? s->mail_from
                          : local      ? LOCAL_SENDER
                                       : NULL;
    if (!out->content.sender)
        return fail(err, E_INPUT,
                    "no sender address; set SKENE_MAIL_FROM to "
                    "'Name <address>'");
    enum status rc = mailbox_parse(a, out->content.sender, &name, sender, err);
    if (rc == E_INVALID) /* the operator's fault, not this row's */
        return fail(err, E_INPUT,
                    "SKENE_MAIL_FROM '%s' is not a sender; use "
                    "'Name <address>'",
                    out->content.sender);
    if (rc != OK)
        return rc;
    if (!in->address)
        return fail(err, E_INVALID, "the row has no mail address");
    rc = mailbox_parse(a, in->address, &name, &recipient, err);
    out->content.recipient = recipient;
    return rc;
}

enum status
email_plan(struct arena *a, const struct effect_settings *s,
           const struct effect_input *in, struct effect_plan *out,
           struct error *err)
{
    const char *sender = NULL, *unsubscribe = NULL;

    enum status rc = addresses(a, s, in, out, &sender, err);
    if (rc == OK)
        rc = render(a, in, &out->content, err);
    if (rc != OK)
        return rc;
    if (in->unsubscribe_url)
        unsubscribe = arena_printf(a, "<%s>", in->unsubscribe_url);
    if (!s->resend_key) /* Resend makes its own, and tells its own id */
        out->provider_id = message_id(a, in->key, sender);
    if ((in->unsubscribe_url && !unsubscribe) ||
        (!s->resend_key && !out->provider_id))
        return fail(err, E_NOMEM, "mail");
    rc = headers_json(a, unsubscribe, out->provider_id, &out->content.headers,
                      err);
    if (rc != OK)
        return rc;
    if (s->resend_key)
        return resend_plan(a, s, in, out, unsubscribe, err);
    if (s->smtp_url)
        return smtp_plan(a, s, in, out, sender, unsubscribe, err);
    return OK;
}
