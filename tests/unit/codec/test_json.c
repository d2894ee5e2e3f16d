#include "../test.h"

#include <stdlib.h>

#include "codec/json.h"

enum { MAX = 1 << 20 };

static struct json *
parse(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct error err = {0};

    assert_ok(json_parse(a, text, strlen(text), MAX, &j, &err), &err);
    return j;
}

static void
test_round_trip(void **state)
{
    static const char *const cases[] = {
        "null",
        "true",
        "0",
        "-9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "115792089237316195423570985008687907853269984665640564039457584007",
        "9223372036854775807",
        "18446744073709551614",
        "1.10",
        "1e3",
        "-0.5",
        "\"\"",
        "\"a\\\"b\\\\c\\n\\t\\u0001\"",
        "\"\xc3\xa4\xf0\x9f\x98\x80\"",
        "[]",
        "{}",
        "[1,[2,[3]],{\"a\":[null]}]",
        "{\"b\":1,\"a\":{\"c\":\"d\"}}",
        "[1,2,3,4,5,6,7,8,9]",
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        assert_string_equal(json_text(a, parse(a, cases[i])), cases[i]);
        struct json *copy = json_clone(a, parse(a, cases[i]));
        assert_true(json_equal(copy, parse(a, cases[i])));
    }
}

static void
test_refused(void **state)
{
    static const struct {
        const char *text;
        enum status want;
    } cases[] = {
        {"", E_INPUT},
        {"{", E_INPUT},
        {"[1,]", E_INPUT},
        {"{\"a\":1,}", E_INPUT},
        {"{'a':1}", E_INPUT},
        {"{a:1}", E_INPUT},
        {"[1] 2", E_INPUT},
        {"NaN", E_INPUT},
        {"Infinity", E_INPUT},
        {"-Infinity", E_INPUT},
        {"1e999", E_INPUT},
        {"{\"a\":1,\"a\":2}", E_INPUT},
        {"{\"x\":{\"a\":1,\"a\":2}}", E_INPUT},
        {"\"a\nb\"", E_INPUT},
        {"\"\\u0000\"", E_INPUT},
        {"\"\xff\"", E_INPUT},
        {"/* no */ 1", E_INPUT},
        {"\"unterminated", E_INPUT},
        {"tru", E_INPUT},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j = NULL;
        struct error err = {0};
        enum status rc =
            json_parse(a, cases[i].text, strlen(cases[i].text), MAX, &j, &err);
        if (rc != cases[i].want || !err.msg[0])
            fail_msg("%s: status %d '%s'", cases[i].text, (int)rc, err.msg);
    }
}

static void
test_limits(void **state)
{
    AUTO_ARENA a = arena_new(MAX);
    struct json *j = NULL;
    struct error err = {0};
    char deep[300];
    (void)state;

    assert_int_equal(json_parse(a, "[1,2]", 5, 4, &j, &err), E_TOOBIG);
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_int_equal(json_parse(a, deep, 200, MAX, &j, &err), E_INPUT);
    AUTO_ARENA tiny = arena_new(64);
    assert_int_equal(json_parse(tiny, "[1,2,3]", 7, MAX, &j, &err), E_NOMEM);
}

static void
test_readers(void **state)
{
    AUTO_ARENA a = arena_new(MAX);
    struct json *j =
        parse(a, "{\"s\":\"x\",\"n\":5,\"d\":1.5,\"b\":true,"
                 "\"o\":{\"list\":[10,{\"k\":\"v\"}]},\"z\":null}");
    (void)state;

    assert_string_equal(json_get_str(j, "s", ""), "x");
    assert_string_equal(json_get_str(j, "n", "none"), "none");
    assert_int_equal(json_int(json_get(j, "n"), 0), 5);
    assert_int_equal(json_int(json_get(j, "missing"), -1), -1);
    assert_true(json_double(json_get(j, "d"), 0) > 1.4);
    assert_true(json_bool(json_get(j, "b"), false));
    assert_string_equal(json_str(json_at(j, "o.list.1.k"), ""), "v");
    assert_int_equal(json_int(json_at(j, "o.list.0"), 0), 10);
    assert_null(json_at(j, "o.list.2"));
    assert_null(json_at(j, "o.list.x"));
    assert_null(json_get(NULL, "a"));
    assert_true(json_is(json_get(j, "z"), JSON_NULL));
    assert_true(json_equal(parse(a, "{\"a\":1,\"b\":2.0}"),
                           parse(a, "{\"b\":2,\"a\":1}")));
    assert_false(json_equal(parse(a, "[1,2]"), parse(a, "[2,1]")));
    assert_false(json_equal(parse(a, "\"1\""), parse(a, "1")));
}

static void
test_build(void **state)
{
    AUTO_ARENA a = arena_new(MAX);
    struct json *o = json_object(a), *list = json_array(a);
    AUTO_BUF out = buf_new(MAX);
    (void)state;

    for (int i = 0; i < 40; i++)
        list = json_push(a, list, json_integer(a, i));
    o = json_put(a, o, "z", list);
    o = json_put(a, o, "a", json_string(a, NULL));
    o = json_put(a, o, "a", json_boolean(a, true)); /* replaces */
    assert_int_equal(o->n, 2);
    /* Growing what was parsed with an odd length. */
    struct json *five = parse(a, "[1,2,3,4,5]");
    for (int i = 0; i < 20; i++)
        five = json_push(a, five, json_integer(a, i));
    assert_int_equal(five->n, 25);
    json_write_canonical(&out, parse(a, "{\"b\":1,\"a\":{\"d\":1,\"c\":2}}"));
    assert_string_equal(out.data, "{\"a\":{\"c\":2,\"d\":1},\"b\":1}");
    buf_reset(&out);
    json_write(&out, parse(a, "{\"a\":[1,{}]}"), true);
    assert_string_equal(out.data, "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
    assert_null(json_put(a, NULL, "a", json_null(a)));
    assert_null(json_push(a, list, NULL));
}

static void
test_writer(void **state)
{
    AUTO_BUF out = buf_new(MAX);
    struct json_writer w = jw_new(&out);
    (void)state;

    jw_object(&w);
    jw_kv_string(&w, "s", "a\"b");
    jw_kv_string(&w, "n", NULL);
    jw_kv_int(&w, "i", -7);
    jw_kv_bool(&w, "b", false);
    jw_key(&w, "l");
    jw_array(&w);
    jw_double(&w, 0.1);
    jw_double(&w, 1e300 * 1e300);
    jw_raw(&w, "{\"x\":1}");
    jw_array_end(&w);
    jw_kv_time(&w, "t", INT64_C(1700000000123456));
    jw_kv_time(&w, "t0", 0);
    jw_object_end(&w);
    assert_string_equal(
        out.data,
        "{\"s\":\"a\\\"b\",\"n\":null,\"i\":-7,\"b\":false,\"l\":[0.1,null,"
        "{\"x\":1}],\"t\":\"2023-11-14T22:13:20.123456Z\",\"t0\":null}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_readers),
        cmocka_unit_test(test_build),      cmocka_unit_test(test_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
