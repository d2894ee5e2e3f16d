#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* ours */

#include "codec/text.h"
#include "effects/mime.h"

static const struct {
    const char *in, *out;
} qp_cases[] = {
    {"", ""},
    {"plain text", "plain text"},
    {"1 = 1", "1 =3D 1"},
    {"two\nlines", "two\r\nlines"},
    {"two\r\nlines", "two\r\nlines"},
    {"a lone\rreturn", "a lone=0Dreturn"},
    {"space at end \n", "space at end=20\r\n"},
    {"tab at end\t", "tab at end=09"},
    {"h\xc3\xa9", "h=C3=A9"},
    /* 76 columns fit with the soft break, the 77th goes over */
    {"0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789",
     "0123456789012345678901234567890123456789012345678901234567890123456789"
     "01234=\r\n56789"},
    /* an escape is never cut in two */
    {"01234567890123456789012345678901234567890123456789012345678901234567890"
     "12\xc3\xa9",
     "01234567890123456789012345678901234567890123456789012345678901234567890"
     "12=\r\n=C3=A9"},
};

static void
quoted_printable_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(qp_cases) / sizeof(qp_cases[0]); i++) {
        AUTO_BUF out = buf_new(4096);
        quoted_printable_write(&out, qp_cases[i].in, strlen(qp_cases[i].in));
        assert_true(buf_ok(&out));
        assert_string_equal(out.data, qp_cases[i].out);
    }
}

static void
longest_line_fits(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\r");
        assert_true(n <= 76);
        text += n;
        if (*text) {
            assert_memory_equal(text, "\r\n", 2);
            text += 2;
        }
    }
}

/* Decodes what header_text_write() wrote, as a reader would. */
static void
unfold(const char *in, struct buf *out)
{
    AUTO_ARENA a = arena_new(65536);
    bool after_word = false;

    while (*in) {
        if (strncmp(in, "=?UTF-8?B?", 10) == 0) {
            const char *start = in + 10, *end = strstr(start, "?=");
            unsigned char *bytes = NULL;
            size_t n = 0;
            assert_non_null(end);
            assert_int_equal(
                base64_parse(a, start, (size_t)(end - start), &bytes, &n, NULL),
                OK);
            assert_true(utf8_valid((char *)bytes, n));
            buf_add(out, bytes, n);
            in = end + 2;
            after_word = true;
        } else if (strncmp(in, "\r\n ", 3) == 0) {
            in += 3;
            if (!after_word)
                buf_putc(out, ' ');
        } else {
            buf_putc(out, *in++);
            after_word = false;
        }
    }
}

static const struct {
    const char *in;
    bool encoded;
} header_cases[] = {
    {"Welcome", false},
    {"", false},
    {"A subject of many short words that has to be folded somewhere because "
     "it does not fit into one line of the header, and then goes on",
     false},
    {"Gr\xc3\xbc\xc3\x9f Gott", true},
    {"=?UTF-8?B?eA==?=", true},
    {"two  spaces", true},
    {" leading space", true},
    {"averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylong"
     "wordthatcannotbefolded",
     true},
    {"\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89"
     "\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89"
     "\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89"
     "\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89",
     true},
};

static void
header_text_cases(void **state)
{
    (void)state;
    const size_t n = sizeof(header_cases) / sizeof(header_cases[0]);
    for (size_t i = 0; i < n; i++) {
        AUTO_BUF out = buf_new(4096);
        AUTO_BUF back = buf_new(4096);
        buf_puts(&out, "Subject: ");
        header_text_write(&out, header_cases[i].in, 9);
        longest_line_fits(out.data);
        assert_int_equal(strstr(out.data, "=?UTF-8?B?") != NULL,
                         header_cases[i].encoded);
        unfold(out.data + 9, &back);
        assert_string_equal(back.data, header_cases[i].in);
    }
}

static void
stray_bytes_end(void **state)
{
    (void)state;
    AUTO_BUF out = buf_new(4096);
    header_text_write(&out, "\xf0\x9f\xff\xff\xc3", 70);
    assert_true(buf_ok(&out));
    longest_line_fits(out.data);
}

static void
date(void **state)
{
    (void)state;
    AUTO_BUF out = buf_new(64);
    mail_date_write(&out, INT64_C(1763974805) * 1000000 + 999999);
    assert_string_equal(out.data, "Mon, 24 Nov 2025 09:00:05 +0000");
}

static const struct {
    const char *in, *name, *address; /* address NULL: refused */
} mailbox_cases[] = {
    {"a@b.example", "", "a@b.example"},
    {"Acme <a@b.example>", "Acme", "a@b.example"},
    {"\"Acme, Inc.\" <a@b.example>", "Acme, Inc.", "a@b.example"},
    {"\"The \\\"A\\\"\" <a@b.example>", "The \"A\"", "a@b.example"},
    {"<a@b.example>", "", "a@b.example"},
    {"", NULL, NULL},
    {"nobody", NULL, NULL},
    {"@b.example", NULL, NULL},
    {"a@", NULL, NULL},
    {"a@b@c", NULL, NULL},
    {"a@b.example, c@d.example", NULL, NULL},
    {"Acme <a@b.example", NULL, NULL},
    {"a b@c.example", NULL, NULL},
    {"a@b.example\r\nBcc: all@b.example", NULL, NULL},
    {"a@b.example\nBcc: all@b.example", NULL, NULL},
    {"Acme\r\n <a@b.example>", NULL, NULL},
    {"a@.example", NULL, NULL},
};

