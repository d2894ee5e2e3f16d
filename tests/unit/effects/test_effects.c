#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* ours */

#include "codec/crypto.h"

#include "cases.h"

static const struct effect_settings bare = {.now_us = NOW_US};

static void
kinds(void **state)
{
    (void)state;
    for (int i = 0; i < EFFECT_KIND_COUNT; i++)
        assert_int_equal(effect_reaches_person((enum effect_kind)i),
                         i == EFFECT_EMAIL);
    for (int i = 0; i < PROVIDER_COUNT; i++)
        assert_non_null(provider_name((enum provider)i));
    for (int i = 0; i < OUTCOME_COUNT; i++)
        assert_non_null(outcome_name((enum outcome)i));
}

static void
template_names(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(65536);
    assert_string_equal(
        effect_template(parsed(a, "{\"effect\":{\"template\":\"hello\"},"
                                  "\"feature\":{\"key\":\"drip\"}}")),
        "hello");
    assert_string_equal(
        effect_template(parsed(a, "{\"effect\":{},"
                                  "\"feature\":{\"key\":\"drip\"}}")),
        "drip");
    assert_string_equal(effect_template(parsed(a, "{}")), "");
    assert_string_equal(effect_template(NULL), "");
}

static void
webhook_body(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = bare;
    struct effect_input in =
        action(a, EFFECT_WEBHOOK, "https://hooks.acme.example:8443/in?x=1");
    struct effect_plan plan;

    s.webhook_secret = SECRET;
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_HTTP);
    assert_int_equal(plan.provider, PROVIDER_WEBHOOK);
    assert_string_equal(plan.host, "hooks.acme.example:8443");
    assert_string_equal(plan.http.method, "POST");
    assert_string_equal(plan.http.url, in.address);
    assert_false(plan.http.trusted); /* the egress guard looks at it */
    assert_true(plan.http.timeout_ms > 0);
    assert_string_equal(header(&plan, "Content-Type"), "application/json");
    assert_json(
        a, plan.http.body,
        "{\"type\":\"welcome drip.s0\","
        "\"timestamp\":\"2025-11-24T09:00:00.000000Z\",\"data\":{"
        "\"workspace\":\"default\",\"feature\":\"welcome drip\","
        "\"version\":3,\"run\":\"019aa000-0000-7000-8000-000000000001\","
        "\"state\":\"s0\",\"subject\":{\"table\":\"auth.users\","
        "\"id\":\"u1\",\"email\":\"ada@acme.example\"},"
        "\"event\":{\"id\":\"019aa000-0000-7000-8000-000000000002\","
        "\"type\":\"auth.users.insert\","
        "\"occurred_at\":\"2025-11-24T09:00:00.000000Z\","
        "\"record\":{\"id\":\"u1\",\"email\":\"ada@acme.example\","
        "\"first_name\":\"Ada\\r\\nBcc: all@acme.example\","
        "\"plan\":\"pro\",\"old\":{\"plan\":\"free\"}}}}}");
}

static void
webhook_signature(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = bare;
    const struct effect_input in =
        action(a, EFFECT_WEBHOOK, "https://hooks.acme.example/in");
    struct effect_plan plan, later;

    s.webhook_secret = SECRET;
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_string_equal(header(&plan, "webhook-id"), in.key);
    assert_string_equal(header(&plan, "webhook-timestamp"), "1763974805");
    const char *signature = header(&plan, "webhook-signature");
    assert_non_null(signature);
    assert_true(webhook_verify(SECRET, in.key, "1763974805", signature,
                               plan.http.body, plan.http.body_n, 1763974805,
                               300));
    assert_false(webhook_verify(SECRET, in.key, "1763974806", signature,
                                plan.http.body, plan.http.body_n, 1763974805,
                                300));
    /* A repeat is the same message: same id, same bytes, later signature. */
    s.now_us += 60000000;
    assert_int_equal(effect_prepare(a, &s, &in, &later, NULL), OK);
    assert_string_equal(header(&later, "webhook-id"), in.key);
    assert_string_equal(header(&later, "webhook-timestamp"), "1763974865");
    assert_int_equal(later.http.body_n, plan.http.body_n);
    assert_memory_equal(later.http.body, plan.http.body, plan.http.body_n);
    /* Without a secret nothing pretends to be signed. */
    s.webhook_secret = NULL;
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_null(header(&plan, "webhook-signature"));
    assert_string_equal(header(&plan, "webhook-id"), in.key);
}

