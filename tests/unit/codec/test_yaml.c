#include "../test.h"

#include "codec/yaml.h"

enum { MAX = 1 << 20 };

static void
test_values(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"a: 1", "{\"a\":1}"},
        {"a: '1'", "{\"a\":\"1\"}"},
        {"a: yes", "{\"a\":\"yes\"}"}, /* YAML 1.2: a string */
        {"a: true", "{\"a\":true}"},
        {"a: ~", "{\"a\":null}"},
        {"a:", "{\"a\":null}"},
        {"a: 1.50", "{\"a\":1.50}"},
        {"a: 2026-11-24", "{\"a\":\"2026-11-24\"}"},
        {"a: 21:00", "{\"a\":\"21:00\"}"},
        {"- 1\n- [2, {b: c}]", "[1,[2,{\"b\":\"c\"}]]"},
        {"a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}"},
        {"{\"json\": [1, 2]}", "{\"json\":[1,2]}"},
        {"a: 01.5", "{\"a\":\"01.5\"}"}, /* no JSON number */
        {"a: 12345678901234567890", "{\"a\":12345678901234567890}"},
        {"a: &x 1\nb: *x", "{\"a\":1,\"b\":1}"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j = NULL;
        struct error err = {0};
        assert_ok(
            yaml_parse(a, cases[i].yaml, strlen(cases[i].yaml), MAX, &j, &err),
            &err);
        assert_string_equal(json_text(a, j), cases[i].json);
        AUTO_BUF out = buf_new(MAX);
        struct json *again = NULL;
        yaml_write(&out, j);
        assert_ok(yaml_parse(a, out.data, out.len, MAX, &again, &err), &err);
        assert_true(json_equal(j, again));
    }
}

/* Any text, at any depth, is read back byte for byte. */
static void
test_round_trip(void **state)
{
    static const char *const parts[] = {
        "\n",  "\n",  " ",   "\t", "#",  ":",        ": ",           "- ",
        "|",   "a",   "b c", "\"", "'",  "\xc3\xa9", "\xe2\x80\xa8", "%",
        "---", "...", "&x",  "*x", "{{", "\r",       "\xef\xbb\xbf", "no"};
    uint64_t seed = 88172645463325252ULL;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        AUTO_ARENA a = arena_new(MAX);
        AUTO_BUF text = buf_new(4096), out = buf_new(MAX);
        struct json *again = NULL;
        struct error err = {0};
        for (int k = 0; k < 1 + i % 9; k++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            buf_puts(&text, parts[(seed >> 33) % COUNT_OF(parts)]);
        }
        struct json *s = json_string_n(a, text.data, text.len);
        struct json *list = json_push(a, json_array(a), s);
        struct json *o = json_put(a, json_object(a), "key", s);
        list = json_push(a, list, json_put(a, o, "next", json_integer(a, 1)));
        struct json *j = json_put(a, json_object(a), "list", list);
        j = json_put(a, j, "body", s);
        yaml_write(&out, j);
        if (yaml_parse(a, out.data, out.len, MAX, &again, &err) != OK ||
            !json_equal(j, again))
            fail_msg("%s\n%s", err.msg, out.data);
    }
}

static void
test_refused(void **state)
{
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"a: [1, 2", "line"},
        {"a: 1\na: 2", "line 2"},
        {"a: !!python/object x", "tag"},
        {"a: *nothing", "line"},
        {"a: \"\\0\"", "line"},
        {"a: 1e999", "range"},
        {"? [1]\n: 2", "key"},
        {"%YAML 1.2\n---\na: 1", "directive"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_ARENA a = arena_new(MAX);
        struct json *j = NULL;
        struct error err = {0};
        enum status rc =
            yaml_parse(a, cases[i].yaml, strlen(cases[i].yaml), MAX, &j, &err);
        if (rc != E_INPUT || !strstr(err.msg, cases[i].says))
            fail_msg("%s: status %d '%s'", cases[i].yaml, (int)rc, err.msg);
    }
    AUTO_ARENA a = arena_new(MAX);
    struct json *j = NULL;
    struct error err = {0};
    assert_int_equal(yaml_parse(a, "a: 1", 4, 3, &j, &err), E_TOOBIG);
}

static void
test_lines(void **state)
{
    static const char doc[] = "version: 1\nmachine:\n  states:\n    s0:\n"
                              "      transitions:\n        - after: P1D\n"
                              "          target: x\n";
    (void)state;

    assert_int_equal(yaml_line_of(doc, sizeof(doc) - 1, "version"), 1);
    assert_int_equal(yaml_line_of(doc, sizeof(doc) - 1, "machine.states.s0"),
                     5);
    assert_int_equal(yaml_line_of(doc, sizeof(doc) - 1,
                                  "machine.states.s0.transitions[0].target"),
                     7);
    assert_int_equal(yaml_line_of(doc, sizeof(doc) - 1, "nothing"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
