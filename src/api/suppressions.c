/* Who must not get mail, and the link by which people say so (RFC 8058). */
#include <string.h>

#include "api/route.h"
#include "codec/text.h"
#include "runtime/ops.h"

enum { ADDRESS_MAX_BYTES = 320, SHOWN_MAX_BYTES = 8 * ADDRESS_MAX_BYTES };

enum status
suppression_all(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    struct suppression_row *rows = NULL;
    size_t n = 0;
    enum status rc = call_begin(c, false, &tx, err);

    if (rc == OK)
        rc = suppression_list(tx, c->a, c->workspace_id, &rows, &n, err);
    struct json *data = json_array(c->a);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *j = json_object(c->a);
        json_put(c->a, j, "address", json_maybe(c->a, rows[i].address));
        json_put(c->a, j, "reason", json_maybe(c->a, rows[i].reason));
        json_put(c->a, j, "at", json_time(c->a, rows[i].at_us));
        json_push(c->a, data, j);
    }
    return rc == OK ? page_answer(c, data, n + 1, NULL, out, err) : rc;
}

static enum status
suppress(struct call *c, const char *workspace_id, const char *address,
         const char *reason, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = call_begin(c, true, &tx, err);

    if (rc == OK)
        rc = suppression_add(tx, workspace_id, address, reason,
                             runtime_now_us(c->rt), err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    return store_commit(whole, err);
}

static enum status
address_check(const char *address, struct error *err)
{
    const char *at = strchr(address, '@');

    if (at && at != address && at[1] && !strpbrk(address, " \r\n<>") &&
        strlen(address) <= ADDRESS_MAX_BYTES)
        return OK;
    enum status rc =
        fail(err, E_INVALID, "'%.100s' is not a mail address", address);
    (void)error_field(err, "address");
    return rc;
}

enum status
suppression_create(struct call *c, struct answer *out, struct error *err)
{
    struct json *body = NULL;
    const char *address = NULL;
    enum status rc = call_body(c, &body, err);

    if (rc == OK)
        rc = body_text(body, "address", &address, err);
    if (rc == OK)
        rc = address_check(address, err);
    const char *reason = json_get_str(body, "reason", "manual");
    if (rc == OK)
        rc = suppress(c, c->workspace_id, address, reason, err);
    out->json =
        json_put(c->a, json_object(c->a), "address", json_maybe(c->a, address));
    json_put(c->a, out->json, "reason", json_maybe(c->a, reason));
    return rc;
}

enum status
suppression_delete(struct call *c, struct answer *out, struct error *err)
{
    AUTO_TX tx = NULL;
    const char *reason = NULL;
    enum status rc = call_begin(c, true, &tx, err);

    if (rc == OK)
        rc =
            suppression_find(tx, c->a, c->workspace_id, c->param, &reason, err);
    if (rc == OK && !reason)
        rc = fail(err, E_NOTFOUND, "%s is not suppressed", c->param);
    if (rc == OK)
        rc = suppression_remove(tx, c->workspace_id, c->param, err);
    if (rc != OK)
        return rc;
    struct store_tx *whole = tx;
    tx = NULL;
    out->json = json_put(c->a, json_object(c->a), "address",
                         json_maybe(c->a, c->param));
    return store_commit(whole, err);
}

/* A page people see, so plain HTML; no cookie, no script, no redirect. */
static enum status
page(struct call *c, const char *title, const char *body, struct answer *out,
     struct error *err)
{
    char *html = arena_printf(
        c->a,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<meta name=\"robots\" content=\"noindex\"><title>%s</title>"
        "<link rel=\"stylesheet\" href=\"/assets/log.css\">"
        "<main class=\"narrow\"><h1>%s</h1>%s</main></html>",
        title, title, body);

    if (!html)
        return fail(err, E_NOMEM, "page");
    out->content_type = "text/html; charset=utf-8";
    out->body = html;
    out->body_n = strlen(html);
    out->extra_name[0] = "Content-Security-Policy";
    out->extra_value[0] = "default-src 'none'; style-src 'self'; "
                          "form-action 'self'; base-uri 'none'; "
                          "frame-ancestors 'none'";
    return OK;
}

static enum status
opened(struct call *c, const char **workspace_id, const char **address,
       const char **shown, struct error *err)
{
    enum status rc =
        unsubscribe_open(c->rt, c->a, c->param, workspace_id, address, err);
    if (rc != OK) { /* which part is wrong is nobody's business */
        *err = (struct error){0};
        (void)error_hint(err, "use the link of the mail as it is");
        return fail(err, E_NOTFOUND, "this unsubscribe link is not valid");
    }
    AUTO_BUF text = buf_new(SHOWN_MAX_BYTES);
    html_escape(&text, *address, strlen(*address));
    *shown = arena_strdup(c->a, text.data);
    return *shown ? OK : fail(err, E_NOMEM, "address");
}

enum status
unsubscribe_form(struct call *c, struct answer *out, struct error *err)
{
    const char *workspace_id = NULL, *address = NULL, *shown = NULL;
    enum status rc = opened(c, &workspace_id, &address, &shown, err);

    if (rc != OK)
        return rc;
    const char *body =
        arena_printf(c->a,
                     "<p>Stop all mails to <strong>%s</strong>?</p>"
                     "<form method=\"post\"><input type=\"hidden\" "
                     "name=\"List-Unsubscribe\" value=\"One-Click\">"
                     "<button>Unsubscribe</button></form>",
                     shown);
    return body ? page(c, "Unsubscribe", body, out, err)
                : fail(err, E_NOMEM, "page");
}

/* Acts without more input, whatever the body: mail programs send the
 * one-click form, people the button of the page. */
enum status
unsubscribe_act(struct call *c, struct answer *out, struct error *err)
{
    const char *workspace_id = NULL, *address = NULL, *shown = NULL;
    enum status rc = opened(c, &workspace_id, &address, &shown, err);

    if (rc == OK)
        rc = suppress(c, workspace_id, address, "unsubscribed", err);
    if (rc != OK)
        return rc;
    const char *body = arena_printf(
        c->a, "<p><strong>%s</strong> will get no more mails.</p>", shown);
    return body ? page(c, "Unsubscribed", body, out, err)
                : fail(err, E_NOMEM, "page");
}
