/*
 * tests/unit/net/net_test.h - raw sockets, and waiting with a bound, for the
 * tests of src/net.
 */
#ifndef TESTS_NET_TEST_H
#define TESTS_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's fail() and ours share a name; a test means FAIL(). */
#undef fail
#define FAIL(...)                           \
    do {                                    \
        print_error("ERROR: " __VA_ARGS__); \
        print_error("\n");                  \
        _fail(__FILE__, __LINE__);          \
    } while (0)

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_server.h"

enum { PATIENCE_MS = 10000, ANSWER_BYTES = 64 * 1024 };

/* Connects to a loopback port. */
static inline int
raw_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* Sends as much as the peer takes; a peer that hung up is no failure. */
static inline void
raw_send(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

static inline void
raw_puts(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

/* Reads until `needle` shows up (NULL = until the peer closes). True when that
 * happened within the patience. `out` is NUL-terminated. */
static inline bool
raw_read(int fd, char *out, size_t out_bytes, const char *needle)
{
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    size_t n = 0;

    out[0] = '\0';
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = (until - clock_mono_us()) / US_PER_MS;
        if (needle && strstr(out, needle))
            return true;
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return false;
        ssize_t got = recv(fd, out + n, out_bytes - 1 - n, 0);
        if (got <= 0)
            return !needle;
        n += (size_t)got;
        out[n] = '\0';
        assert_true(n < out_bytes - 1);
    }
}

static inline int
raw_status(const char *answer)
{
    return strncmp(answer, "HTTP/1.", 7) == 0
               ? (int)strtol(answer + 9, NULL, 10)
               : 0;
}

/* Polls a condition; the bound makes a hang a failure. */
#define WAIT_FOR(condition)                                         \
    do {                                                            \
        int64_t until_ = clock_mono_us() + PATIENCE_MS * US_PER_MS; \
        while (!(condition)) {                                      \
            assert_true(clock_mono_us() < until_);                  \
            poll(NULL, 0, 1);                                       \
        }                                                           \
    } while (0)

/* A server on a free port; fails the test when it does not start. */
static inline struct http_server *
server_up(struct http_server_config config)
{
    struct http_server *s = NULL;
    struct error err = {0};

    if (!config.listen && !config.unix_socket)
        config.listen = "127.0.0.1:0";
    if (!config.threads)
        config.threads = 2;
    if (!config.max_connections)
        config.max_connections = 100;
    if (!config.max_body_bytes)
        config.max_body_bytes = (size_t)1024 * 1024;
    if (!config.timeout_s)
        config.timeout_s = 10;
    if (http_server_start(&config, &s, &err) != OK)
        FAIL("%s", err.msg);
    return s;
}

#endif
