/* What words tell of a text, and what they do not (M14). */
#include "saas.h"

#include "core/semantic.h"

static void
scores(void **state)
{
    static const struct {
        const char *intent, *text;
        double least, most;
    } cases[] = {
        {"too expensive", "The price is just too high for our budget.", 0.95,
         0.95},
        {"the customer left because of the price",
         "We cannot afford it any more", 0.95, 0.95},
        {"too expensive", "It kept crashing", 0, 0},
        {"too expensive", "It was not expensive, but we moved on", 0, 0},
        {"too expensive", "It is not slow. It is expensive!", 0.95, 0.95},
        {"bugs and crashes", "constant errors", 0.95, 0.95},
        {"missing feature slack", "You lack the integration we need", 0.6,
         0.65},
        {"not happy", "I am not happy with this", 0.95, 0.95},
        {"not happy", "I am very happy with this", 0, 0},
        {"", "anything", 0, 0},
        {"the customer", "the customer", 0, 0}, /* nothing to look for */
        {"expensive", "", 0, 0},
        {"expensive", "EXPENSIVE!!!", 0.95, 0.95},
        {"zu teuer", "Das war uns zu teuer", 0.95, 0.95}, /* by letter only */
    };
    AUTO_ARENA a = arena_new(TEST_BYTES);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct meaning m;
        struct error err = {0};
        assert_int_equal(
            semantic_score(a, cases[i].intent, cases[i].text, &m, &err), OK);
        if (m.score < cases[i].least - 0.001 || m.score > cases[i].most + 0.001)
            broken("'%s' in '%s': %.3f (%s)", cases[i].intent, cases[i].text,
                   m.score, m.reason);
    }
}

/* Any bytes, any length: no crash, a score in range. */
static void
any_text(void **state)
{
    AUTO_ARENA a = arena_new((size_t)512 << 20);
    char *text = arena_alloc(a, 20001);
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)i * 100;
        struct meaning m;
        struct error err = {0};
        for (size_t k = 0; k < n; k++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            text[k] = (char)(1 + (seed >> 33) % 255);
        }
        text[n] = '\0';
        assert_int_equal(semantic_score(a, text, text, &m, &err), OK);
        assert_true(m.score >= 0 && m.score < 0.951);
        memset(text, 'x', n);
        assert_int_equal(semantic_score(a, "x", text, &m, &err), OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores),
        cmocka_unit_test(any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
