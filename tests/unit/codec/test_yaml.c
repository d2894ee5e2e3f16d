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
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
