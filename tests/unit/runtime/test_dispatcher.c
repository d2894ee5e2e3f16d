#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* ours */

#include "codec/json.h"
#include "net/http_server.h"
#include "world.h"

static struct runtime *rt;
static struct dispatcher *dispatcher;
static struct http_server *server;

/* ---- a receiver: the path names the answer ---- */

enum { HANG_MAX = 16 };

static struct {
    atomic_int calls, hung;
    _Atomic(struct http_exchange *) waiting[HANG_MAX]; /* owe an answer */
    _Atomic int flaky_failures; /* /flaky fails that often */
    char key[2][128];           /* webhook-id of the first two to /flaky */
    char body[2][4096];
} seen;

static void
receive(struct http_exchange *x, const struct http_request *req, void *user)
{
    struct http_reply reply = {.status = 204};

    (void)user;
    int n = atomic_fetch_add(&seen.calls, 1);
    if (strcmp(req->path, "/flaky") == 0) {
        if (n < 2) {
            const char *key = http_header_get(x, "webhook-id");
            strncpy(seen.key[n], key ? key : "", sizeof(seen.key[n]) - 1);
            strncpy(seen.body[n], req->body, sizeof(seen.body[n]) - 1);
        }
        if (atomic_fetch_sub(&seen.flaky_failures, 1) > 0)
            reply.status = 500;
    } else if (strcmp(req->path, "/gone") == 0) {
        reply.status = 410;
    } else if (strcmp(req->path, "/busy") == 0) {
        reply.status = 429;
        reply.headers[0] = (struct http_header){"Retry-After", "3600"};
    } else if (strcmp(req->path, "/hang") == 0) {
        http_suspend(x);
        int place = atomic_fetch_add(&seen.hung, 1);
        if (place < HANG_MAX)
            atomic_store(&seen.waiting[place], x);
        return;
    }
    http_reply(x, &reply);
}

static struct http_server *
receiver(void)
{
    const struct http_server_config config = {
        .listen = "127.0.0.1:0",
        .threads = 2,
        .max_connections = 64,
        .max_body_bytes = 1 << 20,
        .timeout_s = 30,
        .handler = receive,
    };
    struct http_server *s = NULL;
    struct error err = {0};

    if (http_server_start(&config, &s, &err) != OK)
        print_error("%s\n", err.msg);
    assert_non_null(s);
    return s;
}

static const char *
url(struct http_server *s, const char *path)
{
    return arena_printf(rt->a, "http://127.0.0.1:%d%s", http_server_port(s),
                        path);
}

/* ---- each test gets a world, and starts the dispatcher itself ---- */

static int
setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    rt = world_new();
    server = receiver();
    dispatcher = NULL;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    const struct http_reply late = {.status = 503};

    dispatcher_stop(dispatcher, 0);
    for (int i = 0; i < HANG_MAX && i < atomic_load(&seen.hung); i++) {
        WORLD_UNTIL(atomic_load(&seen.waiting[i]) != NULL);
        http_reply(atomic_load(&seen.waiting[i]), &late);
    }
    http_server_stop(server);
    world_free(rt);
    return 0;
}

static void
start(void)
{
    struct error err = {0};

    assert_int_equal(dispatcher_start(rt, &dispatcher, &err), OK);
}

static size_t
mails(void)
{
    struct mail_row *rows = NULL;
    size_t n = 0;

    WORLD_READ(rt, inbox_list(tx, rt->a, rt->workspace.id, NULL, 100, &rows, &n,
                              &err_));
    return n;
}

static size_t
tracks(void)
{
    struct track_row *rows = NULL;
    size_t n = 0;

    WORLD_READ(rt, tracks_list(tx, rt->a, rt->workspace.id, NULL, 100, &rows,
                               &n, &err_));
    return n;
}

static size_t
attempts(const char *id, struct attempt_row **rows)
{
    size_t n = 0;

    WORLD_READ(rt, attempts_of(tx, rt->a, id, rows, &n, &err_));
    return n;
}

/* ---- local effects ---- */

