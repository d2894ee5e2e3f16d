#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* ours */

#include "net/http_server.h"
#include "world.h"

enum { STREAM_MAX_BYTES = 4096 };

static struct runtime *rt;
static struct http_server *server;
static atomic_int added;

/* The path is the workspace's id. */
static void
subscribe(struct http_exchange *x, const struct http_request *req, void *user)
{
    struct error err = {0};
    const char *workspace = arena_strdup(rt->a, req->path + 1);

    (void)user;
    struct http_stream *s = http_stream_start(x, STREAM_MAX_BYTES);
    if (s && feed_add(rt, workspace, s, &err) != OK)
        http_stream_close(s);
    atomic_fetch_add(&added, 1);
}

static int
setup(void **state)
{
    const struct http_server_config config = {
        .listen = "127.0.0.1:0",
        .threads = 2,
        .max_connections = 16,
        .max_body_bytes = 1024,
        .timeout_s = 30,
        .handler = subscribe,
    };

    (void)state;
    rt = world_new();
    atomic_store(&added, 0);
    assert_int_equal(http_server_start(&config, &server, NULL), OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    feed_free(rt->feed);
    rt->feed = NULL;
    http_server_stop(server);
    world_free(rt);
    return 0;
}

static int
reader(const char *workspace)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)http_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    const char *text = arena_printf(
        rt->a, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", workspace);
    int before = atomic_load(&added);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    WORLD_UNTIL(atomic_load(&added) > before);
    return fd;
}

/* Reads until `text` arrived; returns all that came. */
static const char *
read_until(int fd, const char *text)
{
    size_t n = 0, max = 65536;
    char *all = arena_alloc(rt->a, max);

    assert_non_null(all);
    while (!strstr(all, text)) {
        ssize_t got = read(fd, all + n, max - 1 - n);
        if (got <= 0)
            print_error("no '%s' in '%s'\n", text, all);
        assert_true(got > 0);
        n += (size_t)got;
    }
    return all;
}

static void
each_workspace_its_own(void **state)
{
    (void)state;
    assert_false(feed_wanted(rt));
    int one = reader("w1"), two = reader("w2");

    assert_true(feed_wanted(rt));
    feed_publish(rt, "w1", "action", "id1", "{\"a\":1}");
    feed_publish(rt, "w2", "decision", "id2", "{\"b\":2}");
    feed_heartbeat(rt);
    const char *got = read_until(one, ": still here\n\n");
    assert_non_null(strstr(got, "event: action\ndata: {\"a\":1}\n\n"));
    assert_null(strstr(got, "id1")); /* cannot be filled in: moves no id */
    assert_null(strstr(got, "id2"));
    got = read_until(two, ": still here\n\n");
    assert_non_null(
        strstr(got, "id: id2\nevent: decision\ndata: {\"b\":2}\n\n"));
    assert_null(strstr(got, "id1"));
    close(one);
    close(two);
}

static void
gone_reader_is_dropped(void **state)
{
    (void)state;
    int one = reader("w1"), two = reader("w1");

    close(one);
    close(two);
    for (int i = 0; i < 2000 && feed_wanted(rt); i++) {
        feed_heartbeat(rt);
        world_nap();
    }
    assert_false(feed_wanted(rt));
    feed_publish(rt, "w1", "action", "id1", "{}"); /* to nobody */
}

static void
slow_reader_is_dropped(void **state)
{
    (void)state;
    int slow = reader("w1");
    const char *large = arena_printf(rt->a, "\"%0*d\"", 3000, 0);

    /* It reads nothing: first the sockets' buffers fill up, then ours. */
    for (int i = 0; i < 100000 && feed_wanted(rt); i++)
        feed_publish(rt, "w1", "action", "id", large);
    assert_false(feed_wanted(rt));
    close(slow);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(each_workspace_its_own),
        T(gone_reader_is_dropped),
        T(slow_reader_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
