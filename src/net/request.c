#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/client_parts.h"

static bool
token_valid(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr("!#$%&'*+-.^_`|~", *p)))
            return false;
    return *s != '\0';
}

static bool
value_valid(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

static enum status
list_add(struct call *c, const char *line, struct error *err)
{
    struct curl_slist *longer = line ? curl_slist_append(c->list, line) : NULL;

    if (!longer)
        return fail(err, E_NOMEM, "http client: out of memory");
    c->list = longer;
    return OK;
}

static enum status
header_add(struct call *c, const struct http_header *h, struct error *err)
{
    const char *value = h->value ? h->value : "";

    if (!token_valid(h->name))
        return fail(err, E_INPUT, "a header name is not a token");
    if (!value_valid(value))
        return fail(err, E_INPUT,
                    "header %s holds a line break or a control character",
                    h->name);
    /* libcurl's way to write a header without a value. */
    return list_add(c,
                    *value ? arena_printf(c->arena, "%s: %s", h->name, value)
                           : arena_printf(c->arena, "%s;", h->name),
                    err);
}

static enum status
headers_set(struct call *c, const struct net_http_call *in, struct error *err)
{
    bool typed = false;
    enum status rc = OK;

    for (int i = 0; rc == OK && i < HTTP_MAX_HEADERS && in->headers[i].name;
         i++) {
        typed |= strcasecmp(in->headers[i].name, "Content-Type") == 0;
        rc = header_add(c, &in->headers[i], err);
    }
    /* Without these libcurl adds its own: a wait for 100, a form's type. */
    if (rc == OK)
        rc = list_add(c, "Expect:", err);
    if (rc == OK && !typed)
        rc = list_add(c, "Content-Type:", err);
    if (rc == OK)
        curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->list);
    return rc;
}

static enum status
body_set(struct call *c, const struct net_http_call *in, struct error *err)
{
    const char *method = in->method ? in->method : "GET";
    bool post = strcmp(method, "POST") == 0;

    if (!token_valid(method))
        return fail(err, E_INPUT, "the method is not a token");
    if (in->body_n || post) {
        char *copy =
            arena_strndup(c->arena, in->body_n ? in->body : "", in->body_n);
        if (!copy)
            return fail(err, E_TOOBIG, "the body is longer than %d bytes",
                        CALL_BYTES);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)in->body_n);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, copy);
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
        return OK;
    }
    if (!post && (in->body_n || strcmp(method, "GET") != 0))
        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
    return OK;
}

enum status
call_http(struct call *c, const struct net_http_call *in,
          const char *user_agent, struct error *err)
{
    enum status rc = call_common(c, in->url, "http,https", in->timeout_ms, err);

    if (rc == OK)
        rc = headers_set(c, in, err);
    if (rc == OK)
        rc = body_set(c, in, err);
    if (rc != OK)
        return rc;
    c->response = buf_new(in->max_response);
    curl_easy_setopt(c->easy, CURLOPT_USERAGENT, user_agent);
    return OK;
}