static void
mail_reaches_the_inbox(void **state)
{
    (void)state;
    struct attempt_row *rows = NULL;
    int64_t sent = 0, oldest_us = 0;

    start();
    const char *id = world_action(rt, "email", "ada@a.example", "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "succeeded"));
    assert_int_equal(mails(), 1);
    assert_int_equal(attempts(id, &rows), 1);
    assert_string_equal(rows[0].outcome, "succeeded");
    struct action_row row = world_get(rt, id);
    assert_int_equal(row.attempts, 1);
    assert_null(row.last_error);
    assert_non_null(row.provider_id);
    assert_non_null(strstr(row.gates, "suppression"));
    WORLD_READ(rt, sends_count(tx, rt->workspace.id, "users/ada", NULL, 0,
                               &sent, &oldest_us, &err_));
    assert_int_equal(sent, 1);
}

static void
many_mails_once_each(void **state)
{
    (void)state;
    enum { MAILS = 450 }; /* more than two loads */
    struct store_counts counts = {0};

    for (int i = 0; i < MAILS; i++)
        (void)world_action(rt, "email", "ada@a.example",
                           arena_printf(rt->a, "u%d", i), NULL);
    start();
    do {
        world_nap();
        WORLD_READ(rt, store_counts(tx, rt->workspace.id, &counts, &err_));
    } while (counts.actions_pending > 0);
    assert_int_equal(counts.actions_succeeded, MAILS);
    assert_int_equal(counts.mails, MAILS);
}

static void
template_is_missing(void **state)
{
    (void)state;
    rt->template = "nope";
    start();
    const char *id = world_action(rt, "email", "ada@a.example", "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "failed"));
    assert_non_null(strstr(world_get(rt, id).last_error,
                           "no message template 'nope'; add one"));
    assert_int_equal(world_get(rt, id).attempts, 0);
    assert_int_equal(mails(), 0);
}

static void
template_does_not_fit_the_row(void **state)
{
    (void)state;
    const struct message_row broken = {.workspace_id = rt->workspace.id,
                                       .key = "welcome",
                                       .subject = "S",
                                       .body = "{{ no_such_column }}"};

    WORLD_WRITE(rt, message_put(tx, &broken, &err_));
    start();
    const char *id = world_action(rt, "email", "ada@a.example", "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "skipped"));
    assert_string_equal(world_get(rt, id).verdict, "error");
    assert_non_null(strstr(world_get(rt, id).last_error, "no_such_column"));
    assert_int_equal(mails(), 0);
}

static void
unknown_kind_fails(void **state)
{
    (void)state;
    start();
    const char *id = world_action(rt, "fax", "1", "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "failed"));
    assert_non_null(strstr(world_get(rt, id).last_error, "fax"));
}

static void
track_is_stored_and_sent_on(void **state)
{
    (void)state;
    const char *local = world_action(rt, "track", NULL, "ada", NULL);
    start();
    WORLD_UNTIL(world_is(rt, local, "succeeded"));
    assert_int_equal(tracks(), 1);
    dispatcher_stop(dispatcher, 1000);
    dispatcher = NULL;
    assert_int_equal(atomic_load(&seen.calls), 0);

    rt->config.track_sink = url(server, "/sink");
    const char *sent = world_action(rt, "track", NULL, "ada", NULL);
    start();
    WORLD_UNTIL(world_is(rt, sent, "succeeded"));
    assert_int_equal(tracks(), 2);
    assert_int_equal(atomic_load(&seen.calls), 1);
}

/* ---- gates ---- */

static void
suppressed_is_skipped(void **state)
{
    (void)state;
    WORLD_WRITE(rt, suppression_add(tx, rt->workspace.id, "ada@a.example",
                                    "unsubscribed", 1, &err_));
    start();
    const char *id = world_action(rt, "email", "ada@a.example", "ada", NULL);
    const char *other = world_action(rt, "email", "bob@a.example", "bob", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "skipped") &&
                world_is(rt, other, "succeeded"));
    assert_string_equal(world_get(rt, id).verdict, "suppressed");
    assert_int_equal(mails(), 1);
}

/* Quiet hours around now, in UTC, that end two hours from now. */
static const char *
quiet_now(void)
{
    int64_t minute = runtime_now_us(rt) / US_PER_MIN % 1440;
    int64_t from = (minute + 1380) % 1440, to = (minute + 120) % 1440;

    return arena_printf(rt->a,
                        "{\"quiet_hours\":{\"from\":\"%02d:%02d\","
                        "\"to\":\"%02d:%02d\",\"tz\":\"UTC\"}}",
                        (int)(from / 60), (int)(from % 60), (int)(to / 60),
                        (int)(to % 60));
}

static bool
has_verdict(const char *id, const char *verdict)
{
    struct action_row row = world_get(rt, id);

    return row.verdict && strcmp(row.verdict, verdict) == 0;
}

static void
quiet_hours_wait(void **state)
{
    (void)state;
    start();
    const char *id =
        world_action(rt, "email", "ada@a.example", "ada", quiet_now());
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(has_verdict(id, "quiet_deferred"));
    struct action_row row = world_get(rt, id);
    assert_string_equal(row.status, "pending");
    assert_true(row.due_us > runtime_now_us(rt) + US_PER_H);
    assert_int_equal(row.attempts, 0);
    assert_int_equal(mails(), 0);
    world_forward(rt, 3 * US_PER_H);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "succeeded"));
    assert_null(world_get(rt, id).verdict);
    assert_int_equal(mails(), 1);
}

/* How many of them wait for the cap. */
static int
capped(const char *const *ids, int n)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        count += has_verdict(ids[i], "capped");
    return count;
}

