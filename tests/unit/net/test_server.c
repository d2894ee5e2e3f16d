#include "net_test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/queue.h"

enum { BATCH = 200, BIG_BYTES = 64 * 1024 };

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST(path) \
    "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* What the handler of these tests shares with its test. */
struct desk {
    struct queue *parked;       /* exchanges that wait for their answer */
    struct http_stream *stream; /* the last one that started */
    size_t stream_max;
    atomic_int calls, streams, parkings;
    pthread_mutex_t lock;
    char seen[128]; /* of the last request */
};

static void
text_reply(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, &(struct http_reply){
                      .status = status, .body = text, .body_n = strlen(text)});
}

static void
park(struct http_exchange *x, struct desk *d)
{
    http_suspend(x);
    if (!queue_try_push(d->parked, x))
        text_reply(x, 503, "full");
    atomic_fetch_add(&d->parkings, 1);
}

static void
own_headers(struct http_exchange *x)
{
    http_reply(x,
               &(struct http_reply){.status = 201,
                                    .content_type = "text/html",
                                    .headers = {{"Cache-Control", "max-age=60"},
                                                {"Location", "/x"}}});
}

static void
split_header(struct http_exchange *x)
{
    http_reply(x, &(struct http_reply){.status = 200,
                                       .headers = {{"X-A", "b\r\nX-Evil: 1"}}});
}

static void
handle(struct http_exchange *x, const struct http_request *req, void *user)
{
    struct desk *d = user;
    const char *header = http_header_get(x, "x-test");

    pthread_mutex_lock(&d->lock);
    snprintf(d->seen, sizeof(d->seen), "%s %s %s %s %d", req->method, req->path,
             header ? header : "-", req->peer, req->local);
    pthread_mutex_unlock(&d->lock);
    atomic_fetch_add(&d->calls, 1);
    if (strcmp(req->path, "/park") == 0) {
        park(x, d);
    } else if (strcmp(req->path, "/stream") == 0) {
        d->stream = http_stream_start(x, d->stream_max);
        atomic_fetch_add(&d->streams, 1);
    } else if (strcmp(req->path, "/own") == 0) {
        own_headers(x);
    } else if (strcmp(req->path, "/split") == 0) {
        split_header(x);
    } else if (strcmp(req->path, "/nothing") == 0) {
        http_reply(x, &(struct http_reply){.status = 204});
    } else if (strcmp(req->path, "/silent") != 0) {
        http_set_user(x, arena_strdup(http_arena(x), "hello"));
        text_reply(x, 200, http_get_user(x));
    }
}

static struct desk
desk_new(void)
{
    struct desk d = {.parked = queue_new(1024),
                     .stream_max = (size_t)1024 * 1024,
                     .lock = PTHREAD_MUTEX_INITIALIZER};

    assert_non_null(d.parked);
    return d;
}

static struct http_server *
desk_server(struct desk *d)
{
    return server_up((struct http_server_config){
        .handler = handle, .user = d, .max_connections = 1000});
}

/* One request on a connection of its own; the whole answer. */
static char *
ask(int port, const char *request)
{
    static char answer[ANSWER_BYTES];
    int fd = raw_connect(port);

    raw_puts(fd, request);
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    close(fd);
    return answer;
}

