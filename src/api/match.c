#include <string.h>

#include "api/route.h"
#include "codec/text.h"

enum { PATHS_MAX = 96 };

/* Does `path` fit `pattern`, which holds at most one {name}? Only the name
 * {subject} may stand for text with a slash in it. */
static bool
fits(struct arena *a, const char *pattern, const char *path, const char **param)
{
    const char *open = strchr(pattern, '{');

    *param = NULL;
    if (!open)
        return strcmp(pattern, path) == 0;
    const char *tail = strchr(open, '}') + 1;
    size_t head_n = (size_t)(open - pattern), tail_n = strlen(tail);
    size_t n = strlen(path);
    if (n <= head_n + tail_n || memcmp(path, pattern, head_n) != 0 ||
        memcmp(path + n - tail_n, tail, tail_n) != 0)
        return false;
    size_t len = n - head_n - tail_n;
    bool slash = memchr(path + head_n, '/', len) != NULL;
    if (slash && strncmp(open, "{subject}", 9) != 0)
        return false;
    *param = arena_strndup(a, path + head_n, len);
    return *param != NULL;
}

/* Cuts "/workspace/<slug>" off the path. */
static const char *
unprefixed(struct call *c)
{
    static const char prefix[] = "/workspace/";
    const char *path = c->req->path;

    c->workspace_slug = NULL;
    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
        return path;
    const char *slug = path + sizeof(prefix) - 1;
    size_t n = strcspn(slug, "/");
    if (n == 0 || !slug[n])
        return path;
    c->workspace_slug = arena_strndup(c->a, slug, n);
    return slug + n;
}

const struct api_route *
route_match(struct call *c, const char **allow)
{
    const char *path = unprefixed(c);
    const char *methods = NULL;

    *allow = NULL;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        if (c->workspace_slug &&
            strncmp(r->path, API_PREFIX, sizeof(API_PREFIX) - 1) != 0)
            continue;
        if (!fits(c->a, r->path, path, &c->param))
            continue;
        if (strcmp(r->method, c->req->method) == 0)
            return r;
        methods = methods ? arena_printf(c->a, "%s, %s", methods, r->method)
                          : r->method;
    }
    *allow = methods;
    return NULL;
}

const char *
route_nearest(const char *path)
{
    const char *paths[PATHS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < api_route_count && n < PATHS_MAX; i++)
        paths[n++] = api_routes[i].path;
    int best = nearest_name(path, paths, n);
    return best < 0 ? NULL : paths[best];
}