static void
cap_counts_what_is_on_its_way(void **state)
{
    (void)state;
    static const char cap[] = "{\"cap\":{\"count\":2,\"per\":\"P1D\"}}";
    const char *ids[5];

    for (int i = 0; i < 5; i++)
        ids[i] = world_action(rt, "email", "ada@a.example", "ada", cap);
    const char *other = world_action(rt, "email", "bob@a.example", "bob", cap);
    start();
    WORLD_UNTIL(world_is(rt, other, "succeeded"));
    WORLD_UNTIL(capped(ids, 5) == 3);
    assert_int_equal(mails(), 3);
    assert_true(world_get(rt, ids[4]).due_us >
                runtime_now_us(rt) + 23 * US_PER_H);
    world_forward(rt, 25 * US_PER_H);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(mails() == 5 && capped(ids, 5) == 1);
}

static void
exit_is_asked_before_a_late_send(void **state)
{
    (void)state;
    const char *fresh = world_action(rt, "email", "ada@a.example", "ada", NULL);
    start();
    WORLD_UNTIL(world_is(rt, fresh, "succeeded"));
    assert_int_equal(atomic_load(&rt->exit_calls), 0);
    dispatcher_stop(dispatcher, 1000);
    dispatcher = NULL;

    /* Its database is away: it waits. Then the run has exited: never. */
    const char *late = world_action(rt, "email", "bob@a.example", "bob", NULL);
    world_forward(rt, 61 * US_PER_S);
    atomic_store(&rt->exit_status, E_NET);
    start();
    WORLD_UNTIL(world_get(rt, late).last_error != NULL);
    assert_true(world_is(rt, late, "pending"));
    assert_int_equal(world_get(rt, late).attempts, 0);
    atomic_store(&rt->exit_status, OK);
    atomic_store(&rt->exited, true);
    world_forward(rt, US_PER_MIN);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, late, "skipped"));
    assert_string_equal(world_get(rt, late).verdict, "completed");
    assert_int_equal(mails(), 1);
}

/* ---- calls ---- */

static void
failed_webhook_is_repeated_under_its_key(void **state)
{
    (void)state;
    struct attempt_row *rows = NULL;

    atomic_store(&seen.flaky_failures, 1);
    start();
    const char *id =
        world_action(rt, "webhook", url(server, "/flaky"), "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_get(rt, id).attempts == 1);
    struct action_row row = world_get(rt, id);
    assert_string_equal(row.status, "pending");
    assert_non_null(strstr(row.last_error, "500"));
    assert_true(row.due_us > runtime_now_us(rt) + 2 * US_PER_S);
    world_forward(rt, 10 * US_PER_S);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "succeeded"));
    assert_int_equal(attempts(id, &rows), 2);
    assert_string_equal(rows[0].outcome, "retry");
    assert_int_equal(rows[0].code, 500);
    assert_string_equal(rows[1].outcome, "succeeded");
    assert_string_equal(seen.key[0], row.key);
    assert_string_equal(seen.key[1], row.key);
    assert_string_equal(seen.body[0], seen.body[1]);
}

