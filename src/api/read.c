#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "codec/time.h"
#include "codec/url.h"
#include "core/decide.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500, BODY_MAX_BYTES = 1024 * 1024 };

const char *
call_query(struct call *c, const char *key)
{
    const char *value = query_get(c->a, c->req->query, key);

    return value && *value ? value : NULL;
}

enum status
call_limit(struct call *c, size_t *out, struct error *err)
{
    const char *text = call_query(c, "limit");
    char *end = NULL;

    *out = LIMIT_DEFAULT;
    if (!text)
        return OK;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || *end || n < 1 || n > LIMIT_MAX) {
        enum status rc = fail(err, E_INVALID, "limit must be 1..%d, got '%s'",
                              LIMIT_MAX, text);
        (void)error_field(err, "limit");
        return rc;
    }
    *out = (size_t)n;
    return OK;
}

enum status
call_body(struct call *c, struct json **out, struct error *err)
{
    enum status rc = json_parse(c->a, c->req->body, c->req->body_n,
                                BODY_MAX_BYTES, out, err);

    if (rc != OK)
        return rc == E_INPUT ? (err->code = E_INVALID) : rc;
    if (!json_is(*out, JSON_OBJECT))
        return fail(err, E_INVALID, "the body must be a JSON object, got %s",
                    json_kind_name((*out)->kind));
    return OK;
}

enum status
body_text(const struct json *body, const char *key, const char **out,
          struct error *err)
{
    *out = json_get_str(body, key, NULL);
    if (*out && **out)
        return OK;
    enum status rc =
        fail(err, E_INVALID, "%s must be a string that is not empty", key);
    (void)error_field(err, "%s", key);
    return rc;
}

enum status
call_begin(struct call *c, bool write, struct store_tx **tx, struct error *err)
{
    return store_begin(runtime_store(c->rt), write, tx, err);
}

enum status
page_answer(struct call *c, struct json *data, size_t limit,
            const char *last_id, struct answer *out, struct error *err)
{
    bool more = data && data->n >= limit && last_id;

    out->json = json_put(c->a, json_object(c->a), "data", data);
    out->json = json_put(c->a, out->json, "next_cursor",
                         more ? json_string(c->a, last_id) : json_null(c->a));
    return out->json && data ? OK
                             : fail(err, E_TOOBIG,
                                    "the page is too "
                                    "large: lower limit");
}

struct json *
json_embed(struct arena *a, const char *text)
{
    struct json *out = NULL;

    if (!text)
        return json_null(a);
    if (json_parse(a, text, strlen(text), (size_t)4 * BODY_MAX_BYTES, &out,
                   NULL) != OK)
        return json_string(a, text);
    return out;
}

struct json *
json_time(struct arena *a, int64_t us)
{
    char text[ISO_BYTES];

    return us ? json_string(a, iso_write(us, text)) : json_null(a);
}

struct json *
json_maybe(struct arena *a, const char *text)
{
    return text ? json_string(a, text) : json_null(a);
}

enum status
call_cursor(struct call *c, const char **out, struct error *err)
{
    *out = call_query(c, "cursor");
    if (!*out || id_valid(*out))
        return OK;
    enum status rc =
        fail(err, E_INVALID, "cursor must be the next_cursor of a page");
    (void)error_field(err, "cursor");
    return rc;
}

enum status
call_id(struct call *c, struct error *err)
{
    if (c->param && id_valid(c->param))
        return OK;
    (void)error_hint(err, "ids are lower-case UUIDs");
    return fail(err, E_NOTFOUND, "'%s' is not an id", c->param);
}

enum status
query_time(struct call *c, const char *key, int64_t *out, struct error *err)
{
    const char *text = call_query(c, key);
    int64_t ago_us = 0;

    *out = 0;
    if (!text)
        return OK;
    if (*text == 'P' && duration_parse(text, &ago_us, err) == OK) {
        *out = runtime_now_us(c->rt) - ago_us;
        return OK;
    }
    if (iso_parse(text, strlen(text), out, err) == OK)
        return OK;
    enum status rc = fail(err, E_INVALID,
                          "%s must be an ISO 8601 time or a duration such as "
                          "PT15M, got '%s'",
                          key, text);
    (void)error_field(err, "%s", key);
    return rc;
}

enum status
call_filter(struct call *c, struct log_filter *out, struct error *err)
{
    *out = (struct log_filter){
        .workspace_id = c->workspace_id,
        .feature_key = call_query(c, "feature"),
        .type = call_query(c, "type"),
        .verdict = call_query(c, "verdict"),
        .subject_key = call_query(c, "subject"),
        .after_id = call_query(c, "after"),
    };
    enum verdict v;
    enum status rc = call_limit(c, &out->limit, err);
    if (rc == OK)
        rc = call_cursor(c, &out->before_id, err);
    if (rc == OK)
        rc = query_time(c, "since", &out->since_us, err);
    if (rc == OK)
        rc = query_time(c, "until", &out->until_us, err);
    if (rc != OK)
        return rc;
    if (out->verdict && !verdict_parse(out->verdict, &v)) {
        rc = fail(err, E_INVALID, "'%s' is not a verdict", out->verdict);
        (void)error_field(err, "verdict");
    } else if (out->after_id && !id_valid(out->after_id)) {
        rc = fail(err, E_INVALID, "after must be an id");
        (void)error_field(err, "after");
    }
    return rc;
}
