#include "client_test.h"

#include "base/arena.h"

enum { FETCH_BYTES = 64 * 1024 };

static void
origin(struct http_exchange *x, const struct http_request *req, void *user)
{
    int status = (int)strtol(req->path + 1, NULL, 10);

    (void)user;
    if (strcmp(req->path, "/stream") == 0) {
        struct http_stream *s = http_stream_start(x, 4096);
        assert_true(http_stream_send(s, "data: 1\n\n", 9));
        assert_true(http_stream_send(s, "data: 2\n\n", 9));
        http_stream_close(s);
        return;
    }
    http_reply(x, &(struct http_reply){.status = status ? status : 200,
                                       .body = "answer",
                                       .body_n = 6});
}

static const char *
url_of(const struct http_server *s, const char *path)
{
    static char url[128];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http_server_port(s),
             path);
    return url;
}

static void
fetch(void **state)
{
    AUTO_ARENA a = arena_new(FETCH_BYTES);
    struct http_server *s =
        server_up((struct http_server_config){.handler = origin});
    struct net_http_call call = {
        .url = url_of(s, "/404"), .timeout_ms = 5000, .max_response = 100};
    struct net_result got;
    struct error err = {0};

    (void)state;
    assert_int_equal(net_fetch(a, &call, NULL, &got, &err), E_FORBIDDEN);
    assert_non_null(strstr(err.msg, "loopback"));
    call.trusted = true;
    assert_int_equal(net_fetch(a, &call, NULL, &got, &err), OK);
    assert_int_equal(got.code, 404);
    assert_string_equal(got.body, "answer");
    call.max_response = 5;
    assert_int_equal(net_fetch(a, &call, NULL, &got, &err), E_TOOBIG);
    call.url = "nonsense";
    assert_int_equal(net_fetch(a, &call, NULL, &got, &err), E_INPUT);
    http_server_stop(s);
}

static void
fetch_unix(void **state)
{
    AUTO_ARENA a = arena_new(FETCH_BYTES);
    char path[] = "/tmp/skene-fetch-XXXXXX", socket_path[64];
    struct net_http_call call = {
        .url = "http://skene/", .timeout_ms = 5000, .max_response = 100};
    struct net_result got;
    struct error err = {0};

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(socket_path, sizeof(socket_path), "%s/s", path);
    assert_int_equal(net_fetch(a, &call, socket_path, &got, &err), E_NET);
    struct http_server *s = server_up((struct http_server_config){
        .handler = origin, .unix_socket = socket_path});
    assert_int_equal(net_fetch(a, &call, socket_path, &got, &err), OK);
    assert_string_equal(got.body, "answer");
    http_server_stop(s);
    assert_int_equal(rmdir(path), 0);
}

struct heard {
    char text[256];
    size_t n;
    const char *until; /* stop once this was heard; NULL = never */
};

static bool
hear(const char *bytes, size_t n, void *user)
{
    struct heard *h = user;

    assert_true(h->n + n < sizeof(h->text));
    memcpy(h->text + h->n, bytes, n);
    h->n += n;
    h->text[h->n] = '\0';
    return !h->until || !strstr(h->text, h->until);
}

static void
fetch_stream(void **state)
{
    struct http_server *s =
        server_up((struct http_server_config){.handler = origin});
    struct net_http_call call = {.url = url_of(s, "/stream"), .trusted = true};
    struct heard all = {0}, first = {.until = "data: 1"}, none = {0};
    struct error err = {0};

    (void)state;
    assert_int_equal(net_fetch_stream(&call, NULL, hear, &all, &err), OK);
    assert_string_equal(all.text, "data: 1\n\ndata: 2\n\n");
    assert_int_equal(net_fetch_stream(&call, NULL, hear, &first, &err), OK);
    assert_non_null(strstr(first.text, "data: 1"));
    call.url = url_of(s, "/401");
    assert_int_equal(net_fetch_stream(&call, NULL, hear, &none, &err), E_AUTH);
    assert_non_null(strstr(err.msg, "401"));
    assert_non_null(strstr(err.msg, "answer"));
    assert_int_equal(none.n, 0);
    call.trusted = false;
    assert_int_equal(net_fetch_stream(&call, NULL, hear, &none, &err),
                     E_FORBIDDEN);
    http_server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch),
        cmocka_unit_test(fetch_unix),
        cmocka_unit_test(fetch_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
