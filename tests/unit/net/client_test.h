/*
 * tests/unit/net/client_test.h - runs one call of the client to its end.
 */
#ifndef TESTS_CLIENT_TEST_H
#define TESTS_CLIENT_TEST_H

#include "net_test.h"

#include <stdio.h>

#include "net/http_client.h"

/* A copy of what the callback saw. */
struct outcome {
    int calls;
    enum status status;
    int code;
    char body[8192];
    size_t body_n;
    int64_t retry_after_s;
    int64_t latency_us;
    char message[256];
};

static inline void
outcome_keep(const struct net_result *r, void *user)
{
    struct outcome *o = user;

    o->calls++;
    o->status = r->status;
    o->code = r->code;
    o->body_n = r->body_n;
    snprintf(o->body, sizeof(o->body), "%s", r->body);
    o->retry_after_s = r->retry_after_s;
    o->latency_us = r->latency_us;
    snprintf(o->message, sizeof(o->message), "%s", r->message);
}

static inline struct net_client *
client_up(bool allow_private)
{
    struct net_client_config config = {.max_in_flight = 64,
                                       .max_per_host = 8,
                                       .allow_private = allow_private,
                                       .user_agent = "skene-test"};
    struct net_client *c = NULL;
    struct error err = {0};

    if (net_client_new(&config, &c, &err) != OK)
        FAIL("%s", err.msg);
    return c;
}

static inline void
client_drain(struct net_client *c)
{
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;

    while (net_client_in_flight(c) > 0) {
        assert_true(clock_mono_us() < until);
        net_client_poll(c, 50);
    }
}

static inline struct outcome
client_run(struct net_client *c, const struct net_http_call *call)
{
    struct outcome o = {0};
    struct error err = {0};

    if (net_client_http(c, call, outcome_keep, &o, &err) != OK)
        FAIL("%s", err.msg);
    client_drain(c);
    assert_int_equal(o.calls, 1);
    return o;
}

/* A listening socket on a free loopback port. */
static inline int
listener_up(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

#endif