static void
gone_is_failed_at_once(void **state)
{
    (void)state;
    start();
    const char *id =
        world_action(rt, "webhook", url(server, "/gone"), "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "failed"));
    assert_int_equal(world_get(rt, id).attempts, 1);
    assert_int_equal(atomic_load(&seen.calls), 1);
}

static void
last_try_fails_for_good(void **state)
{
    (void)state;
    atomic_store(&seen.flaky_failures, 100);
    const char *id =
        world_action(rt, "webhook", url(server, "/flaky"), "ada", NULL);
    struct action_row row = world_get(rt, id);
    row.attempts = 8; /* so many have failed before */
    WORLD_WRITE(rt, action_update(tx, &row, &err_));
    start();
    WORLD_UNTIL(world_is(rt, id, "failed"));
    assert_int_equal(world_get(rt, id).attempts, 9);
    assert_non_null(strstr(world_get(rt, id).last_error, "gave up after 9"));
}

static void
nobody_listens(void **state)
{
    (void)state;
    struct http_server *closed = receiver();
    const char *address = url(closed, "/x");

    http_server_stop(closed);
    start();
    const char *id = world_action(rt, "webhook", address, "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_get(rt, id).attempts == 1);
    assert_true(world_is(rt, id, "pending"));
}

static void
private_address_is_refused(void **state)
{
    (void)state;
    rt->config.allow_private_egress = false;
    start();
    const char *id =
        world_action(rt, "webhook", url(server, "/x"), "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "failed"));
    assert_int_equal(atomic_load(&seen.calls), 0);
}

static void
asked_pause_is_kept_for_the_host(void **state)
{
    (void)state;
    start();
    const char *first =
        world_action(rt, "webhook", url(server, "/busy"), "ada", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_get(rt, first).attempts == 1);
    assert_true(world_get(rt, first).due_us >
                runtime_now_us(rt) + 59 * US_PER_MIN);
    const char *second =
        world_action(rt, "webhook", url(server, "/busy"), "bob", NULL);
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_get(rt, second).due_us >
                runtime_now_us(rt) + 59 * US_PER_MIN);
    assert_int_equal(world_get(rt, second).attempts, 0);
    assert_int_equal(atomic_load(&seen.calls), 1);
}

static void
hanging_host_leaves_room(void **state)
{
    (void)state;
    struct http_server *other = receiver();

    for (int i = 0; i < 40; i++)
        (void)world_action(rt, "webhook", url(server, "/hang"),
                           arena_printf(rt->a, "u%d", i), NULL);
    start();
    WORLD_UNTIL(atomic_load(&seen.hung) == 8);
    const char *id =
        world_action(rt, "webhook", url(other, "/ok"), "ada", NULL);
    int64_t began_us = clock_mono_us();
    dispatcher_wake(dispatcher);
    WORLD_UNTIL(world_is(rt, id, "succeeded"));
    assert_true(clock_mono_us() - began_us < 2 * US_PER_S);
    assert_int_equal(atomic_load(&seen.hung), 8);
    /* Stopping does not wait for them, and they stay to be sent. */
    began_us = clock_mono_us();
    dispatcher_stop(dispatcher, 50);
    dispatcher = NULL;
    assert_true(clock_mono_us() - began_us < 5 * US_PER_S);
    struct store_counts counts = {0};
    WORLD_READ(rt, store_counts(tx, rt->workspace.id, &counts, &err_));
    assert_int_equal(counts.actions_pending, 40);
    http_server_stop(other);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(mail_reaches_the_inbox),
        T(many_mails_once_each),
        T(template_is_missing),
        T(template_does_not_fit_the_row),
        T(unknown_kind_fails),
        T(track_is_stored_and_sent_on),
        T(suppressed_is_skipped),
        T(quiet_hours_wait),
        T(cap_counts_what_is_on_its_way),
        T(exit_is_asked_before_a_late_send),
        T(failed_webhook_is_repeated_under_its_key),
        T(gone_is_failed_at_once),
        T(last_try_fails_for_good),
        T(nobody_listens),
        T(private_address_is_refused),
        T(asked_pause_is_kept_for_the_host),
        T(hanging_host_leaves_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