static void
headers(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    int port = http_server_port(s);

    (void)state;
    const char *a = ask(port, "GET /a HTTP/1.1\r\nHost: a\r\nX-Test: yes\r\n"
                              "Connection: close\r\n\r\n");
    assert_string_equal(d.seen, "GET /a yes 127.0.0.1 0");
    assert_int_equal(raw_status(a), 200);
    assert_non_null(strstr(a, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(a, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(a, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(a, "\r\n\r\nhello"));
    a = ask(port, LAST("/own"));
    assert_int_equal(raw_status(a), 201);
    assert_non_null(strstr(a, "Cache-Control: max-age=60\r\n"));
    assert_null(strstr(a, "no-store"));
    assert_non_null(strstr(a, "Content-Type: text/html\r\n"));
    assert_non_null(strstr(a, "Location: /x\r\n"));
    a = ask(port, LAST("/split"));
    assert_int_equal(raw_status(a), 500);
    assert_null(strstr(a, "X-Evil"));
    a = ask(port, LAST("/nothing"));
    assert_int_equal(raw_status(a), 204);
    assert_null(strstr(a, "Content-Type:"));
    a = ask(port, LAST("/silent"));
    assert_int_equal(raw_status(a), 500);
    assert_non_null(strstr(a, "{\"error\":{\"code\":\"internal\""));
    http_server_stop(s);
    queue_free(d.parked);
}

static void
head(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);

    (void)state;
    const char *a = ask(http_server_port(s), "HEAD /a HTTP/1.1\r\nHost: a\r\n"
                                             "Connection: close\r\n\r\n");
    assert_int_equal(raw_status(a), 200);
    assert_non_null(strstr(a, "Content-Length: 5\r\n"));
    assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\n");
    assert_memory_equal(d.seen, "GET ", 4);
    http_server_stop(s);
    queue_free(d.parked);
}

static void *
committer(void *arg)
{
    struct desk *d = arg;
    void *batch[64];
    size_t n;

    while ((n = queue_pop_many(d->parked, batch, 64, -1)) > 0)
        for (size_t i = 0; i < n; i++)
            text_reply(batch[i], 202, "committed");
    return NULL;
}

static void
reply_from_another_thread(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    char answer[4096];
    pthread_t thread;
    int fd[BATCH];

    (void)state;
    for (int i = 0; i < BATCH; i++) {
        fd[i] = raw_connect(http_server_port(s));
        raw_puts(fd[i], GET("/park"));
    }
    WAIT_FOR(atomic_load(&d.parkings) == BATCH);
    assert_int_equal(pthread_create(&thread, NULL, committer, &d), 0);
    for (int i = 0; i < BATCH; i++) {
        assert_true(raw_read(fd[i], answer, sizeof(answer), "committed"));
        assert_int_equal(raw_status(answer), 202);
        /* Again on the same connection, now racing with the committer. */
        raw_puts(fd[i], LAST("/park"));
    }
    for (int i = 0; i < BATCH; i++) {
        assert_true(raw_read(fd[i], answer, sizeof(answer), NULL));
        assert_int_equal(raw_status(answer), 202);
        close(fd[i]);
    }
    queue_close(d.parked);
    pthread_join(thread, NULL);
    http_server_stop(s);
    queue_free(d.parked);
}

static void
stop_answers_suspended(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    char answer[4096];
    void *late[8];
    int fd[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        fd[i] = raw_connect(http_server_port(s));
        raw_puts(fd[i], GET("/park"));
    }
    WAIT_FOR(atomic_load(&d.parkings) == 8);
    int port = http_server_port(s);
    http_server_stop(s);
    for (int i = 0; i < 8; i++) {
        assert_true(raw_read(fd[i], answer, sizeof(answer), NULL));
        assert_int_equal(raw_status(answer), 503);
        assert_non_null(strstr(answer, "{\"error\":{\"code\":\"busy\""));
        close(fd[i]);
    }
    /* Who owed the reply may still give it: to nobody. */
    assert_int_equal(queue_pop_many(d.parked, late, 8, 0), 8);
    for (int i = 0; i < 8; i++)
        text_reply(late[i], 200, "too late");
    queue_free(d.parked);
    /* Nobody listens any more. */
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int again = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_not_equal(connect(again, (const struct sockaddr *)&a, sizeof(a)),
                         0);
    close(again);
}

static void
quiesce_keeps_serving(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    char answer[4096];
    void *x;
    int fd = raw_connect(http_server_port(s));

    (void)state;
    raw_puts(fd, GET("/park"));
    WAIT_FOR(atomic_load(&d.parkings) == 1);
    http_server_quiesce(s);
    assert_int_equal(queue_pop_many(d.parked, &x, 1, 0), 1);
    text_reply(x, 200, "in time");
    assert_true(raw_read(fd, answer, sizeof(answer), "in time"));
    http_server_stop(s);
    close(fd);
    queue_free(d.parked);
}

static void
stream_events(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    char answer[4096];
    int fd = raw_connect(http_server_port(s));

    (void)state;
    raw_puts(fd, GET("/stream"));
    assert_true(raw_read(fd, answer, sizeof(answer), "\r\n\r\n"));
    assert_int_equal(raw_status(answer), 200);
    assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(answer, "X-Accel-Buffering: no\r\n"));
    WAIT_FOR(atomic_load(&d.streams) == 1);
    for (int i = 0; i < 20; i++) {
        char line[32];
        int n = snprintf(line, sizeof(line), "data: %d\n\n", i);
        assert_true(http_stream_send(d.stream, line, (size_t)n));
        assert_true(raw_read(fd, answer, sizeof(answer), line));
    }
    http_stream_close(d.stream);
    assert_true(raw_read(fd, answer, sizeof(answer), "0\r\n\r\n"));
    /* The connection is good for another request. */
    raw_puts(fd, LAST("/a"));
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    assert_int_equal(raw_status(answer), 200);
    close(fd);
    http_server_stop(s);
    queue_free(d.parked);
}

static void
stream_slow_reader(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    static char block[BIG_BYTES], answer[ANSWER_BYTES];
    int64_t until = clock_mono_us() + PATIENCE_MS * US_PER_MS;
    int fd = raw_connect(http_server_port(s));

    (void)state;
    memset(block, 'x', sizeof(block));
    raw_puts(fd, GET("/stream"));
    WAIT_FOR(atomic_load(&d.streams) == 1);
    while (http_stream_send(d.stream, block, sizeof(block)))
        assert_true(clock_mono_us() < until);
    assert_false(http_stream_send(d.stream, "x", 1));
    http_stream_close(d.stream);
    /* Cut off in the middle, not ended. */
    ssize_t n;
    while ((n = recv(fd, answer, sizeof(answer) - 1, 0)) > 0)
        answer[n] = '\0';
    assert_null(strstr(answer, "\r\n0\r\n\r\n"));
    close(fd);
    /* Others are unharmed. */
    assert_int_equal(raw_status(ask(http_server_port(s), LAST("/a"))), 200);
    http_server_stop(s);
    queue_free(d.parked);
}

static void
stream_reader_leaves(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    int fd = raw_connect(http_server_port(s));

    (void)state;
    raw_puts(fd, GET("/stream"));
    WAIT_FOR(atomic_load(&d.streams) == 1);
    close(fd);
    WAIT_FOR(!http_stream_send(d.stream, ": beat\n\n", 8));
    http_stream_close(d.stream);
    http_server_stop(s);
    queue_free(d.parked);
}

static void
stop_ends_streams(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    char answer[4096];
    int fd = raw_connect(http_server_port(s));

    (void)state;
    raw_puts(fd, GET("/stream"));
    assert_true(raw_read(fd, answer, sizeof(answer), "\r\n\r\n"));
    WAIT_FOR(atomic_load(&d.streams) == 1);
    http_server_stop(s);
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    assert_false(http_stream_send(d.stream, "x", 1));
    http_stream_close(d.stream);
    close(fd);
    queue_free(d.parked);
}

static int
unix_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(a.sun_path, path);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void
unix_path(char *path, size_t n)
{
    char dir[] = "/tmp/skene-net-XXXXXX";

    assert_non_null(mkdtemp(dir));
    snprintf(path, n, "%s/api.sock", dir);
}

static void
unix_clean(char *path)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

static void
unix_socket(void **state)
{
    struct desk d = desk_new();
    struct http_server *second = NULL;
    struct error err = {0};
    char path[64], answer[4096];
    struct stat st;

    (void)state;
    unix_path(path, sizeof(path));
    struct http_server_config config = {
        .handler = handle, .user = &d, .unix_socket = path};
    struct http_server *s = server_up(config);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = unix_connect(path);
    raw_puts(fd, LAST("/a"));
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    assert_int_equal(raw_status(answer), 200);
    assert_string_equal(d.seen, "GET /a - unix 1");
    close(fd);
    /* Alive: a second server must not take the path. */
    config.threads = 2;
    config.max_connections = config.timeout_s = 10;
    config.max_body_bytes = 1;
    assert_int_equal(http_server_start(&config, &second, &err), E_IO);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(stat(path, &st), 0);
    http_server_stop(s);
    assert_int_equal(stat(path, &st), -1);
    unix_clean(path);
    queue_free(d.parked);
}

static void
unix_socket_stale(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = NULL;
    struct error err = {0};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char path[64];

    (void)state;
    unix_path(path, sizeof(path));
    strcpy(a.sun_path, path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (const struct sockaddr *)&a, sizeof(a)), 0);
    close(dead);
    struct http_server_config config = {
        .handler = handle, .user = &d, .unix_socket = path};
    s = server_up(config);
    close(unix_connect(path));
    http_server_stop(s);
    /* A file that is no socket is somebody's data. */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    config.threads = config.max_connections = config.timeout_s = 10;
    config.max_body_bytes = 1;
    assert_int_equal(http_server_start(&config, &s, &err), E_IO);
    assert_non_null(strstr(err.msg, "not a socket"));
    assert_int_equal(access(path, F_OK), 0);
    unix_clean(path);
    queue_free(d.parked);
}

