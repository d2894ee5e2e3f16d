/*
 * The reader against the grammar, and against json-c on what both accept.
 */
#define json_bool   jsonc_bool
#define json_object jsonc_object
#include <json-c/json.h>
#undef json_bool
#undef json_object

#include "../test.h"

#include <stdio.h>

#include "codec/json.h"

enum { MAX = 1 << 22 };

struct bytes {
    const char *text;
    size_t n;
};
#define B(literal)                         \
    {                                      \
        literal, sizeof("" literal "") - 1 \
    }

static const struct bytes accepted[] = {
    B("0"),
    B("-0"),
    B("-0.0"),
    B("0e0"),
    B("1E5"),
    B("1e05"),
    B("1e-400"),
    B("0.10"),
    B(" \t\r\n1 \t\r\n"),
    B("[ ]"),
    B("{ }"),
    B("{\"\":1}"),
    B("{ \"a\" : 1 , \"b\" : [ ] }"),
    B("\"\x7f\""),
    B("\"\\/\\b\\f\\n\\r\\t\\\\\\\"\""),
    B("\"\\u00e4\\u20AC\\ud83d\\ude00\""),
    B("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\""),
    B("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"),
    B("[[[],{}],[null,true,false]]"),
};

static const struct bytes refused[] = {
    B(""),
    B(" "),
    B("\0"),
    B("1\0"),
    B("\v1"),
    B("\f1"),
    B("\xa0"
      "1"),
    B("\xef\xbb\xbf"
      "1"),
    B("00"),
    B("01"),
    B("-01"),
    B("-00"),
    B("+1"),
    B("-"),
    B("--1"),
    B("- 1"),
    B("1."),
    B(".5"),
    B("-.5"),
    B("1.e5"),
    B("1e"),
    B("1e+"),
    B("1.5e-"),
    B("01.5"),
    B("1..2"),
    B("1e1e1"),
    B("0x10"),
    B("1 2"),
    B("1,"),
    B("1e400"),
    B("-1e400"),
    B("nul"),
    B("nulll"),
    B("NULL"),
    B("True"),
    B("nan"),
    B("-nan"),
    B("Infinity"),
    B("-Infinity"),
    B("["),
    B("]"),
    B("[]]"),
    B("[1"),
    B("[1,"),
    B("[1,]"),
    B("[,1]"),
    B("[1,,2]"),
    B("[1 2]"),
    B("[1}"),
    B("{"),
    B("{\"a\""),
    B("{\"a\":"),
    B("{\"a\":1"),
    B("{\"a\"}"),
    B("{\"a\":}"),
    B("{\"a\" 1}"),
    B("{\"a\":1,}"),
    B("{,}"),
    B("{\"a\":1 \"b\":2}"),
    B("{\"a\":1;}"),
    B("{1:2}"),
    B("{a:1}"),
    B("{'a':1}"),
    B("{\"a\":1}{}"),
    B("{\"a\":1,\"\\u0061\":2}"),
    B("{\"a\\u0000b\":1}"),
    B("'a'"),
    B("\"a"),
    B("\"a\\"),
    B("\"a\\\""),
    B("\"\\"),
    B("\"\\x\""),
    B("\"\\u12\""),
    B("\"\\u00g0\""),
    B("\"\\u0000\""),
    B("\"\\U0041\""),
    B("\"\t\""),
    B("\"\n\""),
    B("\"a\0b\""),
    B("\"\\\n\""),
    B("\"\xff\""),
    B("\"\x80\""),
    B("\"\xc3\""),
    B("\"\xc0\x80\""),
    B("\"\xe0\x80\x80\""),
    B("\"\xed\xa0\x80\""),
    B("\"\xf4\x90\x80\x80\""),
    B("\"\xf5\x80\x80\x80\""),
    B("{\"\xff\":1}"),
    B("/**/1"),
    B("1//x"),
    B("#"),
};

/* Copies of the exact size, so that a byte read too many is seen. */
static enum status
parse(struct arena *a, struct bytes in, struct json **out, struct error *err)
{
    char *exact = test_malloc(in.n ? in.n : 1);

    memcpy(exact, in.text, in.n);
    *out = NULL;
    enum status rc = json_parse(a, exact, in.n, MAX, out, err);
    test_free(exact);
    return rc;
}

static void
test_grammar(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j;
        struct error err = {0};
        if (parse(a, accepted[i], &j, &err) != OK)
            fail_msg("refused: %s (%s)", accepted[i].text, err.msg);
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j;
        struct error err = {0};
        if (parse(a, refused[i], &j, &err) != E_INPUT)
            fail_msg("accepted: %s", refused[i].text);
        if (j || !strstr(err.msg, "byte"))
            fail_msg("%s: '%s'", refused[i].text, err.msg);
    }
}

