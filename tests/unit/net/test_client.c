#include "client_test.h"

#include <pthread.h>

/* The other side: our own server, which records and answers by path. */
struct origin {
    struct http_server *server;
    atomic_int calls;
    pthread_mutex_t lock;
    char seen[256];
};

static void
origin_answer(struct http_exchange *x, int status, const char *name,
              const char *value)
{
    http_reply(x, &(struct http_reply){.status = status,
                                       .body = "body",
                                       .body_n = 4,
                                       .headers = {{name, value}}});
}

static const char *
header_or_dash(struct http_exchange *x, const char *name)
{
    const char *value = http_header_get(x, name);

    return value ? value : "-";
}

static void
origin_handle(struct http_exchange *x, const struct http_request *req,
              void *user)
{
    static char big[4096];
    struct origin *o = user;

    pthread_mutex_lock(&o->lock);
    snprintf(o->seen, sizeof(o->seen), "%s %s|%s|%s|%s|%s|%s", req->method,
             req->path, header_or_dash(x, "Content-Type"),
             header_or_dash(x, "Idempotency-Key"),
             header_or_dash(x, "User-Agent"), header_or_dash(x, "Expect"),
             req->body);
    pthread_mutex_unlock(&o->lock);
    atomic_fetch_add(&o->calls, 1);
    if (strcmp(req->path, "/429") == 0)
        origin_answer(x, 429, "Retry-After", "17");
    else if (strcmp(req->path, "/date") == 0)
        origin_answer(x, 503, "Retry-After", "Fri, 01 Jan 2038 00:00:00 GMT");
    else if (strcmp(req->path, "/302") == 0)
        origin_answer(x, 302, "Location", "/followed");
    else if (strcmp(req->path, "/big") == 0)
        http_reply(x, &(struct http_reply){
                          .status = 200, .body = big, .body_n = sizeof(big)});
    else
        http_reply(x, &(struct http_reply){
                          .status = 200, .body = "{\"ok\":1}", .body_n = 8});
}

static int
origin_up(void **state)
{
    struct origin *o = calloc(1, sizeof(*o));

    assert_non_null(o);
    pthread_mutex_init(&o->lock, NULL);
    o->server = server_up(
        (struct http_server_config){.handler = origin_handle, .user = o});
    *state = o;
    return 0;
}

static int
origin_down(void **state)
{
    struct origin *o = *state;

    http_server_stop(o->server);
    free(o);
    return 0;
}

static const char *
origin_url(const struct origin *o, const char *path)
{
    static char url[128];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s",
             http_server_port(o->server), path);
    return url;
}

static void
post(void **state)
{
    struct origin *o = *state;
    struct net_client *c = client_up(true);
    struct outcome got =
        client_run(c, &(struct net_http_call){
                          .method = "POST",
                          .url = origin_url(o, "/hook"),
                          .headers = {{"Content-Type", "application/json"},
                                      {"Idempotency-Key", "k1"}},
                          .body = "{\"a\":1}",
                          .body_n = 7,
                          .timeout_ms = 5000,
                          .max_response = 1024});

    assert_int_equal(got.status, OK);
    assert_int_equal(got.code, 200);
    assert_string_equal(got.body, "{\"ok\":1}");
    assert_int_equal(got.body_n, 8);
    assert_int_equal(got.retry_after_s, -1);
    assert_true(got.latency_us > 0);
    assert_string_equal(o->seen, "POST /hook|application/json|k1|skene-test|"
                                 "-|{\"a\":1}");
    net_client_free(c);
}

