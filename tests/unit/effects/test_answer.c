#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* ours */

#include "effects/effects.h"

static const struct {
    enum provider provider;
    enum status status;
    int code;
    const char *body;
    int64_t retry_after_s;
    enum outcome outcome;
    int64_t pause_s; /* expected retry_after_s */
    bool throttled;
    const char *message; /* part of it; NULL when it succeeded */
} cases[] = {
    /* Resend */
    {PROVIDER_RESEND, OK, 200, "{\"id\":\"m1\"}", -1, OUTCOME_SUCCEEDED, -1,
     false, NULL},
    {PROVIDER_RESEND, OK, 429,
     "{\"statusCode\":429,\"name\":\"rate_limit_exceeded\","
     "\"message\":\"slow down\"}",
     2, OUTCOME_RETRY, 2, true, "rate_limit_exceeded: slow down"},
    {PROVIDER_RESEND, OK, 429, "{\"name\":\"daily_quota_exceeded\"}", -1,
     OUTCOME_RETRY, 3600, true, "daily quota"},
    {PROVIDER_RESEND, OK, 429, "{\"name\":\"monthly_quota_exceeded\"}", 7200,
     OUTCOME_RETRY, 7200, true, "monthly quota"},
    {PROVIDER_RESEND, OK, 409, "{\"name\":\"concurrent_idempotent_requests\"}",
     -1, OUTCOME_RETRY, -1, false, "409"},
    {PROVIDER_RESEND, OK, 409, "{\"name\":\"invalid_idempotent_request\"}", -1,
     OUTCOME_FAILED, -1, false, "not sent twice"},
    {PROVIDER_RESEND, OK, 400, "{\"name\":\"invalid_idempotency_key\"}", -1,
     OUTCOME_FAILED, -1, false, "invalid_idempotency_key"},
    {PROVIDER_RESEND, OK, 400, "{\"name\":\"validation_error\"}", -1,
     OUTCOME_FAILED, -1, false, "validation_error"},
    {PROVIDER_RESEND, OK, 403, "{\"name\":\"validation_error\"}", -1,
     OUTCOME_FAILED, -1, false, "verified"},
    {PROVIDER_RESEND, OK, 401, "{\"name\":\"missing_api_key\"}", -1,
     OUTCOME_FAILED, -1, false, "RESEND_API_KEY"},
    {PROVIDER_RESEND, OK, 401, "{\"name\":\"restricted_api_key\"}", -1,
     OUTCOME_FAILED, -1, false, "RESEND_API_KEY"},
    {PROVIDER_RESEND, OK, 403, "{\"name\":\"invalid_api_key\"}", -1,
     OUTCOME_FAILED, -1, false, "RESEND_API_KEY"},
    {PROVIDER_RESEND, OK, 404, "{\"name\":\"not_found\"}", -1, OUTCOME_FAILED,
     -1, false, "404"},
    {PROVIDER_RESEND, OK, 405, "{\"name\":\"method_not_allowed\"}", -1,
     OUTCOME_FAILED, -1, false, "405"},
    {PROVIDER_RESEND, OK, 422, "{\"name\":\"invalid_from_address\"}", -1,
     OUTCOME_FAILED, -1, false, "SKENE_MAIL_FROM"},
    {PROVIDER_RESEND, OK, 422, "{\"name\":\"missing_required_field\"}", -1,
     OUTCOME_FAILED, -1, false, "422"},
    {PROVIDER_RESEND, OK, 451, "{\"name\":\"security_error\"}", -1,
     OUTCOME_FAILED, -1, false, "451"},
    {PROVIDER_RESEND, OK, 500, "{\"name\":\"application_error\"}", -1,
     OUTCOME_RETRY, -1, false, "500"},
    {PROVIDER_RESEND, OK, 502, "<html>bad gateway</html>", -1, OUTCOME_RETRY,
     -1, false, "502"},
    {PROVIDER_RESEND, OK, 302, "", -1, OUTCOME_FAILED, -1, false, "302"},
    {PROVIDER_RESEND, E_NET, 0, "", -1, OUTCOME_RETRY, -1, false, "why"},
    {PROVIDER_RESEND, E_TIMEOUT, 0, "", -1, OUTCOME_RETRY, -1, false, "why"},
    /* SMTP */
    {PROVIDER_SMTP, OK, 250, "", -1, OUTCOME_SUCCEEDED, -1, false, NULL},
    {PROVIDER_SMTP, OK, 0, "", -1, OUTCOME_SUCCEEDED, -1, false, NULL},
    {PROVIDER_SMTP, E_NET, 421, "", -1, OUTCOME_RETRY, -1, false, "421"},
    {PROVIDER_SMTP, E_NET, 451, "", -1, OUTCOME_RETRY, -1, false, "451"},
    {PROVIDER_SMTP, E_NET, 550, "", -1, OUTCOME_FAILED, -1, false, "550"},
    {PROVIDER_SMTP, E_NET, 535, "", -1, OUTCOME_FAILED, -1, false,
     "SKENE_SMTP_URL"},
    {PROVIDER_SMTP, E_NET, 0, "", -1, OUTCOME_RETRY, -1, false, "why"},
    {PROVIDER_SMTP, E_NET, 354, "", -1, OUTCOME_RETRY, -1, false, "why"},
    /* Webhook */
    {PROVIDER_WEBHOOK, OK, 200, "ok", -1, OUTCOME_SUCCEEDED, -1, false, NULL},
    {PROVIDER_WEBHOOK, OK, 204, "", -1, OUTCOME_SUCCEEDED, -1, false, NULL},
    {PROVIDER_WEBHOOK, E_TOOBIG, 200, "ok", -1, OUTCOME_SUCCEEDED, -1, false,
     NULL},
    {PROVIDER_WEBHOOK, OK, 301, "", -1, OUTCOME_FAILED, -1, false, "redirects"},
    {PROVIDER_WEBHOOK, OK, 400, "", -1, OUTCOME_FAILED, -1, false, "400"},
    {PROVIDER_WEBHOOK, OK, 404, "", -1, OUTCOME_FAILED, -1, false, "404"},
    {PROVIDER_WEBHOOK, OK, 408, "", -1, OUTCOME_RETRY, -1, false, "408"},
    {PROVIDER_WEBHOOK, OK, 410, "", -1, OUTCOME_FAILED, -1, false, "gone"},
    {PROVIDER_WEBHOOK, OK, 429, "", 30, OUTCOME_RETRY, 30, true, "429"},
    {PROVIDER_WEBHOOK, OK, 500, "", -1, OUTCOME_RETRY, -1, false, "500"},
    {PROVIDER_WEBHOOK, OK, 503, "", 5, OUTCOME_RETRY, 5, true, "503"},
    {PROVIDER_WEBHOOK, E_NET, 0, "", -1, OUTCOME_RETRY, -1, false, "why"},
    {PROVIDER_WEBHOOK, E_TIMEOUT, 0, "", -1, OUTCOME_RETRY, -1, false, "why"},
    {PROVIDER_WEBHOOK, E_FORBIDDEN, 0, "", -1, OUTCOME_FAILED, -1, false,
     "why"},
    {PROVIDER_WEBHOOK, E_TOOBIG, 0, "", -1, OUTCOME_FAILED, -1, false, "why"},
    /* Track sink */
    {PROVIDER_SINK, OK, 202, "", -1, OUTCOME_SUCCEEDED, -1, false, NULL},
    {PROVIDER_SINK, OK, 500, "", -1, OUTCOME_RETRY, -1, false, "500"},
    {PROVIDER_SINK, OK, 400, "", -1, OUTCOME_FAILED, -1, false, "400"},
};