static void
test_messages(void **state)
{
    static const struct {
        const char *text, *msg;
    } cases[] = {
        {"{\"a\":1,\"b\":tru}", "JSON: a value expected at byte 11"},
        {"{\"a\":[1,2}", "JSON: ',' or the end expected at byte 9"},
        {"{\"a\":", "JSON ends too early, at byte 5"},
        {"[1] x", "JSON: text after the value at byte 4"},
        {"\"ab\\x\"", "JSON: bad escape at byte 3"},
        {"\"\\u0000\"", "JSON: U+0000 in a string at byte 1"},
        {"{\"k\":1, \"k\":2}", "JSON: key 'k' stands twice in the object that "
                               "ends at byte 14"},
        {"[01]", "JSON: malformed number at byte 1"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j;
        struct error err = {0};
        struct bytes in = {cases[i].text, strlen(cases[i].text)};
        assert_int_equal(parse(a, in, &j, &err), E_INPUT);
        assert_string_equal(err.msg, cases[i].msg);
    }
}

static void
test_strings(void **state)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"\"\\u0041\\u00e4\\u20ac\"", "A\xc3\xa4\xe2\x82\xac"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ude00x\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"a\\\\u0041\"", "a\\u0041"},
        {"\"\\\"\\/\\b\\f\\n\\r\\t\"", "\"/\b\f\n\r\t"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j;
        struct error err = {0};
        struct bytes in = {cases[i].text, strlen(cases[i].text)};
        assert_ok(parse(a, in, &j, &err), &err);
        assert_string_equal(j->text, cases[i].value);
        assert_int_equal(j->n, strlen(cases[i].value));
    }
}

static void
test_numbers(void **state)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } cases[] = {
        {"9223372036854775807", JSON_INT},
        {"-9223372036854775808", JSON_INT},
        {"9223372036854775808", JSON_DECIMAL},
        {"-9223372036854775809", JSON_DECIMAL},
        {"18446744073709551616", JSON_DECIMAL},
        {"123456789012345678901234567890.10", JSON_DECIMAL},
        {"1.0", JSON_DECIMAL},
        {"1e2", JSON_DECIMAL},
    };
    char digits[401];
    AUTO_ARENA a = arena_new(MAX);
    struct json *j;
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = {cases[i].text, strlen(cases[i].text)};
        assert_ok(parse(a, in, &j, &err), &err);
        assert_int_equal(j->kind, cases[i].kind);
        assert_string_equal(json_text(a, j), cases[i].text);
    }
    /* What PostgreSQL's numeric prints for 1e399. */
    memset(digits, '0', 400);
    digits[0] = '1';
    digits[400] = '\0';
    assert_ok(parse(a, (struct bytes){digits, 400}, &j, &err), &err);
    assert_string_equal(json_text(a, j), digits);
}

static void
test_order(void **state)
{
    /* Each row is greater than the one above; the two of a row are equal. */
    static const char *const rows[][2] = {
        {"-1e300", "-10e299"},
        {"-18446744073709551617", "-18446744073709551617.000"},
        {"-18446744073709551616", "-1.8446744073709551616e19"},
        {"-9223372036854775808", "-9223372036854775808.0"},
        {"-2.5", "-25e-1"},
        {"-0.01", "-1E-2"},
        {"-1e-400", "-0.1e-399"},
        {"0", "-0"},
        {"0.0", "-0.00e7"},
        {"1e-300", "0.001e-297"},
        {"0.05", "0.0500"},
        {"0.5", "5e-1"},
        {"1", "1.0"},
        {"1.00000000000000000001", "1.0000000000000000000100"},
        {"9.99", "9.990"},
        {"10", "1e1"},
        {"9007199254740993", "9007199254740993.0"},
        {"9007199254740994", "9007199254740994"},
        {"18446744073709551616", "18446744073709551616.0"},
        {"18446744073709551617", "18446744073709551617"},
        {"1e300", "10e299"},
    };
    AUTO_ARENA a = arena_new(MAX);
    struct json *v[COUNT_OF(rows)][2];
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t k = 0; k < 2; k++) {
            struct bytes in = {rows[i][k], strlen(rows[i][k])};
            assert_ok(parse(a, in, &v[i][k], &err), &err);
        }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            /* Rows 7 and 8 are both zero. */
            bool zeros = (i == 7 || i == 8) && (k == 7 || k == 8);
            int want = zeros ? 0 : (i > k) - (i < k);
            int got = json_number_order(v[i][0], v[k][1]);
            if (got != want || json_equal(v[i][0], v[k][1]) != (want == 0))
                fail_msg("%s against %s: %d", rows[i][0], rows[k][1], got);
        }
    assert_int_equal(json_number_order(NULL, v[0][0]), 0);
    assert_int_equal(json_number_order(json_string(a, "1"), v[0][0]), 0);
}

