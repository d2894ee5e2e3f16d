#include "../test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/map.h"
#include "base/queue.h"
#include "base/secret.h"

static void
test_errors(void **state)
{
    struct error err = {0};
    (void)state;

    (void)error_hint(&err, "open the door");
    assert_int_equal(fail(&err, E_DB, "connection refused"), E_DB);
    assert_string_equal(err.hint, "open the door");
    assert_int_equal(error_wrap(&err, "push: trigger %s", "users"), E_DB);
    assert_string_equal(err.msg, "push: trigger users: connection refused");
    assert_int_equal(error_field(&err, "a.b[%d]", 2), E_DB);
    assert_string_equal(err.field, "a.b[2]");
    /* A later error does not inherit the hint of the one before. */
    (void)fail(&err, E_INPUT, "other");
    assert_string_equal(err.hint, "");
    assert_int_equal(fail(NULL, E_NET, "nobody listens"), E_NET);
    assert_int_equal(status_http(E_INVALID), 422);
    assert_int_equal(status_exit(E_CONFLICT), 73);
    assert_true(status_retryable(E_BUSY));
    assert_string_equal(status_name(E_TOOBIG), "payload_too_large");

    char long_text[2000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    (void)fail(&err, E_INPUT, "%s", long_text);
    (void)error_wrap(&err, "%s", "context");
    assert_true(strlen(err.msg) < sizeof(err.msg));
    assert_memory_equal(err.msg, "context: xxx", 12);
}

static void
test_arena(void **state)
{
    AUTO_ARENA a = arena_new(100000);
    (void)state;

    char *p = arena_alloc(a, 10);
    assert_non_null(p);
    for (int i = 0; i < 10; i++)
        assert_int_equal(p[i], 0);
    assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
    assert_null(arena_alloc(a, 200000));
    volatile size_t huge = SIZE_MAX / 2; /* volatile: or gcc refuses it */
    assert_null(arena_array(a, huge, 8));
    char *big = arena_alloc(a, 60000); /* over a block */
    assert_non_null(big);
    memset(big, 1, 60000);
    assert_null(arena_alloc(a, 60000)); /* over the cap */
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);
    big = arena_alloc(a, 60000);
    assert_non_null(big);
    assert_int_equal(big[59999], 0); /* zeroed again */
}

static void
test_buf(void **state)
{
    AUTO_BUF b = buf_new(20);
    struct error err = {0};
    size_t n = 0;
    (void)state;

    assert_string_equal(b.data, "");
    buf_puts(&b, "hello ");
    buf_printf(&b, "%d", 42);
    assert_string_equal(b.data, "hello 42");
    assert_int_equal(buf_check(&b, "text", &err), OK);
    buf_puts(&b, "1234567890123");
    assert_false(buf_ok(&b));
    buf_putc(&b, 'x');
    assert_string_equal(b.data, "hello 42"); /* nothing after the failure */
    assert_int_equal(buf_check(&b, "text", &err), E_TOOBIG);
    buf_reset(&b);
    buf_puts(&b, "again");
    char *taken = buf_take(&b, &n);
    assert_string_equal(taken, "again");
    assert_int_equal(n, 5);
    free(taken);
    assert_int_equal(b.len, 0);
    assert_null(b.data[0] ? b.data : NULL);
    buf_puts(&b, "more than twenty bytes of it");
    assert_null(buf_take(&b, &n));
    assert_true(buf_ok(&b)); /* empty again */
    AUTO_BUF long_one = buf_new(5000);
    for (int i = 0; i < 400; i++)
        buf_printf(&long_one, "%010d", i);
    assert_int_equal(long_one.len, 4000);
}

static void
test_map(void **state)
{
    AUTO_ARENA a = arena_new(1 << 20);
    struct map *m = map_new(a);
    struct error err = {0};
    static char keys[1000][8];
    (void)state;

    assert_null(map_get(m, "none"));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        assert_ok(map_put(m, keys[i], keys[i], &err), &err);
    }
    assert_int_equal(map_count(m), 1000);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(map_get(m, keys[i]), keys[i]);
    static char fresh[] = "new";
    assert_ok(map_put(m, "k5", fresh, &err), &err);
    assert_int_equal(map_count(m), 1000);
    assert_string_equal(map_get(m, "k5"), "new");
    const char *key;
    void *value;
    assert_true(map_at(m, 999, &key, &value));
    assert_string_equal(key, "k999");
    assert_false(map_at(m, 1000, &key, &value));
}

static void
test_ids(void **state)
{
    struct id before = id_new(INT64_C(1700000000000000));
    (void)state;

    for (int i = 0; i < 5000; i++) {
        struct id next = id_new(INT64_C(1700000000000000));
        assert_true(strcmp(before.text, next.text) < 0); /* ascending */
        assert_true(id_valid(next.text));
        before = next;
    }
    struct id x = id_derive(INT64_C(1700000000123456), "seed", 4);
    struct id y = id_derive(INT64_C(1700000000123999), "seed", 4);
    struct id z = id_derive(INT64_C(1700000000123456), "seeds", 5);
    assert_string_equal(x.text, y.text); /* same millisecond, same seed */
    assert_string_not_equal(x.text, z.text);
    assert_memory_equal(x.text, "018bcfe5-687b-7", 15);
    assert_false(id_valid("018bcfe5-687b-7"));
    assert_false(id_valid("018BCFE5-687b-7000-8000-000000000000"));
    /* Never to change: they decide where data lives. */
    assert_int_equal(shard_of("w", "auth.users/1"),
                     shard_of("w", "auth.users/1"));
    assert_int_equal(hash64("", 0), UINT64_C(0xefd01f60ba992926));
    int hits[SHARD_COUNT] = {0};
    for (int i = 0; i < 25600; i++) {
        char key[24];
        (void)snprintf(key, sizeof(key), "t/%d", i);
        hits[shard_of("w", key)]++;
    }
    for (int i = 0; i < SHARD_COUNT; i++)
        assert_in_range(hits[i], 50, 160); /* 100 expected */
    assert_int_equal(shard_of_id("018bcfe5-687b-7000-8000-0000000000ff"), 255);
}

