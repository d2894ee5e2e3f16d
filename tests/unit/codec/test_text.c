#include "../test.h"

#include "codec/text.h"
#include "codec/url.h"

static void
test_base64(void **state)
{
    /* RFC 4648, section 10 */
    static const struct {
        const char *plain, *text;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(10000);
        AUTO_BUF out = buf_new(1000);
        unsigned char *bytes = NULL;
        size_t n = 0;
        struct error err = {0};
        base64_write(&out, cases[i].plain, strlen(cases[i].plain));
        assert_string_equal(out.data, cases[i].text);
        assert_ok(base64_parse(a, out.data, out.len, &bytes, &n, &err), &err);
        assert_int_equal(n, strlen(cases[i].plain));
        assert_memory_equal(bytes, cases[i].plain, n);
    }
    AUTO_ARENA a = arena_new(10000);
    unsigned char *bytes = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_ok(base64_parse(a, "-_8", 3, &bytes, &n, &err), &err);
    assert_int_equal(bytes[0], 0xfb);
    assert_int_equal(base64_parse(a, "a", 1, &bytes, &n, &err), E_INPUT);
    assert_int_equal(base64_parse(a, "a*==", 4, &bytes, &n, &err), E_INPUT);
}

static void
test_hex_utf8_percent(void **state)
{
    AUTO_ARENA a = arena_new(10000);
    AUTO_BUF out = buf_new(1000);
    unsigned char two[2];
    struct error err = {0};
    (void)state;

    assert_ok(hex_parse("0aFF", 4, two, 2, &err), &err);
    hex_write(&out, two, 2);
    assert_string_equal(out.data, "0aff");
    assert_int_equal(hex_parse("0a", 2, two, 2, &err), E_INPUT);
    assert_int_equal(hex_parse("0ag0", 4, two, 2, &err), E_INPUT);
    assert_true(utf8_valid("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    assert_false(utf8_valid("\xc0\xaf", 2));     /* overlong */
    assert_false(utf8_valid("\xed\xa0\x80", 3)); /* surrogate */
    assert_false(utf8_valid("\xf4\x90\x80\x80", 4));
    assert_false(utf8_valid("\xe2\x82", 2));
    buf_reset(&out);
    percent_write(&out, "a b/\xc3\xa4~", 7);
    assert_string_equal(out.data, "a%20b%2F%C3%A4~");
    assert_string_equal(percent_decode(a, "a%20b+c", 7, true), "a b c");
    assert_string_equal(percent_decode(a, "a+b", 3, false), "a+b");
    assert_null(percent_decode(a, "%", 1, true));
    assert_null(percent_decode(a, "%2", 2, true));
    assert_null(percent_decode(a, "%zz", 3, true));
    assert_null(percent_decode(a, "%00", 3, true));
    buf_reset(&out);
    html_escape(&out, "<a href=\"x\">'&</a>", 18);
    assert_string_equal(out.data,
                        "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&lt;/a&gt;");
}

static void
test_distance(void **state)
{
    static const struct {
        const char *x, *y;
        int want;
    } cases[] = {
        {"", "", 0},           {"a", "", 1},          {"email", "email", 0},
        {"emial", "email", 1}, {"Email", "email", 0}, {"kitten", "sitting", 3},
    };
    static const char *const names[] = {"deploy", "doctor", "drift"};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(edit_distance(cases[i].x, cases[i].y), cases[i].want);
    assert_int_equal(nearest_name("deplyo", names, 3), 0);
    assert_int_equal(nearest_name("drfit", names, 3), 2);
    assert_int_equal(nearest_name("completely-else", names, 3), -1);
}

static void
test_urls(void **state)
{
    AUTO_ARENA a = arena_new(10000);
    struct url u;
    struct error err = {0};
    static const char *const bad[] = {
        "example.com", "http://",         "http://h:0/",  "http://h:99999/",
        "http://h:x/", "http://a b/",     "http://[::1/", "http://[::1]x/",
        "http://\n/",  "mailto:a@b.test",
    };
    (void)state;

    assert_ok(
        url_parse(a, "HTTPS://User:pw@Example.COM:8443/a/b?q=1#f", &u, &err),
        &err);
    assert_string_equal(u.scheme, "https");
    assert_string_equal(u.user, "User:pw");
    assert_string_equal(u.host, "example.com");
    assert_int_equal(u.port, 8443);
    assert_string_equal(u.path, "/a/b");
    assert_string_equal(u.query, "q=1");
    assert_ok(url_parse(a, "http://[::1]:80", &u, &err), &err);
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.path, "/");
    assert_null(u.query);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(url_parse(a, bad[i], &u, &err), E_INPUT);
    assert_string_equal(query_get(a, "a=1&b=x%20y+z&c", "b"), "x y z");
    assert_string_equal(query_get(a, "a=1&c", "c"), "");
    assert_null(query_get(a, "ab=1", "a"));
    assert_null(query_get(a, NULL, "a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_hex_utf8_percent),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