static void
webhook_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *address, *secret;
        enum status status;
        const char *message;
    } rows[] = {
        {"crm", NULL, E_NOTFOUND, "no connection 'crm'"},
        {NULL, NULL, E_NOTFOUND, "no connection"},
        {"ftp://a.example/x", NULL, E_INPUT, "webhook"},
        {"https://a.example/x", "whsec_", E_INPUT, "webhook"},
        {"https://a.example/x", "not a secret", E_INPUT, "webhook"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_ARENA a = arena_new(1 << 20);
        struct effect_settings s = bare;
        struct effect_input in = action(a, EFFECT_WEBHOOK, rows[i].address);
        struct effect_plan plan;
        struct error err = {0};
        s.webhook_secret = rows[i].secret;
        assert_int_equal(effect_prepare(a, &s, &in, &plan, &err),
                         rows[i].status);
        assert_non_null(strstr(err.msg, rows[i].message));
    }
}

static void
track(void **state)
{
    (void)state;
    static const char properties[] =
        "{\"workspace\":\"default\",\"feature\":\"welcome drip\","
        "\"version\":3,\"state\":\"s0\","
        "\"run\":\"019aa000-0000-7000-8000-000000000001\","
        "\"subject_table\":\"auth.users\","
        "\"source_event_id\":\"019aa000-0000-7000-8000-000000000002\","
        "\"source_event_type\":\"auth.users.insert\"}";
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = bare;
    struct effect_input in = action(a, EFFECT_TRACK, NULL);
    struct effect_plan plan;
    char body[1024];

    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_NONE);
    assert_int_equal(plan.provider, PROVIDER_LOCAL);
    assert_string_equal(plan.track.event, "welcome drip");
    assert_json(a, plan.track.properties, properties);

    s.track_sink = "http://127.0.0.1:9/track";
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_HTTP);
    assert_int_equal(plan.provider, PROVIDER_SINK);
    assert_true(plan.http.trusted);
    assert_string_equal(header(&plan, "Idempotency-Key"), in.key);
    (void)snprintf(body, sizeof(body),
                   "{\"event\":\"welcome drip\",\"distinct_id\":\"u1\","
                   "\"properties\":%s,"
                   "\"timestamp\":\"2025-11-24T09:00:00.000000Z\","
                   "\"message_id\":\"%s\"}",
                   properties, in.key);
    assert_json(a, plan.http.body, body);

    in.payload = parsed(a, "{\"effect\":{\"event\":\"activated\"}}");
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_string_equal(plan.track.event, "activated");
}

static void
stage_is_done_already(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    const struct effect_input in = action(a, EFFECT_SET_STAGE, NULL);
    struct effect_plan plan;

    assert_int_equal(effect_prepare(a, &bare, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_NONE);
}

static void
bad_payload(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_input in = action(a, EFFECT_TRACK, NULL);
    struct effect_plan plan;
    struct error err = {0};

    in.payload = parsed(a, "[]");
    assert_int_equal(effect_prepare(a, &bare, &in, &plan, &err), E_BUG);
    in.payload = NULL;
    assert_int_equal(effect_prepare(a, &bare, &in, &plan, &err), E_BUG);
}

static void
no_memory(void **state)
{
    (void)state;
    AUTO_ARENA room = arena_new(1 << 20);
    const struct effect_input in =
        action(room, EFFECT_WEBHOOK, "https://hooks.acme.example/in");
    struct effect_settings s = bare;
    enum status rc = E_NOMEM;

    s.webhook_secret = SECRET;
    for (size_t max = 0; rc != OK && max < 65536; max += 16) {
        AUTO_ARENA a = arena_new(max);
        struct effect_plan plan;
        struct error err = {0};
        rc = effect_prepare(a, &s, &in, &plan, &err);
        if (rc != OK && rc != E_NOMEM)
            print_error("%zu: %s\n", max, err.msg);
        assert_true(rc == OK || rc == E_NOMEM);
    }
    assert_int_equal(rc, OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(template_names),
        cmocka_unit_test(webhook_body),
        cmocka_unit_test(webhook_signature),
        cmocka_unit_test(webhook_refusals),
        cmocka_unit_test(track),
        cmocka_unit_test(stage_is_done_already),
        cmocka_unit_test(bad_payload),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
