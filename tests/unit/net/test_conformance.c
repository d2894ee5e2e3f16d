/* The server's conformance table, row by row, over raw sockets. */
#include "net_test.h"

#include <stdio.h>
#include <sys/resource.h>

enum { IDLE_CONNECTIONS = 2000 };

/* Says what it understood, so that a smuggled request would show. */
static void
echo(struct http_exchange *x, const struct http_request *req, void *user)
{
    char text[256];

    (void)user;
    int n = snprintf(text, sizeof(text), "<%s %s?%s %zu %.20s>", req->method,
                     req->path, req->query, req->body_n, req->body);
    http_reply(x, &(struct http_reply){.status = 200,
                                       .content_type = "text/plain",
                                       .body = text,
                                       .body_n = (size_t)n});
}

#define HOST        "Host: a\r\n"
#define CLOSE       "Connection: close\r\n"
#define BYTES(text) text, sizeof(text) - 1

static const struct row {
    const char *name;
    const char *request;
    size_t request_n;
    int status;     /* of the first answer */
    int other;      /* also allowed; 0 = none */
    const char *in; /* must be in the answer, or NULL */
} table[] = {
    {"normal", BYTES("GET /a?b=1 HTTP/1.1\r\n" HOST CLOSE "\r\n"), 200, 0,
     "<GET /a?b=1 0 >"},
    {"HTTP/1.0 without Host", BYTES("GET /a HTTP/1.0\r\n\r\n"), 200, 0,
     "<GET /a? 0 >"},
    {"body",
     BYTES("POST /a HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n\r\nhello"),
     200, 0, "<POST /a? 5 hello>"},
    {"chunked",
     BYTES("POST /a HTTP/1.1\r\n" HOST CLOSE
           "Transfer-Encoding: chunked\r\n\r\n"
           "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
     200, 0, "<POST /a? 5 hello>"},
    {"two pipelined, first",
     BYTES("POST /1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"
           "GET /2 HTTP/1.1\r\n" HOST CLOSE "\r\n"),
     200, 0, "<POST /1? 2 hi>"},
    {"two pipelined, second",
     BYTES("POST /1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"
           "GET /2 HTTP/1.1\r\n" HOST CLOSE "\r\n"),
     200, 0, "<GET /2? 0 >"},
    {"length and encoding",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
           "Transfer-Encoding: chunked\r\n\r\n"
           "0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"),
     400, 0, "bad_input"},
    {"two lengths that differ",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
           "Content-Length: 6\r\n\r\nhello!"),
     400, 0, NULL},
    {"two lengths that agree",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
           "Content-Length: 5\r\n\r\nhello"),
     400, 0, NULL},
    {"length with a sign",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: +666\r\n\r\n"), 400, 0,
     NULL},
    {"length list",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 666, 666\r\n\r\n"), 400,
     0, NULL},
    {"length past 64 bits",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617"
           "\r\n\r\n"),
     400, 413, NULL},
    {"unknown encoding",
     BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"
           "0\r\n\r\n"),
     400, 501, NULL},
    {"space before the colon",
     BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello"), 400,
     0, NULL},
    {"folded line", BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n"),
     400, 0, NULL},
    {"folded line before others",
     BYTES("GET / HTTP/1.1\r\nX-A: b\r\n\tc\r\n" HOST "X-B: d\r\n\r\n"), 400, 0,
     NULL},
    {"folded encoding",
     BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n"
           "0\r\n\r\n"),
     400, 501, NULL},
    {"no Host on 1.1", BYTES("GET / HTTP/1.1\r\n\r\n"), 400, 0, NULL},
    {"two Hosts", BYTES("GET / HTTP/1.1\r\n" HOST "Host: b\r\n\r\n"), 400, 0,
     NULL},
    {"NUL in a header", BYTES("GET / HTTP/1.1\r\nX-A: b\0c\r\n" HOST "\r\n"),
     400, 0, NULL},
    {"NUL in the last header",
     BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n"), 400, 0, NULL},
    {"control character in a header",
     BYTES("GET / HTTP/1.1\r\n" HOST "X-A: b\1c\r\n\r\n"), 400, 0, NULL},
    {"bad chunk size",
     BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
           "zz\r\nhello\r\n0\r\n\r\n"),
     400, 413, NULL},
    {"17-digit chunk size",
     BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
           "10000000000000001\r\nx\r\n0\r\n\r\n"),
     400, 413, NULL},
    {"expect",
     BYTES("POST /a HTTP/1.1\r\n" HOST CLOSE
           "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
           "hello"),
     100, 0, "<POST /a? 5 hello>"},
    {"expect, too big",
     BYTES("POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
           "Content-Length: 3000000\r\n\r\n"),
     413, 0, "payload_too_large"},
    {"path escapes",
     BYTES("GET /a%20b%2Fc%253f?q=%20 HTTP/1.1\r\n" HOST CLOSE "\r\n"), 200, 0,
     "<GET /a b/c%3f?q=%20 0 >"},
    {"bad escape", BYTES("GET /a%2 HTTP/1.1\r\n" HOST "\r\n"), 400, 0,
     "bad_input"},
    {"bad hex", BYTES("GET /a%g0 HTTP/1.1\r\n" HOST "\r\n"), 400, 0, NULL},
    {"NUL in the path", BYTES("GET /a%00b HTTP/1.1\r\n" HOST "\r\n"), 400, 0,
     NULL},
    {"path without a slash", BYTES("GET a HTTP/1.1\r\n" HOST "\r\n"), 400, 0,
     NULL},
    {"HTTP/3.0", BYTES("GET / HTTP/3.0\r\n" HOST "\r\n"), 400, 505, NULL},
};

