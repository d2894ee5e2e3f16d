#include "client_test.h"

#include <pthread.h>

/* A mail server that answers by script, one connection after the other. */
struct sink {
    int fd, port;
    pthread_t thread;
    const char *greeting, *mail, *rcpt, *data, *end; /* replies */
    char heard[8192];
    size_t heard_n;
};

static void
say(int fd, const char *reply)
{
    raw_puts(fd, reply);
    raw_puts(fd, "\r\n");
}

/* One line without its end; false when the client hung up. */
static bool
line_read(int fd, char *line, size_t n)
{
    size_t at = 0;

    while (at < n - 1 && recv(fd, line + at, 1, 0) == 1)
        if (line[at++] == '\n') {
            line[at] = '\0';
            return true;
        }
    return false;
}

static const char *
reply_to(const struct sink *s, const char *line)
{
    const struct {
        const char *verb, *reply;
    } script[] = {
        {"EHLO", "250-sink\r\n250 8BITMIME"},
        {"MAIL", s->mail},
        {"RCPT", s->rcpt},
        {"DATA", s->data},
        {"QUIT", "221 bye"},
        {".\r\n", s->end},
    };

    for (size_t i = 0; i < sizeof(script) / sizeof(*script); i++)
        if (strncmp(line, script[i].verb, strlen(script[i].verb)) == 0)
            return script[i].reply;
    return "500 what?";
}

static void
serve(struct sink *s, int fd)
{
    bool in_data = false;
    char line[1024];

    say(fd, s->greeting);
    while (line_read(fd, line, sizeof(line))) {
        size_t n = strlen(line);
        if (s->heard_n + n < sizeof(s->heard)) {
            memcpy(s->heard + s->heard_n, line, n + 1);
            s->heard_n += n;
        }
        bool end = strcmp(line, ".\r\n") == 0;
        if (in_data && !end)
            continue;
        const char *reply = reply_to(s, line);
        in_data = !end && reply == s->data && reply[0] == '3';
        say(fd, reply);
    }
}

static void *
sink_run(void *arg)
{
    struct sink *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        serve(s, fd);
        close(fd);
    }
    return NULL;
}

static void
sink_up(struct sink *s)
{
    const char *const usual[] = {"220 sink", "250 ok", "250 ok", "354 go",
                                 "250 2.0.0 queued as 7"};
    const char **replies[] = {&s->greeting, &s->mail, &s->rcpt, &s->data,
                              &s->end};

    for (size_t i = 0; i < 5; i++)
        if (!*replies[i])
            *replies[i] = usual[i];
    s->fd = listener_up(&s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, sink_run, s), 0);
}