static void
mailbox_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mailbox_cases) / sizeof(mailbox_cases[0]);
         i++) {
        AUTO_ARENA a = arena_new(65536);
        const char *name = NULL, *address = NULL;
        struct error err = {0};
        enum status rc =
            mailbox_parse(a, mailbox_cases[i].in, &name, &address, &err);
        if (!mailbox_cases[i].address) {
            assert_int_equal(rc, E_INVALID);
            continue;
        }
        assert_int_equal(rc, OK);
        assert_string_equal(name, mailbox_cases[i].name);
        assert_string_equal(address, mailbox_cases[i].address);
    }
}

static struct mime_mail
sample(void)
{
    return (struct mime_mail){
        .from = "Acme, Inc. <hello@acme.example>",
        .to = "ada@acme.example",
        .subject = "Welcome",
        .html = "<p>Hi</p>\n",
        .text = "Hi\n",
        .message_id = "<1@acme.example>",
        .boundary_seed = "run_1_0",
        .date_us = INT64_C(1763974805) * 1000000,
        .extra = {{"List-Unsubscribe", "<https://acme.example/u/1>"}},
    };
}

static void
whole_message(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(65536);
    AUTO_BUF out = buf_new(65536);
    const struct mime_mail m = sample();
    assert_int_equal(mime_write(a, &out, &m, NULL), OK);
    assert_string_equal(out.data,
                        "From: \"Acme, Inc.\" <hello@acme.example>\r\n"
                        "To: <ada@acme.example>\r\n"
                        "Subject: Welcome\r\n"
                        "Date: Mon, 24 Nov 2025 09:00:05 +0000\r\n"
                        "Message-ID: <1@acme.example>\r\n"
                        "MIME-Version: 1.0\r\n"
                        "List-Unsubscribe: <https://acme.example/u/1>\r\n"
                        "Content-Type: multipart/alternative;\r\n"
                        " boundary=\"=_3a9caef6f13400245098bd7e5464184c\"\r\n"
                        "\r\n"
                        "--=_3a9caef6f13400245098bd7e5464184c\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "Hi\r\n\r\n"
                        "--=_3a9caef6f13400245098bd7e5464184c\r\n"
                        "Content-Type: text/html; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "<p>Hi</p>\r\n\r\n"
                        "--=_3a9caef6f13400245098bd7e5464184c--\r\n");
}

static const struct {
    const char *what;
    size_t field; /* of struct mime_mail */
    const char *value;
} refused_cases[] = {
    {"subject", offsetof(struct mime_mail, subject), "a\r\nBcc: b@c.example"},
    {"subject", offsetof(struct mime_mail, subject), "a\nb"},
    {"from", offsetof(struct mime_mail, from), "A\r\nB: c <a@b.example>"},
    {"to", offsetof(struct mime_mail, to), "a@b.example\r\nBcc: c@d.example"},
    {"to", offsetof(struct mime_mail, to), "a@b.example, c@d.example"},
    {"to, not ASCII", offsetof(struct mime_mail, to), "\xc3\xa4@b.example"},
    {"id", offsetof(struct mime_mail, message_id), "<a>\r\nBcc: b@c.example"},
    {"header", offsetof(struct mime_mail, extra[0].value), "<x>\r\nB: c"},
    {"header name", offsetof(struct mime_mail, extra[0].name), "A: b"},
};

static void
injection_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]);
         i++) {
        AUTO_ARENA a = arena_new(65536);
        AUTO_BUF out = buf_new(65536);
        struct mime_mail m = sample();
        struct error err = {0};
        memcpy((char *)&m + refused_cases[i].field, &refused_cases[i].value,
               sizeof(refused_cases[i].value));
        assert_int_equal(mime_write(a, &out, &m, &err), E_INVALID);
        assert_true(err.msg[0] != '\0');
    }
}

static void
too_big(void **state)
{
    (void)state;
    AUTO_ARENA a = arena_new(65536);
    AUTO_BUF out = buf_new(300);
    const struct mime_mail m = sample();
    assert_int_equal(mime_write(a, &out, &m, NULL), E_TOOBIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_printable_cases),
        cmocka_unit_test(header_text_cases),
        cmocka_unit_test(stray_bytes_end),
        cmocka_unit_test(date),
        cmocka_unit_test(mailbox_table),
        cmocka_unit_test(whole_message),
        cmocka_unit_test(injection_is_refused),
        cmocka_unit_test(too_big),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