static void *
push_many(void *arg)
{
    static int items[100];

    for (int i = 0; i < 100; i++)
        while (!queue_try_push(arg, &items[i]))
            ;
    return NULL;
}

static void
test_queue(void **state)
{
    struct queue *q = queue_new(4);
    void *out[10];
    pthread_t thread;
    int x = 1;
    (void)state;

    assert_int_equal(queue_pop_many(q, out, 10, 0), 0);
    for (int i = 0; i < 4; i++)
        assert_true(queue_try_push(q, &x));
    assert_false(queue_try_push(q, &x)); /* full */
    assert_int_equal(queue_length(q), 4);
    assert_int_equal(queue_pop_many(q, out, 3, -1), 3);
    assert_int_equal(queue_pop_many(q, out, 3, -1), 1);
    assert_int_equal(pthread_create(&thread, NULL, push_many, q), 0);
    size_t got = 0;
    while (got < 100)
        got += queue_pop_many(q, out, 10, -1);
    assert_int_equal(got, 100);
    pthread_join(thread, NULL);
    assert_true(queue_try_push(q, &x));
    queue_close(q);
    assert_false(queue_try_push(q, &x));
    assert_int_equal(queue_pop_many(q, out, 10, -1), 1); /* drains */
    assert_int_equal(queue_pop_many(q, out, 10, -1), 0);
    assert_true(queue_closed(q));
    queue_free(q);
}

static void
test_secret(void **state)
{
    static const struct {
        const char *url, *masked;
    } cases[] = {
        {"postgres://u:p@h/db", "postgres://u:xxx@h/db"},
        {"postgres://u:p@h/db?password=q", "postgres://u:xxx@h/db"},
        {"postgres://u@h/db", "postgres://u@h/db"},
        {"postgres://h/db", "postgres://h/db"},
        {"postgres://h:5432/db?sslmode=require", "postgres://h:5432/db"},
        {"postgres://u@h:5432/db", "postgres://u@h:5432/db"},
        {"postgres://u:p@ss@h/db", "postgres://u:xxx@h/db"},
        {"postgres://u:p/w@h/db", "postgres://u:xxx@h/db"},
        {"postgres://u:p?w@h/db", "postgres://u:xxx"},
        {"postgres://h/db?user=a@b&password=q", "postgres://h/db"},
        {"postgres://u:p@h/db?user=a@b&password=q", "postgres://u:xxx"},
        {"postgres://u:p@h#f", "postgres://u:xxx@h"},
        {"host=h password=p", "(connection string)"},
    };
    struct secret s;
    struct error err = {0};
    char out[100];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(secret_mask_url(cases[i].url, out, sizeof(out)),
                            cases[i].masked);
    assert_ok(secret_copy("abc", 3, &s, &err), &err);
    assert_true(secret_equal(s.bytes, s.n, "abc", 3));
    assert_false(secret_equal(s.bytes, s.n, "abd", 3));
    assert_false(secret_equal(s.bytes, s.n, "ab", 2));
    secret_free(&s);
    assert_null(s.bytes);
}

static void
test_log(void **state)
{
    int fds[2];
    char line[1000] = "";
    struct error err = {0};
    (void)state;

    assert_int_equal(pipe(fds), 0);
    struct log text = {.fd = fds[1], .level = LEVEL_INFO};
    log_event(&text, LEVEL_DEBUG, "dropped", NULL);
    log_event(&text, LEVEL_INFO, "started", "port", "80", "name", "a \"b\"\n",
              NULL);
    ssize_t n = read(fds[0], line, sizeof(line) - 1);
    assert_true(n > 0);
    assert_non_null(
        strstr(line, "info started port=80 name=\"a \\\"b\\\"\\u000a\"\n"));
    struct log json = {.fd = fds[1], .json = true};
    (void)fail(&err, E_NET, "no \"host\"");
    log_error(&json, "failed", &err);
    n = read(fds[0], line, sizeof(line) - 1);
    assert_true(n > 0);
    line[n] = '\0';
    assert_non_null(strstr(line, "\"event\":\"failed\",\"code\":\"upstream\""));
    assert_non_null(strstr(line, "\"msg\":\"no \\\"host\\\"\"}\n"));
    log_event(NULL, LEVEL_ERROR, "nobody", NULL);
    close(fds[0]);
    close(fds[1]);
}

static void
test_clock(void **state)
{
    struct clock ahead = {.offset_us = US_PER_DAY};
    (void)state;

    int64_t real = clock_now_us(NULL);
    assert_in_range(clock_now_us(&ahead) - real, US_PER_DAY,
                    US_PER_DAY + US_PER_S);
    int64_t m = clock_mono_us();
    assert_true(clock_mono_us() >= m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_arena),
        cmocka_unit_test(test_buf),    cmocka_unit_test(test_map),
        cmocka_unit_test(test_ids),    cmocka_unit_test(test_queue),
        cmocka_unit_test(test_secret), cmocka_unit_test(test_log),
        cmocka_unit_test(test_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