static void
start_errors(void **state)
{
    struct desk d = desk_new();
    struct http_server *s = desk_server(&d);
    struct http_server *second = NULL;
    char taken[32];

    (void)state;
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_server_port(s));
    const struct {
        const char *listen;
        enum status status;
        const char *in;
    } cases[] = {
        {taken, E_IO, taken},
        {"127.0.0.1", E_INPUT, "host:port"},
        {"127.0.0.1:", E_INPUT, "host:port"},
        {"[::1:80", E_INPUT, "]"},
        {"127.0.0.1:http-no", E_INPUT, "http-no"},
        {"256.1.1.1:0", E_INPUT, "256.1.1.1"},
        {NULL, E_INPUT, "address"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct error err = {0};
        struct http_server_config config = {.handler = handle,
                                            .listen = cases[i].listen,
                                            .threads = 2,
                                            .max_connections = 10,
                                            .max_body_bytes = 10,
                                            .timeout_s = 10};
        assert_int_equal(http_server_start(&config, &second, &err),
                         cases[i].status);
        assert_non_null(strstr(err.msg, cases[i].in));
    }
    http_server_stop(s);
    http_server_stop(NULL);
    queue_free(d.parked);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(head),
        cmocka_unit_test(reply_from_another_thread),
        cmocka_unit_test(stop_answers_suspended),
        cmocka_unit_test(quiesce_keeps_serving),
        cmocka_unit_test(stream_events),
        cmocka_unit_test(stream_slow_reader),
        cmocka_unit_test(stream_reader_leaves),
        cmocka_unit_test(stop_ends_streams),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(unix_socket_stale),
        cmocka_unit_test(start_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
