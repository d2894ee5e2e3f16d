#include "codec/url.h"

#include <ctype.h>
#include <string.h>

#include "codec/text.h"

static char *
lower_dup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_strndup(a, s, n);

    for (char *p = copy; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

static enum status
parse_port(const char *s, size_t n, int *out, struct error *err)
{
    int port = 0;

    if (n == 0 || n > 5)
        return fail(err, E_INPUT, "URL: port '%.*s'", (int)n, s);
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return fail(err, E_INPUT, "URL: port '%.*s'", (int)n, s);
        port = port * 10 + (s[i] - '0');
    }
    if (port < 1 || port > 65535)
        return fail(err, E_INPUT, "URL: port %d", port);
    *out = port;
    return OK;
}

static enum status
parse_authority(struct arena *a, const char *s, size_t n, struct url *out,
                struct error *err)
{
    const char *at = memrchr(s, '@', n);

    if (at) {
        out->user = arena_strndup(a, s, (size_t)(at - s));
        if (!out->user)
            return fail(err, E_NOMEM, "URL");
        n -= (size_t)(at + 1 - s);
        s = at + 1;
    }
    const char *colon;
    if (n && s[0] == '[') {
        const char *close = memchr(s, ']', n);
        if (!close)
            return fail(err, E_INPUT, "URL: '[' without ']'");
        out->host = lower_dup(a, s + 1, (size_t)(close - s - 1));
        colon = close + 1 < s + n ? close + 1 : NULL;
        if (colon && *colon != ':')
            return fail(err, E_INPUT, "URL: text after ']'");
    } else {
        colon = memchr(s, ':', n);
        out->host = lower_dup(a, s, colon ? (size_t)(colon - s) : n);
    }
    if (!out->host)
        return fail(err, E_NOMEM, "URL");
    if (!out->host[0])
        return fail(err, E_INPUT, "URL: no host");
    if (!colon)
        return OK;
    return parse_port(colon + 1, (size_t)(s + n - colon - 1), &out->port, err);
}

enum status
url_parse(struct arena *a, const char *text, struct url *out, struct error *err)
{
    const char *mark = strstr(text, "://");

    *out = (struct url){0};
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f)
            return fail(err, E_INPUT, "URL: space or control character");
    if (!mark)
        return fail(err, E_INPUT, "'%.80s' is not an absolute URL", text);
    out->scheme = lower_dup(a, text, (size_t)(mark - text));
    const char *s = mark + 3;
    size_t n = strcspn(s, "/?#");
    enum status rc = parse_authority(a, s, n, out, err);
    if (rc != OK)
        return rc;
    const char *path = s + n;
    size_t path_n = strcspn(path, "?#");
    const char *query = path + path_n;
    out->path = path_n && path[0] == '/' ? arena_strndup(a, path, path_n) : "/";
    if (*query == '?')
        out->query = arena_strndup(a, query + 1, strcspn(query + 1, "#"));
    if (!out->scheme || !out->path || (*query == '?' && !out->query))
        return fail(err, E_NOMEM, "URL");
    return OK;
}

const char *
query_get(struct arena *a, const char *query, const char *key)
{
    size_t n = strlen(key);

    for (const char *p = query; p && *p;) {
        size_t pair = strcspn(p, "&");
        if (pair > n && p[n] == '=' && memcmp(p, key, n) == 0)
            return percent_decode(a, p + n + 1, pair - n - 1, true);
        if (pair == n && memcmp(p, key, n) == 0)
            return "";
        p += pair + (p[pair] == '&');
    }
    return NULL;
}