static void
rows(void **state)
{
    struct http_server *s =
        server_up((struct http_server_config){.handler = echo});
    static char answer[ANSWER_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const struct row *r = &table[i];
        int fd = raw_connect(http_server_port(s));
        raw_send(fd, r->request, r->request_n);
        /* Every row ends with a closed connection. */
        if (!raw_read(fd, answer, sizeof(answer), NULL))
            FAIL("%s: not closed; got: %s", r->name, answer);
        int status = raw_status(answer);
        if (status != r->status && (!r->other || status != r->other))
            FAIL("%s: got %d: %s", r->name, status, answer);
        if (r->in && !strstr(answer, r->in))
            FAIL("%s: lacks %s: %s", r->name, r->in, answer);
        if (strstr(answer, "evil"))
            FAIL("%s: a request was smuggled", r->name);
        close(fd);
    }
    http_server_stop(s);
}

static void
big_header(void **state)
{
    struct http_server *s =
        server_up((struct http_server_config){.handler = echo});
    static char value[100 * 1000], answer[ANSWER_BYTES];
    int fd = raw_connect(http_server_port(s));

    (void)state;
    memset(value, 'a', sizeof(value));
    raw_puts(fd, "GET / HTTP/1.1\r\n" HOST "X-Big: ");
    raw_send(fd, value, sizeof(value));
    raw_puts(fd, "\r\n\r\n");
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    assert_int_equal(raw_status(answer), 431);
    close(fd);
    http_server_stop(s);
}

static void
big_body(void **state)
{
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
        "2dc6c0\r\n",
    };
    struct http_server *s =
        server_up((struct http_server_config){.handler = echo});
    static char body[3 * 1000 * 1000], answer[ANSWER_BYTES];

    (void)state;
    memset(body, 'b', sizeof(body));
    for (size_t i = 0; i < 2; i++) {
        int fd = raw_connect(http_server_port(s));
        raw_puts(fd, heads[i]);
        raw_send(fd, body, sizeof(body));
        assert_true(raw_read(fd, answer, sizeof(answer), NULL));
        assert_int_equal(raw_status(answer), 413);
        assert_non_null(strstr(answer, "payload_too_large"));
        const char *length = strstr(answer, "Content-Length: ");
        assert_non_null(length);
        assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4),
                         strtol(length + 16, NULL, 10));
        close(fd);
    }
    http_server_stop(s);
}

/* Bytes keep coming, one at a time, so an idle timeout alone never fires. */
static void
drip(const char *head)
{
    struct http_server *s =
        server_up((struct http_server_config){.handler = echo, .timeout_s = 1});
    static char answer[ANSWER_BYTES];
    int slow = raw_connect(http_server_port(s));
    int64_t start = clock_mono_us();
    int dripped = 0;

    raw_puts(slow, head);
    for (;;) {
        struct pollfd p = {.fd = slow, .events = POLLIN};
        assert_true(clock_mono_us() - start < PATIENCE_MS * US_PER_MS);
        if (poll(&p, 1, 50) > 0)
            break;
        raw_puts(slow, "x");
        dripped++;
        int other = raw_connect(http_server_port(s));
        raw_puts(other, "GET / HTTP/1.1\r\n" HOST CLOSE "\r\n");
        assert_true(raw_read(other, answer, sizeof(answer), NULL));
        assert_int_equal(raw_status(answer), 200);
        close(other);
    }
    assert_true(clock_mono_us() - start >= 900 * US_PER_MS);
    assert_true(dripped >= 5);
    assert_true(raw_read(slow, answer, sizeof(answer), NULL));
    assert_string_equal(answer, "");
    close(slow);
    http_server_stop(s);
}

static void
slow_header(void **state)
{
    (void)state;
    drip("GET / HTTP/1.1\r\n" HOST "X-Slow: ");
}

static void
slow_body(void **state)
{
    (void)state;
    drip("POST / HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
}

static void
many_idle(void **state)
{
    struct rlimit files = {8192, 8192};
    static char answer[ANSWER_BYTES];
    static int idle[IDLE_CONNECTIONS];

    (void)state;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    struct http_server *s = server_up((struct http_server_config){
        .handler = echo, .max_connections = 4096, .timeout_s = 60});
    for (int i = 0; i < IDLE_CONNECTIONS; i++)
        idle[i] = raw_connect(http_server_port(s));
    int fd = raw_connect(http_server_port(s));
    raw_puts(fd, "GET / HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_true(raw_read(fd, answer, sizeof(answer), NULL));
    assert_int_equal(raw_status(answer), 200);
    close(fd);
    for (int i = 0; i < IDLE_CONNECTIONS; i++)
        close(idle[i]);
    http_server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),      cmocka_unit_test(big_header),
        cmocka_unit_test(big_body),  cmocka_unit_test(slow_header),
        cmocka_unit_test(slow_body), cmocka_unit_test(many_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
