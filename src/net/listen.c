#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/server_parts.h"

enum { BACKLOG = 1024 };

/* Splits "host:port" or "[v6]:port"; an empty host means every address. */
static enum status
address_split(const char *address, char *host, size_t host_bytes,
              const char **port, struct error *err)
{
    const char *colon = strrchr(address, ':');
    const char *from = address, *to = colon;

    if (!colon || !colon[1])
        return fail(err, E_INPUT,
                    "listen address \"%s\" must be host:port or [v6]:port",
                    address);
    if (*from == '[') {
        from++;
        to = colon - 1;
        if (to < from || *to != ']')
            return fail(err, E_INPUT, "listen address \"%s\" lacks a ]",
                        address);
    }
    if ((size_t)(to - from) >= host_bytes)
        return fail(err, E_INPUT, "listen address \"%s\" is too long", address);
    memcpy(host, from, (size_t)(to - from));
    host[to - from] = '\0';
    *port = colon + 1;
    return OK;
}

static int
bind_one(const struct addrinfo *ai)
{
    int on = 1;
    int fd =
        socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static enum status
fail_errno(struct error *err, const char *what, const char *where)
{
    int saved = errno;
    enum status rc =
        fail(err, E_IO, "%s %s: %s", what, where, strerrordesc_np(saved));

    if (err)
        err->sys_errno = saved;
    return rc;
}

static int
port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t n = sizeof(a);

    memset(&a, 0, sizeof(a));
    if (getsockname(fd, &a.any, &n))
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

enum status
listen_tcp(const char *address, int *fd, int *port, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256];
    const char *service = NULL;
    enum status rc = address_split(address, host, sizeof(host), &service, err);

    if (rc != OK)
        return rc;
    int gai = getaddrinfo(*host ? host : NULL, service, &hints, &found);
    if (gai)
        return fail(err, E_INPUT, "listen address \"%s\": %s", address,
                    gai_strerror(gai));
    *fd = bind_one(found);
    if (*fd < 0)
        rc = fail_errno(err, "cannot listen on", address);
    else
        *port = port_of(*fd);
    freeaddrinfo(found);
    return rc;
}

/* Somebody may be listening on the path, or a dead process left it behind. */
static enum status
stale_remove(const struct sockaddr_un *a, struct error *err)
{
    struct stat st;

    if (lstat(a->sun_path, &st))
        return errno == ENOENT ? OK
                               : fail_errno(err, "cannot look at", a->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return fail(err, E_IO,
                    "%s exists and is not a socket; remove it or choose "
                    "another path",
                    a->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_errno(err, "cannot open a socket for", a->sun_path);
    bool dead = connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 &&
                errno == ECONNREFUSED;
    close(fd);
    if (!dead)
        return fail(err, E_IO,
                    "another process listens on %s; stop it or choose "
                    "another path",
                    a->sun_path);
    if (unlink(a->sun_path))
        return fail_errno(err, "cannot remove the stale socket", a->sun_path);
    return OK;
}

enum status
listen_unix(const char *path, int *fd, struct error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(a.sun_path))
        return fail(err, E_INPUT, "socket path longer than %zu bytes: %s",
                    sizeof(a.sun_path) - 1, path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    enum status rc = stale_remove(&a, err);
    if (rc != OK)
        return rc;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of the socket before bind() is the mode of the file, so there
     * is no moment in which others could connect. */
    if (s >= 0 && fchmod(s, 0600) == 0 &&
        bind(s, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
        listen(s, BACKLOG) == 0) {
        *fd = s;
        return OK;
    }
    rc = fail_errno(err, "cannot listen on", path);
    if (s >= 0)
        close(s);
    return rc;
}