static void
methods(void **state)
{
    static const struct {
        const char *method, *body, *seen;
    } cases[] = {
        {"GET", "", "GET /m|-|-|skene-test|-|"},
        {NULL, "", "GET /m|-|-|skene-test|-|"},
        {"HEAD", "", "GET /m|-|-|skene-test|-|"},
        {"POST", "", "POST /m|-|-|skene-test|-|"},
        {"PUT", "x", "PUT /m|-|-|skene-test|-|x"},
        {"PATCH", "x", "PATCH /m|-|-|skene-test|-|x"},
        {"DELETE", "", "DELETE /m|-|-|skene-test|-|"},
        {"GET", "x", "GET /m|-|-|skene-test|-|x"},
    };
    struct origin *o = *state;
    struct net_client *c = client_up(true);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome got = client_run(
            c, &(struct net_http_call){.method = cases[i].method,
                                       .url = origin_url(o, "/m"),
                                       .body = cases[i].body,
                                       .body_n = strlen(cases[i].body),
                                       .timeout_ms = 5000,
                                       .max_response = 1024});
        assert_int_equal(got.code, 200);
        assert_string_equal(o->seen, cases[i].seen);
    }
    net_client_free(c);
}

static void
answers(void **state)
{
    struct origin *o = *state;
    struct net_client *c = client_up(true);
    struct net_http_call call = {.timeout_ms = 5000, .max_response = 1024};

    call.url = origin_url(o, "/429");
    struct outcome got = client_run(c, &call);
    assert_int_equal(got.status, OK);
    assert_int_equal(got.code, 429);
    assert_int_equal(got.retry_after_s, 17);
    call.url = origin_url(o, "/date");
    got = client_run(c, &call);
    assert_int_equal(got.code, 503);
    assert_true(got.retry_after_s > INT64_C(31536000));
    call.url = origin_url(o, "/302");
    got = client_run(c, &call);
    assert_int_equal(got.status, OK);
    assert_int_equal(got.code, 302);
    assert_null(strstr(o->seen, "followed"));
    call.url = origin_url(o, "/big");
    got = client_run(c, &call);
    assert_int_equal(got.status, E_TOOBIG);
    assert_non_null(strstr(got.message, "1024"));
    call.max_response = 4096;
    got = client_run(c, &call);
    assert_int_equal(got.status, OK);
    assert_int_equal(got.body_n, 4096);
    net_client_free(c);
}

static void
bad_calls(void **state)
{
    static const struct {
        const char *url;
        struct http_header header;
        const char *method;
    } cases[] = {
        {NULL, {NULL, NULL}, "GET"},
        {"", {NULL, NULL}, "GET"},
        {"/relative", {NULL, NULL}, "GET"},
        {"file:///etc/passwd", {NULL, NULL}, "GET"},
        {"gopher://127.0.0.1/", {NULL, NULL}, "GET"},
        {"smtp://127.0.0.1/", {NULL, NULL}, "GET"},
        {"http://127.0.0.1/\r\nX: y", {NULL, NULL}, "GET"},
        {"http://", {NULL, NULL}, "GET"},
        {"http://127.0.0.1/", {"X-A", "b\r\nX-Evil: 1"}, "GET"},
        {"http://127.0.0.1/", {"X-A", "b\nX-Evil: 1"}, "GET"},
        {"http://127.0.0.1/", {"X-A\r\nX-Evil", "1"}, "GET"},
        {"http://127.0.0.1/", {"X A", "1"}, "GET"},
        {"http://127.0.0.1/", {"", "1"}, "GET"},
        {"http://127.0.0.1/", {NULL, NULL}, "GET / HTTP/1.1\r\n"},
        {"http://127.0.0.1/", {NULL, NULL}, ""},
    };
    struct net_client *c = client_up(true);
    struct outcome got = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct net_http_call call = {.url = cases[i].url,
                                     .method = cases[i].method,
                                     .headers = {cases[i].header},
                                     .timeout_ms = 1000};
        struct error err = {0};
        enum status rc = net_client_http(c, &call, outcome_keep, &got, &err);
        if (rc != E_INPUT)
            FAIL("case %zu: %s", i, status_name(rc));
        assert_true(*err.msg);
        assert_int_equal(net_client_in_flight(c), 0);
    }
    assert_int_equal(got.calls, 0);
    net_client_free(c);
}

