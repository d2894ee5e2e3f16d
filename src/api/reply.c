#include <string.h>

#include "api/route.h"
#include "codec/text.h"

enum { ERROR_MAX_BYTES = 16 * 1024 };

static void
header_add(struct http_reply *r, const char *name, const char *value)
{
    size_t i = 0;

    while (i < HTTP_MAX_HEADERS - 1 && r->headers[i].name)
        i++;
    if (i < HTTP_MAX_HEADERS - 1 && value)
        r->headers[i] = (struct http_header){name, value};
}

static void
common_headers(const struct call *c, struct http_reply *r)
{
    header_add(r, "Cache-Control", "no-store");
    header_add(r, "X-Content-Type-Options", "nosniff");
    header_add(r, "Referrer-Policy", "no-referrer");
    header_add(r, "X-Request-Id", c->request_id);
}

void
answer_send(struct call *c, const struct answer *out)
{
    struct http_reply r = {
        .status = out->status        ? out->status
                  : c->route->status ? c->route->status
                                     : 200,
        .content_type = out->content_type,
        .body = out->body,
        .body_n = out->body_n,
    };
    AUTO_BUF text = buf_new((size_t)16 * 1024 * 1024);

    if (!out->body && out->json) {
        json_write(&text, out->json, false);
        struct error err = {0};
        if (buf_check(&text, "answer", &err) != OK) {
            error_send(c, &err, NULL);
            return;
        }
        r.body = text.data;
        r.body_n = text.len;
    }
    common_headers(c, &r);
    for (size_t i = 0; i < 2 && out->extra_name[i]; i++)
        header_add(&r, out->extra_name[i], out->extra_value[i]);
    http_reply(c->x, &r);
}

/* Routes that answer people say what is wrong in HTML. */
static void
error_html(const struct error *err, struct buf *out)
{
    buf_printf(out,
               "<!doctype html><html lang=\"en\">"
               "<meta charset=\"utf-8\"><meta name=\"viewport\" "
               "content=\"width=device-width\"><title>skene</title>"
               "<link rel=\"stylesheet\" href=\"/assets/log.css\">"
               "<main class=\"narrow\"><h1>%d</h1><p>",
               status_http(err->code));
    html_escape(out, err->msg, strlen(err->msg));
    buf_puts(out, "</p><p>");
    html_escape(out, err->hint, strlen(err->hint));
    buf_puts(out, "</p></main></html>");
}

/* {"error":{"code","message","hint","field"?,"request_id"}} */
static void
error_json(const struct call *c, const struct error *err, const char *allow,
           struct buf *text)
{
    struct json_writer w = jw_new(text);

    jw_object(&w);
    jw_key(&w, "error");
    jw_object(&w);
    jw_kv_string(&w, "code",
                 allow ? "method_not_allowed" : status_name(err->code));
    jw_kv_string(&w, "message", err->msg);
    jw_kv_string(&w, "hint", err->hint);
    if (err->field[0])
        jw_kv_string(&w, "field", err->field);
    jw_kv_string(&w, "request_id", c->request_id);
    jw_object_end(&w);
    jw_object_end(&w);
}

void
error_send(struct call *c, const struct error *err, const char *allow)
{
    AUTO_BUF text = buf_new(ERROR_MAX_BYTES);
    bool html = c->route->type && strncmp(c->route->type, "text/html", 9) == 0;

    atomic_fetch_add(&c->api->errors, 1);
    if (html)
        error_html(err, &text);
    else
        error_json(c, err, allow, &text);
    struct http_reply r = {
        .content_type = html ? c->route->type : NULL,
        .status = allow ? 405 : status_http(err->code),
        .body = text.data,
        .body_n = text.len,
    };
    common_headers(c, &r);
    header_add(&r, "Allow", allow);
    if (err->code == E_AUTH)
        header_add(&r, "WWW-Authenticate", "Bearer realm=\"skene\"");
    if (!allow && status_retryable(err->code))
        header_add(&r, "Retry-After", "1");
    http_reply(c->x, &r);
}
