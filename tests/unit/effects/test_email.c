#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* ours */

#include "cases.h"

#define UNSUBSCRIBE "https://skene.acme.example/api/v1/unsubscribe/t0"

static const struct message welcome = {
    .key = "welcome drip",
    .subject = "Hello {{ first_name }}",
    .body = "Hi {{ first_name }} of {{ workspace.name }} "
            "({{ subject.email }}).\n\n[Stop]({{ unsubscribe_url }})\n",
};

static struct effect_settings
settings(void)
{
    return (struct effect_settings){.now_us = NOW_US,
                                    .mail_from = "Acme <hello@acme.example>"};
}

static struct effect_input
mail(struct arena *a)
{
    struct effect_input in = action(a, EFFECT_EMAIL, "ada@acme.example");

    in.message = &welcome;
    in.unsubscribe_url = UNSUBSCRIBE;
    return in;
}

/* The members the official client sends, with ours in them. */
static void
resend_request(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    const struct effect_input in = mail(a);
    struct effect_plan plan;

    s.resend_key = "re_x";
    s.resend_url = "http://127.0.0.1:4012/";
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_HTTP);
    assert_int_equal(plan.provider, PROVIDER_RESEND);
    assert_string_equal(plan.http.method, "POST");
    assert_string_equal(plan.http.url, "http://127.0.0.1:4012/emails");
    assert_true(plan.http.trusted);
    assert_string_equal(header(&plan, "Authorization"), "Bearer re_x");
    assert_string_equal(header(&plan, "Idempotency-Key"), in.key);
    assert_string_equal(header(&plan, "Content-Type"), "application/json");
    struct json *body = parsed(a, plan.http.body);
    assert_string_equal(json_get_str(body, "subject", ""),
                        "Hello Ada  Bcc: all@acme.example");
    assert_non_null(strstr(json_get_str(body, "html", ""), "of Acme"));
    assert_non_null(strstr(json_get_str(body, "text", ""), UNSUBSCRIBE));
    /* The rest is compared whole. */
    json_put(a, body, "html", json_string(a, "H"));
    json_put(a, body, "text", json_string(a, "T"));
    json_put(a, body, "subject", json_string(a, "S"));
    assert_json(a, json_text(a, body),
                "{\"from\":\"Acme <hello@acme.example>\","
                "\"to\":[\"ada@acme.example\"],\"subject\":\"S\","
                "\"html\":\"H\",\"text\":\"T\",\"headers\":{"
                "\"List-Unsubscribe\":\"<" UNSUBSCRIBE ">\","
                "\"List-Unsubscribe-Post\":\"List-Unsubscribe=One-Click\"},"
                "\"tags\":[{\"name\":\"feature\",\"value\":\"welcome_drip\"},"
                "{\"name\":\"workspace\",\"value\":\"default\"},"
                "{\"name\":\"action\",\"value\":"
                "\"019aa000-0000-7000-8000-000000000003\"}]}");
}

static void
repeats_are_equal(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    const struct effect_input in = mail(a);
    struct effect_plan first, second;

    s.resend_key = "re_x";
    assert_int_equal(effect_prepare(a, &s, &in, &first, NULL), OK);
    assert_string_equal(first.http.url, "https://api.resend.com/emails");
    s.now_us += INT64_C(3600) * 1000000;
    assert_int_equal(effect_prepare(a, &s, &in, &second, NULL), OK);
    assert_int_equal(first.http.body_n, second.http.body_n);
    assert_memory_equal(first.http.body, second.http.body, first.http.body_n);
}

static void
dev_inbox(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = {.now_us = NOW_US};
    struct effect_input in = mail(a);
    struct effect_plan plan;

    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_NONE);
    assert_int_equal(plan.provider, PROVIDER_LOCAL);
    assert_string_equal(plan.content.sender, "Skene <skene@localhost>");
    assert_string_equal(plan.content.recipient, "ada@acme.example");
    assert_string_equal(plan.content.subject,
                        "Hello Ada  Bcc: all@acme.example");
    struct json *headers = parsed(a, plan.content.headers);
    assert_string_equal(json_get_str(headers, "List-Unsubscribe", ""),
                        "<" UNSUBSCRIBE ">");
    assert_string_equal(json_get_str(headers, "Message-ID", ""),
                        plan.provider_id);
}