static void
sink_down(struct sink *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static const char letter[] = "From: a@x.test\r\nTo: b@y.test\r\n\r\n"
                             "Hello\r\n.dot\r\n..two\r\n";

static struct outcome
mail_run(const struct sink *s, struct net_mail_call call)
{
    struct net_client *c = client_up(true);
    struct outcome got = {0};
    struct error err = {0};
    char url[64];

    snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", s->port);
    call.url = url;
    if (!call.from)
        call.from = "Ann <a@x.test>";
    if (!call.to)
        call.to = "b@y.test";
    call.message = letter;
    call.message_n = sizeof(letter) - 1;
    call.timeout_ms = 5000;
    if (net_client_mail(c, &call, outcome_keep, &got, &err) != OK)
        FAIL("%s", err.msg);
    client_drain(c);
    assert_int_equal(got.calls, 1);
    net_client_free(c);
    return got;
}

static void
delivered(void **state)
{
    struct sink s = {0};

    (void)state;
    sink_up(&s);
    struct outcome got = mail_run(&s, (struct net_mail_call){0});
    sink_down(&s);
    assert_int_equal(got.status, OK);
    assert_int_equal(got.code, 250);
    assert_string_equal(got.body, "250 2.0.0 queued as 7");
    assert_non_null(strstr(s.heard, "MAIL FROM:<a@x.test>"));
    assert_non_null(strstr(s.heard, "RCPT TO:<b@y.test>"));
    /* Lines that start with a dot get one more on the wire. */
    assert_non_null(strstr(s.heard, "Hello\r\n..dot\r\n...two\r\n.\r\n"));
}

static void
refused(void **state)
{
    static const struct {
        struct sink sink;
        int code;
        const char *body;
    } cases[] = {
        {{.rcpt = "550 5.1.1 no such user"}, 550, "550 5.1.1 no such user"},
        {{.rcpt = "450 4.2.1 try later"}, 450, "450 4.2.1 try later"},
        {{.mail = "553 not you"}, 553, "553 not you"},
        {{.data = "451 no data now"}, 451, "451 no data now"},
        {{.end = "554 spam"}, 554, "554 spam"},
        {{.end = "452 full"}, 452, "452 full"},
        {{.greeting = "421 busy"}, 421, "421 busy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sink s = cases[i].sink;
        sink_up(&s);
        struct outcome got = mail_run(&s, (struct net_mail_call){0});
        sink_down(&s);
        if (got.status != OK || got.code != cases[i].code ||
            strcmp(got.body, cases[i].body) != 0)
            FAIL("case %zu: %s %d \"%s\" (%s)", i, status_name(got.status),
                 got.code, got.body, got.message);
    }
}

static void
bad_mails(void **state)
{
    static const struct {
        const char *url, *from, *to;
    } cases[] = {
        {"http://127.0.0.1/", "a@x.test", "b@y.test"},
        {"127.0.0.1:25", "a@x.test", "b@y.test"},
        {"smtp://127.0.0.1:1", "a@x.test", "b@y.test\r\nRCPT TO:<c@z.test>"},
        {"smtp://127.0.0.1:1", "a@x.test", "b@y.test> SIZE=1"},
        {"smtp://127.0.0.1:1", "a@x.test", "b@y.test>\r\nDATA\r\n<"},
        {"smtp://127.0.0.1:1", "a@x.test", "nobody"},
        {"smtp://127.0.0.1:1", "a@x.test", NULL},
        {"smtp://127.0.0.1:1", "Ann <a@x.test", "b@y.test"},
        {"smtp://127.0.0.1:1", "@x.test", "b@y.test"},
        {"smtp://127.0.0.1:1", "a@", "b@y.test"},
    };
    struct net_client *c = client_up(true);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct net_mail_call call = {.url = cases[i].url,
                                     .from = cases[i].from,
                                     .to = cases[i].to,
                                     .message = letter,
                                     .message_n = sizeof(letter) - 1,
                                     .timeout_ms = 1000};
        struct error err = {0};
        enum status rc = net_client_mail(c, &call, outcome_keep, NULL, &err);
        if (rc != E_INPUT)
            FAIL("case %zu: %s", i, status_name(rc));
        assert_int_equal(net_client_in_flight(c), 0);
    }
    net_client_free(c);
}

static void
guarded(void **state)
{
    struct net_client *c = client_up(false);
    struct outcome got = {0};
    struct error err = {0};
    struct net_mail_call call = {.url = "smtp://127.0.0.1:1",
                                 .from = "a@x.test",
                                 .to = "b@y.test",
                                 .message = letter,
                                 .message_n = sizeof(letter) - 1,
                                 .timeout_ms = 5000};

    (void)state;
    assert_int_equal(net_client_mail(c, &call, outcome_keep, &got, &err), OK);
    client_drain(c);
    assert_int_equal(got.status, E_FORBIDDEN);
    call.trusted = true;
    assert_int_equal(net_client_mail(c, &call, outcome_keep, &got, &err), OK);
    client_drain(c);
    assert_int_equal(got.status, E_NET);
    net_client_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered),
        cmocka_unit_test(refused),
        cmocka_unit_test(bad_mails),
        cmocka_unit_test(guarded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