static void
network_errors(void **state)
{
    struct net_client *c = client_up(true);
    int port = 0;
    int mute = listener_up(&port); /* the kernel accepts, nobody answers */
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    struct outcome got =
        client_run(c, &(struct net_http_call){.url = url, .timeout_ms = 200});
    assert_int_equal(got.status, E_TIMEOUT);
    assert_int_equal(got.code, 0);
    assert_true(got.latency_us >= 190 * US_PER_MS);
    assert_true(*got.message);
    close(mute);
    got =
        client_run(c, &(struct net_http_call){.url = url, .timeout_ms = 2000});
    assert_int_equal(got.status, E_NET);
    got = client_run(
        c, &(struct net_http_call){.url = "http://no-such-name.invalid/",
                                   .timeout_ms = 5000});
    assert_int_equal(got.status, E_NET);
    net_client_free(c);
}

static void
egress(void **state)
{
    static const struct {
        const char *url, *range;
    } cases[] = {
        {"http://127.0.0.1:1/", "loopback"},
        {"http://localhost:1/", "loopback"},
        {"http://2130706433:1/", "loopback"},
        {"http://0x7f.1:1/", "loopback"},
        {"http://0.0.0.0:1/", "this network"},
        {"http://10.0.0.1:1/", "private"},
        {"http://169.254.169.254/latest/", "metadata"},
        {"http://169.254.1.1/", "link-local"},
        {"http://100.64.0.1/", "carrier-grade NAT"},
        {"http://[::1]:1/", "loopback"},
        {"http://[::ffff:10.0.0.1]:1/", "private"},
        {"http://[64:ff9b::a00:1]/", "private"},
        {"http://[2002:a00:1::1]/", "private"},
        {"http://[fd00::1]/", "private"},
    };
    struct net_client *c = client_up(false);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome got =
            client_run(c, &(struct net_http_call){.url = cases[i].url,
                                                  .timeout_ms = 5000});
        if (got.status != E_FORBIDDEN || !strstr(got.message, cases[i].range))
            FAIL("%s: %s: %s", cases[i].url, status_name(got.status),
                 got.message);
    }
    net_client_free(c);
}

/* The connection a trusted call left open must not carry another's request. */
static void
egress_reuse(void **state)
{
    struct origin *o = *state;
    struct net_client *c = client_up(false);
    struct net_http_call call = {.url = origin_url(o, "/a"),
                                 .timeout_ms = 5000,
                                 .max_response = 100,
                                 .trusted = true};

    struct outcome got = client_run(c, &call);
    assert_int_equal(got.status, OK);
    assert_int_equal(atomic_load(&o->calls), 1);
    call.trusted = false;
    got = client_run(c, &call);
    assert_int_equal(got.status, E_FORBIDDEN);
    assert_non_null(strstr(got.message, "loopback"));
    assert_int_equal(atomic_load(&o->calls), 1);
    call.trusted = true;
    got = client_run(c, &call);
    assert_int_equal(got.status, OK);
    net_client_free(c);
}

static void
proxy_ignored(void **state)
{
    struct origin *o = *state;
    struct net_client *c = client_up(true);

    /* NOLINTBEGIN(concurrency-mt-unsafe): the server reads no environment. */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct outcome got =
        client_run(c, &(struct net_http_call){.url = origin_url(o, "/a"),
                                              .timeout_ms = 5000,
                                              .max_response = 100});
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    /* NOLINTEND(concurrency-mt-unsafe) */
    assert_int_equal(got.status, OK);
    net_client_free(c);
}