static void
test_equal_keys(void **state)
{
    AUTO_ARENA a = arena_new(MAX);
    struct json *j;
    struct error err = {0};
    (void)state;

    /* Small objects and large ones are checked by different code. */
    for (int n = 1; n < 40; n++) {
        AUTO_BUF text = buf_new(MAX);
        buf_putc(&text, '{');
        for (int i = 0; i < n; i++)
            buf_printf(&text, "\"k%d\":%d,", i, i);
        size_t open = text.len;
        buf_puts(&text, "\"last\":0}");
        struct bytes in = {text.data, text.len};
        assert_ok(parse(a, in, &j, &err), &err);
        assert_int_equal(j->n, n + 1);
        assert_string_equal(j->members[n].key, "last");
        for (int twice = 0; twice < n; twice++) {
            text.len = open;
            buf_printf(&text, "\"k%d\":0}", twice);
            in = (struct bytes){text.data, text.len};
            assert_int_equal(parse(a, in, &j, &err), E_INPUT);
        }
    }
}

static void
test_depth_and_size(void **state)
{
    AUTO_ARENA a = arena_new(MAX);
    AUTO_BUF text = buf_new(MAX);
    struct json *j;
    struct error err = {0};
    (void)state;

    for (int depth = JSON_MAX_DEPTH - 1; depth <= JSON_MAX_DEPTH + 1; depth++) {
        buf_reset(&text);
        for (int i = 0; i < depth; i++)
            buf_putc(&text, '[');
        for (int i = 0; i < depth; i++)
            buf_putc(&text, ']');
        struct bytes in = {text.data, text.len};
        assert_int_equal(parse(a, in, &j, &err),
                         depth <= JSON_MAX_DEPTH ? OK : E_INPUT);
    }
    /* Wide enough to outgrow the reader's own stack several times. */
    buf_reset(&text);
    buf_puts(&text, "[[1,2],");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "{\"i\":%d},", i);
    buf_puts(&text, "0]");
    struct bytes in = {text.data, text.len};
    assert_ok(parse(a, in, &j, &err), &err);
    assert_int_equal(j->n, 5002);
    assert_int_equal(json_int(json_at(j, "5000.i"), -1), 4999);
    assert_string_equal(json_text(a, j), text.data);
}

/* ---- against json-c ---- */

static uint64_t
next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

static void
random_value(struct buf *out, uint64_t *seed, int depth)
{
    static const char *const leaves[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "12345678901",
        "1.50",
        "-0.001",
        "2.5e-3",
        "\"\"",
        "\"x \\\" \\\\\"",
        "[]",
        "{}",
        "\"\\u00e4\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa4\"",
    };
    uint64_t kind = next_random(seed) % 4;

    if (depth > 4 || kind < 2) {
        buf_puts(out, leaves[next_random(seed) % COUNT_OF(leaves)]);
        return;
    }
    uint64_t n = next_random(seed) % (uint64_t)(16 - 3 * depth);
    buf_putc(out, kind == 2 ? '[' : '{');
    for (uint64_t i = 0; i < n; i++) {
        if (i)
            buf_puts(out, next_random(seed) % 2 ? "," : " ,\n");
        if (kind == 3)
            buf_printf(out, "\"k%d\\t\" : ", (int)i);
        random_value(out, seed, depth + 1);
    }
    buf_putc(out, kind == 2 ? ']' : '}');
}

static struct jsonc_object *
oracle(const char *text, size_t n)
{
    struct json_tokener *t = json_tokener_new_ex(JSON_MAX_DEPTH + 1);

    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct jsonc_object *o = json_tokener_parse_ex(t, text, (int)n);
    if (json_tokener_get_error(t) == json_tokener_continue)
        o = json_tokener_parse_ex(t, "", 1);
    json_tokener_free(t);
    return o;
}

static void
test_against_json_c(void **state)
{
    uint64_t seed = 20261124;
    (void)state;

    for (int round = 0; round < 1500; round++) {
        AUTO_ARENA a = arena_new((size_t)16 * MAX);
        AUTO_BUF text = buf_new(MAX);
        struct json *j = NULL;
        struct error err = {0};
        buf_puts(&text, "[");
        random_value(&text, &seed, 0);
        buf_puts(&text, "]");
        assert_ok(json_parse(a, text.data, text.len, MAX, &j, &err), &err);
        const char *ours = json_text(a, j);
        struct jsonc_object *theirs = oracle(text.data, text.len);
        struct jsonc_object *again = oracle(ours, strlen(ours));
        if (!theirs || !again || !json_object_equal(theirs, again))
            fail_msg("%s\nbecame\n%s", text.data, ours);
        json_object_put(theirs);
        json_object_put(again);
        /* Cut anywhere, it is never JSON. */
        size_t cut = next_random(&seed) % text.len;
        assert_int_equal(json_parse(a, text.data, cut, MAX, &j, &err), E_INPUT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_equal_keys),
        cmocka_unit_test(test_depth_and_size),
        cmocka_unit_test(test_against_json_c),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
