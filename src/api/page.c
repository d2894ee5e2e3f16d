/* The read-only page at / and its files, embedded in the program. */
#include <string.h>

#include "api/route.h"
#include "base/embedded.h"

extern const struct embedded api_assets[]; /* src/api/assets */

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
};

static const struct embedded *
asset_find(const char *name)
{
    for (const struct embedded *e = api_assets; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static struct answer
asset_answer(const struct embedded *e)
{
    const char *dot = strrchr(e->name, '.');
    struct answer out = {.body = e->from, .body_n = (size_t)(e->end - e->from)};

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(dot, types[i].suffix) == 0)
            out.content_type = types[i].type;
    return out;
}

void
page_get(struct call *c)
{
    struct answer out = asset_answer(asset_find("log.html"));

    out.extra_name[0] = "Content-Security-Policy";
    out.extra_value[0] = policy;
    /* Opened by the printed link: from now on the cookie does. */
    if (!c->req->local && token_matches(c->api, call_query(c, "token"))) {
        out.extra_name[1] = "Set-Cookie";
        out.extra_value[1] = arena_printf(
            c->a, TOKEN_COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/",
            c->api->token);
    }
    answer_send(c, &out);
}

void
asset_get(struct call *c)
{
    const struct embedded *e = asset_find(c->param);

    if (e) {
        struct answer out = asset_answer(e);
        answer_send(c, &out);
        return;
    }
    struct error err = {0};
    (void)fail(&err, E_NOTFOUND, "there is no asset %s", c->param);
    error_send(c, &err, NULL);
}