static void
many_at_once(void **state)
{
    struct origin *o = *state;
    struct net_client *c = client_up(true);
    struct net_http_call call = {.method = "POST",
                                 .url = origin_url(o, "/a"),
                                 .body = "x",
                                 .body_n = 1,
                                 .timeout_ms = 5000,
                                 .max_response = 100};
    struct outcome got = {0};
    struct error err = {0};

    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < 64; i++)
            assert_int_equal(
                net_client_http(c, &call, outcome_keep, &got, &err), OK);
        assert_int_equal(net_client_in_flight(c), 64);
        assert_int_equal(net_client_http(c, &call, outcome_keep, &got, &err),
                         E_BUSY);
        client_drain(c);
        assert_int_equal(got.calls, round * 64);
        assert_int_equal(got.status, OK);
    }
    assert_int_equal(atomic_load(&o->calls), 192);
    net_client_free(c);
}

/* Waiting for a free connection counts against the call's own time. */
static void
queued_call_times_out(void **state)
{
    struct net_client_config config = {
        .max_in_flight = 4, .max_per_host = 1, .allow_private = true};
    struct net_client *c = NULL;
    struct outcome slow = {0}, queued = {0};
    struct error err = {0};
    char url[64];
    int port = 0;
    int mute = listener_up(&port);

    (void)state;
    assert_int_equal(net_client_new(&config, &c, &err), OK);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    struct net_http_call call = {.url = url, .timeout_ms = 60000};
    assert_int_equal(net_client_http(c, &call, outcome_keep, &slow, &err), OK);
    net_client_poll(c, 10);
    call.timeout_ms = 100;
    assert_int_equal(net_client_http(c, &call, outcome_keep, &queued, &err),
                     OK);
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    while (!queued.calls && clock_mono_us() < until)
        net_client_poll(c, 50);
    assert_int_equal(queued.calls, 1);
    assert_int_equal(queued.status, E_TIMEOUT);
    assert_int_equal(slow.calls, 0);
    /* The one in flight is dropped without a callback. */
    net_client_free(c);
    assert_int_equal(slow.calls, 0);
    close(mute);
}

static void *
wake_soon(void *arg)
{
    poll(NULL, 0, 20);
    net_client_wake(arg);
    return NULL;
}

static void
wake(void **state)
{
    struct net_client *c = client_up(true);
    pthread_t thread;
    int64_t start = clock_mono_us();

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, c), 0);
    net_client_poll(c, PATIENCE_MS);
    assert_true(clock_mono_us() - start < PATIENCE_MS * US_PER_MS / 2);
    pthread_join(thread, NULL);
    net_client_free(c);
}

/* A callback that starts the next call, as retries do. */
struct chain {
    struct net_client *client;
    struct net_http_call call;
    int left;
};

static void
chain_next(const struct net_result *r, void *user)
{
    struct chain *chain = user;
    struct error err = {0};

    assert_int_equal(r->status, OK);
    if (--chain->left > 0)
        assert_int_equal(net_client_http(chain->client, &chain->call,
                                         chain_next, chain, &err),
                         OK);
}

static void
call_from_callback(void **state)
{
    struct origin *o = *state;
    struct error err = {0};
    struct chain chain = {.client = client_up(true),
                          .call = {.url = origin_url(o, "/a"),
                                   .timeout_ms = 5000,
                                   .max_response = 100},
                          .left = 5};

    assert_int_equal(
        net_client_http(chain.client, &chain.call, chain_next, &chain, &err),
        OK);
    client_drain(chain.client);
    assert_int_equal(chain.left, 0);
    assert_int_equal(atomic_load(&o->calls), 5);
    net_client_free(chain.client);
}

int
main(void)
{
#define WITH_ORIGIN(test) \
    cmocka_unit_test_setup_teardown(test, origin_up, origin_down)
    const struct CMUnitTest tests[] = {
        WITH_ORIGIN(post),
        WITH_ORIGIN(methods),
        WITH_ORIGIN(answers),
        cmocka_unit_test(bad_calls),
        cmocka_unit_test(network_errors),
        cmocka_unit_test(egress),
        WITH_ORIGIN(egress_reuse),
        WITH_ORIGIN(proxy_ignored),
        WITH_ORIGIN(many_at_once),
        cmocka_unit_test(queued_call_times_out),
        cmocka_unit_test(wake),
        WITH_ORIGIN(call_from_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