static void
smtp_message(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    const struct effect_input in = mail(a);
    struct effect_plan plan, again;

    s.smtp_url = "smtp://127.0.0.1:2525";
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_int_equal(plan.means, MEANS_SMTP);
    assert_int_equal(plan.provider, PROVIDER_SMTP);
    assert_string_equal(plan.mail.from, "hello@acme.example");
    assert_string_equal(plan.mail.to, "ada@acme.example");
    assert_true(plan.mail.trusted);
    const char *text = plan.mail.message;
    assert_int_equal(strlen(text), plan.mail.message_n);
    /* The row's line break made no header of its own. */
    const char *body = strstr(text, "\r\n\r\n");
    const char *bcc = strstr(text, "\nBcc:");
    assert_non_null(body);
    assert_true(!bcc || bcc > body);
    assert_non_null(
        strstr(text, "Subject: =?UTF-8?B?")); /* two spaces are kept */
    assert_non_null(strstr(text, "From: \"Acme\" <hello@acme.example>\r\n"));
    assert_non_null(strstr(text, "To: <ada@acme.example>\r\n"));
    assert_non_null(strstr(text, "List-Unsubscribe: <" UNSUBSCRIBE ">\r\n"));
    assert_non_null(strstr(text, "List-Unsubscribe-Post: "
                                 "List-Unsubscribe=One-Click\r\n"));
    assert_non_null(strstr(text, "multipart/alternative"));
    for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
        assert_int_equal(p[-1], '\r');
    /* The id that tells a receiver of a repeat. */
    s.now_us += 60000000;
    assert_int_equal(effect_prepare(a, &s, &in, &again, NULL), OK);
    assert_string_equal(plan.provider_id, again.provider_id);
    assert_non_null(strstr(plan.provider_id, "@acme.example>"));
    assert_non_null(strstr(text, plan.provider_id));
}

static void
no_unsubscribe_headers(void **state)
{
    (void)state;
    static const struct message plain = {
        .key = "m", .subject = "S", .body = "Hi"};
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    struct effect_input in = mail(a);
    struct effect_plan plan;

    in.message = &plain;
    in.unsubscribe_url = NULL;
    s.resend_key = "re_x";
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_null(json_get(parsed(a, plan.http.body), "headers"));
}

static void
own_subject(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    struct effect_input in = mail(a);
    struct effect_plan plan;

    json_put(a, json_get(in.payload, "effect"), "subject",
             json_string(a, "For {{ plan }}"));
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_string_equal(plan.content.subject, "For pro");
}

/* With a path of its own, the address is not the subject's. */
static void
subject_is_not_recipient(void **state)
{
    (void)state;
    static const struct message m = {
        .key = "m", .subject = "S", .body = "{{ subject.email }}"};
    AUTO_ARENA a = arena_new(1 << 20);
    struct effect_settings s = settings();
    struct effect_input in = mail(a);
    struct effect_plan plan;

    in.message = &m;
    in.address = "boss@acme.example";
    json_put(a, json_get(in.payload, "effect"), "to",
             json_string(a, "boss_email"));
    assert_int_equal(effect_prepare(a, &s, &in, &plan, NULL), OK);
    assert_non_null(strstr(plan.content.text, "ada@acme.example"));
    assert_string_equal(plan.content.recipient, "boss@acme.example");
}

static void
refusals(void **state)
{
    (void)state;
    static const struct message undefined = {
        .key = "m", .subject = "S", .body = "{{ nothing_like_it }}"};
    static const struct {
        const char *address, *from, *resend_key, *resend_url;
        const struct message *message;
        enum status status;
        const char *text;
    } rows[] = {
        {"ada@acme.example", "A <a@b.example>", NULL, NULL, NULL, E_NOTFOUND,
         "no message template 'welcome drip'"},
        {"ada@acme.example", NULL, "re_x", NULL, &welcome, E_INPUT,
         "SKENE_MAIL_FROM"},
        {"ada@acme.example", "nobody", NULL, NULL, &welcome, E_INPUT,
         "SKENE_MAIL_FROM"},
        {"ada@acme.example", "a@b.example", "re_x", "nonsense", &welcome,
         E_INPUT, "Resend"},
        {NULL, "a@b.example", NULL, NULL, &welcome, E_INVALID,
         "no mail address"},
        {"ada", "a@b.example", NULL, NULL, &welcome, E_INVALID,
         "not a mail address"},
        {"a@b.example\r\nBcc: c@d.example", "a@b.example", NULL, NULL, &welcome,
         E_INVALID, "mail address"},
        {"ada@acme.example", "a@b.example", NULL, NULL, &undefined, E_INVALID,
         "nothing_like_it"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_ARENA a = arena_new(1 << 20);
        struct effect_settings s = {.now_us = NOW_US,
                                    .mail_from = rows[i].from,
                                    .resend_key = rows[i].resend_key,
                                    .resend_url = rows[i].resend_url};
        struct effect_input in = mail(a);
        struct effect_plan plan;
        struct error err = {0};
        in.address = rows[i].address;
        in.message = rows[i].message;
        enum status rc = effect_prepare(a, &s, &in, &plan, &err);
        if (rc != rows[i].status || !strstr(err.msg, rows[i].text))
            print_error("row %zu: %s\n", i, err.msg);
        assert_int_equal(rc, rows[i].status);
        assert_non_null(strstr(err.msg, rows[i].text));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resend_request),
        cmocka_unit_test(repeats_are_equal),
        cmocka_unit_test(dev_inbox),
        cmocka_unit_test(smtp_message),
        cmocka_unit_test(no_unsubscribe_headers),
        cmocka_unit_test(own_subject),
        cmocka_unit_test(subject_is_not_recipient),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
