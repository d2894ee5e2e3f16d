/* An action and settings as the tests of this folder use them. */
#ifndef TESTS_EFFECTS_CASES_H
#define TESTS_EFFECTS_CASES_H

#include <stdint.h>
#include <string.h>

#include "codec/json.h"
#include "effects/effects.h"

#define NOW_US     (INT64_C(1763974805) * 1000000) /* 2025-11-24T09:00:05Z */
#define CREATED_US (NOW_US - 5000000)
#define SECRET     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const char payload_text[] =
    "{\"effect\":{\"type\":\"email\"},"
    "\"feature\":{\"key\":\"welcome drip\",\"name\":\"Welcome\"},"
    "\"version\":3,\"state\":\"s0\","
    "\"run\":\"019aa000-0000-7000-8000-000000000001\","
    "\"subject\":{\"table\":\"auth.users\",\"id\":\"u1\","
    "\"key\":\"auth.users/u1\"},"
    "\"workspace\":{\"id\":\"w\",\"slug\":\"default\",\"name\":\"Acme\"},"
    "\"timing\":null,"
    "\"event\":{\"id\":\"019aa000-0000-7000-8000-000000000002\","
    "\"type\":\"auth.users.insert\","
    "\"occurred_at\":\"2025-11-24T09:00:00.000000Z\","
    "\"record\":{\"id\":\"u1\",\"email\":\"ada@acme.example\","
    "\"first_name\":\"Ada\\r\\nBcc: all@acme.example\",\"plan\":\"pro\","
    "\"old\":{\"plan\":\"free\"}}}}";

static inline struct json *
parsed(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct error err = {0};

    if (json_parse(a, text, strlen(text), 1 << 20, &j, &err) != OK)
        print_error("%s\n", err.msg);
    assert_non_null(j);
    return j;
}

static inline struct effect_input
action(struct arena *a, enum effect_kind kind, const char *address)
{
    return (struct effect_input){
        .id = "019aa000-0000-7000-8000-000000000003",
        .key = "019aa000-0000-7000-8000-000000000001_1_0",
        .kind = kind,
        .address = address,
        .created_us = CREATED_US,
        .payload = parsed(a, payload_text),
    };
}

static inline const char *
header(const struct effect_plan *plan, const char *name)
{
    for (int i = 0; i < HTTP_MAX_HEADERS && plan->http.headers[i].name; i++)
        if (strcmp(plan->http.headers[i].name, name) == 0)
            return plan->http.headers[i].value;
    return NULL;
}

/* Same JSON value, whatever the order of members. */
static inline void
assert_json(struct arena *a, const char *got, const char *want)
{
    if (!json_equal(parsed(a, got), parsed(a, want))) {
        print_error("got  %s\nwant %s\n", got, want);
        assert_true(false);
    }
}

#endif
