#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/route.h"
#include "codec/crypto.h"

static const char *const role_names[] = {
    [ROLE_PUBLIC] = "public", [ROLE_INGEST] = "ingest",
    [ROLE_VIEWER] = "viewer", [ROLE_EDITOR] = "editor",
    [ROLE_ADMIN] = "admin",
};
static_assert(sizeof(role_names) / sizeof(role_names[0]) == ROLE_COUNT,
              "every role has a name");

const char *
role_name(enum role r)
{
    return role_names[r];
}

bool
token_matches(const struct api *api, const char *presented)
{
    return api->token && presented &&
           secret_equal(api->token, strlen(api->token), presented,
                        strlen(presented));
}

/* Value of one cookie, or NULL. */
static const char *
cookie_get(struct call *c, const char *name)
{
    const char *all = http_header_get(c->x, "Cookie");
    size_t n = strlen(name);

    while (all && *all) {
        all += strspn(all, "; ");
        size_t len = strcspn(all, ";");
        if (len > n && all[n] == '=' && memcmp(all, name, n) == 0)
            return arena_strndup(c->a, all + n + 1, len - n - 1);
        all += len;
    }
    return NULL;
}

static const char *
bearer_get(struct call *c)
{
    static const char *const headers[] = {"X-API-Key", "X-Skene-Token"};
    const char *value = http_header_get(c->x, "Authorization");

    if (value && strncasecmp(value, "Bearer ", 7) == 0)
        return value + 7;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if ((value = http_header_get(c->x, headers[i])))
            return value;
    return NULL;
}

/* A page of another site can make a browser send requests here under its own
 * name (DNS rebinding), so the name must be one of ours. */
static bool
host_ours(struct call *c)
{
    static const char *const ours[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *host = http_header_get(c->x, "Host");

    if (!host)
        return false;
    const char *end = *host == '[' ? strchr(host, ']') : NULL;
    size_t n = end ? (size_t)(end - host) + 1 : strcspn(host, ":");
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strlen(ours[i]) == n && strncasecmp(host, ours[i], n) == 0)
            return true;
    const char *public_host = c->api->public_host;
    return public_host && strlen(public_host) == n &&
           strncasecmp(host, public_host, n) == 0;
}

enum role
call_role(struct call *c)
{
    if (c->req->local)
        return ROLE_ADMIN;
    if (token_matches(c->api, bearer_get(c)) ||
        token_matches(c->api, cookie_get(c, TOKEN_COOKIE)))
        return ROLE_VIEWER;
    /* The link that serve prints; the page answers with the cookie. */
    if (strcmp(c->route->path, "/") == 0 &&
        token_matches(c->api, call_query(c, "token")))
        return ROLE_VIEWER;
    return ROLE_INGEST;
}

enum status
route_allowed(struct call *c, struct error *err)
{
    enum role need = c->route->role;

    if (need <= ROLE_INGEST)
        return OK;
    if (!c->req->local && !host_ours(c)) {
        (void)error_hint(err, "use localhost, or set SKENE_PUBLIC_URL");
        return fail(err, E_FORBIDDEN, "this host name is not ours");
    }
    enum role have = call_role(c);
    if (have >= need)
        return OK;
    if (have == ROLE_VIEWER) {
        (void)error_hint(err, "changes go through the unix socket: run the "
                              "skene command on the server");
        return fail(err, E_FORBIDDEN,
                    "needs the role %s, the local token "
                    "is a viewer",
                    role_name(need));
    }
    (void)error_hint(err, "send the local token (file `token` beside the "
                          "store) as a bearer token, or use the unix socket");
    return fail(err, E_AUTH, "needs the role %s", role_name(need));
}

static enum status
token_make(struct arena *a, const char *path, const char **out,
           struct error *err)
{
    enum status rc = random_token(a, "sk_local_", 32, out, err);
    if (rc != OK)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, E_IO, "cannot make %s: %s", path,
                    strerrordesc_np(errno));
    size_t n = strlen(*out);
    bool written = write(fd, *out, n) == (ssize_t)n && fsync(fd) == 0;
    int cause = errno;
    if (close(fd) != 0 || !written)
        return fail(err, E_IO, "cannot write %s: %s", path,
                    strerrordesc_np(cause));
    return OK;
}

enum status
api_token_load(struct arena *a, const char *path, const char **out,
               struct error *err)
{
    char text[256];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return token_make(a, path, out, err);
    if (fd < 0)
        return fail(err, E_IO, "cannot read %s: %s", path,
                    strerrordesc_np(errno));
    ssize_t n = read(fd, text, sizeof(text) - 1);
    bool open_to_all = fstat(fd, &st) != 0 || (st.st_mode & 077) != 0;
    (void)close(fd);
    if (n < 0)
        return fail(err, E_IO, "cannot read %s: %s", path,
                    strerrordesc_np(errno));
    text[n] = '\0';
    text[strcspn(text, "\r\n ")] = '\0';
    if (open_to_all || strlen(text) < TOKEN_TEXT_BYTES) {
        (void)error_hint(err, "delete it; the next start makes a new one");
        return fail(err, E_INPUT,
                    "%s must be readable by you alone and hold "
                    "at least %d characters",
                    path, TOKEN_TEXT_BYTES);
    }
    *out = arena_strdup(a, text);
    return *out ? OK : fail(err, E_NOMEM, "token");
}