static void
answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(65536);
        const struct effect_plan plan = {.provider = cases[i].provider};
        struct net_result r = {.status = cases[i].status,
                               .code = cases[i].code,
                               .body = cases[i].body,
                               .body_n = strlen(cases[i].body),
                               .retry_after_s = cases[i].retry_after_s};
        struct effect_result out;
        if (r.status != OK)
            strcpy(r.message, "why");
        effect_classify(a, &plan, &r, &out);
        if (out.outcome != cases[i].outcome)
            print_error("case %zu: %s\n", i, outcome_name(out.outcome));
        assert_int_equal(out.outcome, cases[i].outcome);
        assert_int_equal(out.code, cases[i].code);
        assert_int_equal(out.retry_after_s, cases[i].pause_s);
        assert_int_equal(out.throttled, cases[i].throttled);
        if (!cases[i].message) {
            assert_null(out.message);
            continue;
        }
        if (!strstr(out.message, cases[i].message))
            print_error("case %zu: %s\n", i, out.message);
        assert_non_null(strstr(out.message, cases[i].message));
    }
}

static void
provider_ids(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(65536);
    struct effect_plan plan = {.provider = PROVIDER_RESEND};
    struct net_result r = {
        .code = 200, .body = "{\"id\":\"m1\"}", .body_n = 11};
    struct effect_result out;

    effect_classify(a, &plan, &r, &out);
    assert_string_equal(out.provider_id, "m1");
    plan = (struct effect_plan){.provider = PROVIDER_SMTP,
                                .provider_id = "<1@a.example>"};
    r = (struct net_result){.code = 250, .body = ""};
    effect_classify(a, &plan, &r, &out);
    assert_string_equal(out.provider_id, "<1@a.example>");
    /* A webhook's body is not read for ids. */
    plan = (struct effect_plan){.provider = PROVIDER_WEBHOOK};
    r = (struct net_result){
        .code = 200, .body = "{\"id\":\"m1\"}", .body_n = 11};
    effect_classify(a, &plan, &r, &out);
    assert_null(out.provider_id);
}

static void
first_bytes(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(65536);
    const struct effect_plan plan = {.provider = PROVIDER_WEBHOOK};
    char long_body[600];
    struct net_result r = {
        .code = 500, .body = long_body, .body_n = sizeof(long_body)};
    struct effect_result out;

    /* The cut would fall into the two bytes of a character. */
    memset(long_body, 'x', sizeof(long_body));
    long_body[511] = '\xc3';
    long_body[512] = '\xa9';
    effect_classify(a, &plan, &r, &out);
    assert_int_equal(strlen(out.response), 511);
    r.body_n = 4;
    effect_classify(a, &plan, &r, &out);
    assert_string_equal(out.response, "xxxx");
    long_body[0] = '\xff'; /* not text */
    effect_classify(a, &plan, &r, &out);
    assert_null(out.response);
    r.body_n = 0;
    effect_classify(a, &plan, &r, &out);
    assert_null(out.response);
}

static void
no_memory_is_no_crash(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1);
    const struct effect_plan plan = {.provider = PROVIDER_RESEND};
    const struct net_result r = {
        .code = 429, .body = "{\"name\":\"x\"}", .body_n = 12};
    struct effect_result out;

    effect_classify(a, &plan, &r, &out);
    assert_int_equal(out.outcome, OUTCOME_RETRY);
    assert_non_null(out.message);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(provider_ids),
        cmocka_unit_test(first_bytes),
        cmocka_unit_test(no_memory_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
