#include <string.h>

#include "net/client_parts.h"

/* The address between < and >, or the whole text; NULL when it could break out
 * of the SMTP command it is put into. */
static const char *
envelope_address(struct arena *a, const char *text)
{
    const char *open = text ? strrchr(text, '<') : NULL;
    const char *from = open ? open + 1 : text;

    if (!from)
        return NULL;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return NULL;
    size_t n = strcspn(from, ">");
    if (open ? from[n] != '>' || from[n + 1] : from[n] != '\0')
        return NULL;
    const char *at = memchr(from, '@', n);
    if (!at || at == from || at == from + n - 1)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)from[i] <= ' ' || from[i] == '<')
            return NULL;
    return arena_printf(a, "<%.*s>", (int)n, from);
}

static size_t
message_read(char *out, size_t size, size_t n, void *user)
{
    struct call *c = user;
    size_t give = size * n < c->unsent_n ? size * n : c->unsent_n;

    memcpy(out, c->unsent, give);
    c->unsent += give;
    c->unsent_n -= give;
    return give;
}

/* libcurl hands each reply of the server over as a header line; the last one
 * before the good-bye says why. */
static size_t
reply_keep(char *bytes, size_t size, size_t n, void *user)
{
    struct call *c = user;
    size_t len = size * n;

    while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    if (len >= 3 && memcmp(bytes, "221", 3) == 0)
        return size * n;
    buf_reset(&c->response);
    buf_add(&c->response, bytes,
            len < MAIL_REPLY_BYTES ? len : MAIL_REPLY_BYTES);
    return size * n;
}

/* A password must not leave in the clear because somebody on the way removed
 * STARTTLS from the greeting; a catcher on this machine has no TLS. */
static long
tls_level(const char *url)
{
    CURLU *u = curl_url();
    char *user = NULL, *host = NULL;
    long level = CURLUSESSL_TRY;

    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        strcmp(host, "localhost") != 0 && strncmp(host, "127.", 4) != 0 &&
        strcmp(host, "[::1]") != 0)
        level = CURLUSESSL_ALL;
    curl_free(user);
    curl_free(host);
    curl_url_cleanup(u);
    return level;
}

enum status
call_mail(struct call *c, const struct net_mail_call *in, struct error *err)
{
    CURL *e = c->easy;
    enum status rc = call_common(c, in->url, "smtp,smtps", in->timeout_ms, err);

    if (rc != OK)
        return rc;
    const char *from = envelope_address(c->arena, in->from);
    const char *to = envelope_address(c->arena, in->to);
    if (!from || !to)
        return fail(err, E_INPUT, "the %s is not a mail address",
                    from ? "recipient" : "sender");
    c->unsent = arena_strndup(c->arena, in->message, in->message_n);
    if (!c->unsent)
        return fail(err, E_TOOBIG, "the mail is longer than %d bytes",
                    CALL_BYTES);
    c->unsent_n = in->message_n;
    c->mail = true;
    c->response = buf_new(MAIL_REPLY_BYTES);
    c->list = curl_slist_append(NULL, to);
    if (!c->list)
        return fail(err, E_NOMEM, "http client: out of memory");
    curl_easy_setopt(e, CURLOPT_USE_SSL, tls_level(in->url));
    curl_easy_setopt(e, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(e, CURLOPT_MAIL_RCPT, c->list);
    curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)in->message_n);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, message_read);
    curl_easy_setopt(e, CURLOPT_READDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, reply_keep);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    return OK;
}
