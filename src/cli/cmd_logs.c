/* logs: events with verdict chips; -f: decisions as they are made. */
#include <poll.h>
#include <string.h>

#include "base/id.h"
#include "cli/command.h"

static const char *const filters[] = {"feature", "type", "verdict", "subject",
                                      "since"};

static void
filters_add(struct cli *cli, struct query *q)
{
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        query_add(q, filters[i], opt_text(cli, filters[i]));
    query_add(q, "limit", opt_text(cli, "limit"));
}

/* "welcome entered" chips, and "skipped 3" for what did not act. */
static void
chips(struct cli *cli, const struct json *decisions)
{
    unsigned skipped = 0;

    for (uint32_t i = 0; decisions && i < decisions->n; i++) {
        const struct json *d = decisions->items[i];
        const char *verdict = json_get_str(d, "verdict", "");
        enum tone tone = verdict_tone(verdict);
        if (tone == TONE_SOFT && !cli->verbose) {
            skipped++;
            continue;
        }
        (void)fputs("  ", stdout);
        out_text(stdout, json_get_str(d, "feature", "?"));
        (void)fputc(' ', stdout);
        out_tone(cli, stdout, tone, verdict);
    }
    if (skipped) {
        char text[32];
        (void)snprintf(text, sizeof(text), "  skipped %u", skipped);
        out_tone(cli, stdout, TONE_SOFT, text);
    }
}

static const char *
subject_of(const struct json *event)
{
    const struct json *decisions = json_get(event, "decisions");

    for (uint32_t i = 0; decisions && i < decisions->n; i++) {
        const char *s = json_get_str(decisions->items[i], "subject", NULL);
        if (s)
            return s;
    }
    return json_get_str(event, "key", "");
}

static void
event_line(struct cli *cli, const struct json *event)
{
    out_tone(cli, stdout, TONE_SOFT,
             time_short(cli->a, json_get_str(event, "occurred_at", NULL)));
    (void)fputs("  ", stdout);
    out_text(stdout, json_get_str(event, "id", ""));
    (void)fputs("  ", stdout);
    out_text(stdout, json_get_str(event, "type", ""));
    (void)fputs("  ", stdout);
    out_text(stdout, subject_of(event));
    chips(cli, json_get(event, "decisions"));
    (void)fputc('\n', stdout);
}

static void
decision_line(struct cli *cli, const struct json *d)
{
    const char *verdict = json_get_str(d, "verdict", "");

    out_tone(cli, stdout, TONE_SOFT,
             time_short(cli->a, json_get_str(d, "at", NULL)));
    (void)fputs("  ", stdout);
    out_text(stdout, json_get_str(d, "event_id", "timer"));
    (void)fputs("  ", stdout);
    out_text(stdout, json_get_str(d, "subject", "-"));
    (void)fputs("  ", stdout);
    out_text(stdout, json_get_str(d, "feature", "?"));
    (void)fputc(' ', stdout);
    out_tone(cli, stdout, verdict_tone(verdict), verdict);
    (void)fputc('\n', stdout);
}

/* The stream carries everything; the filters of the call are applied here. */
static bool
wanted(struct cli *cli, const struct json *d)
{
    static const char *const members[] = {"feature", "verdict", "subject"};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *want = opt_text(cli, members[i]);
        if (want && strcmp(want, json_get_str(d, members[i], "")) != 0)
            return false;
    }
    return true;
}

enum { SEEN_MAX = 256, RETRY_MS = 1000 };

/* Ids shown lately: around a reconnect a line may come twice. */
struct tail {
    char seen[SEEN_MAX][ID_TEXT_BYTES];
    unsigned n;
};

static bool
tail_add(struct tail *t, const char *id)
{
    for (unsigned i = 0; i < SEEN_MAX; i++)
        if (strcmp(t->seen[i], id) == 0)
            return false;
    (void)snprintf(t->seen[t->n++ % SEEN_MAX], ID_TEXT_BYTES, "%s", id);
    return true;
}

static const char *
tail_last(const struct tail *t)
{
    return t->n ? t->seen[(t->n - 1) % SEEN_MAX] : NULL;
}

static bool
streamed(struct cli *cli, const char *event, const char *data, void *user)
{
    struct tail *t = user;
    AUTO_ARENA a = arena_new((size_t)1024 * 1024);
    struct json *d = NULL;

    if (!a || strcmp(event, "decision") != 0 ||
        json_parse(a, data, strlen(data), (size_t)512 * 1024, &d, NULL) != OK)
        return true;
    if (!tail_add(t, json_get_str(d, "id", "")) || !wanted(cli, d))
        return true;
    if (cli->json)
        (void)printf("%s\n", data);
    else {
        struct arena *whole = cli->a; /* a line's memory ends with it */
        cli->a = a;
        decision_line(cli, d);
        cli->a = whole;
    }
    return fflush(stdout) == 0;
}

static enum status
show_last(struct cli *cli, struct tail *t, struct error *err)
{
    struct query q = query_new("/api/v1/decisions");
    struct api_reply reply;

    filters_add(cli, &q);
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    const struct json *list = json_get(reply.json, "data");
    for (uint32_t i = list ? list->n : 0; i-- > 0;) {
        const char *line = json_text(cli->a, list->items[i]);
        (void)tail_add(t, json_get_str(list->items[i], "id", ""));
        if (cli->json)
            (void)printf("%s\n", line ? line : "{}");
        else
            decision_line(cli, list->items[i]);
    }
    return fflush(stdout) == 0 ? OK : fail(err, E_IO, "cannot write");
}

/* Follows for ever; a server that went away is waited for. */
static enum status
follow(struct cli *cli, struct error *err)
{
    struct tail t = {.n = 0};
    enum status rc = show_last(cli, &t, err);

    for (bool told = false; rc == OK || rc == E_NET; told = true) {
        char path[96];
        const char *last = tail_last(&t);
        (void)snprintf(path, sizeof(path), "/api/v1/stream%s%s",
                       last ? "?after=" : "", last ? last : "");
        if (told)
            (void)poll(NULL, 0, RETRY_MS);
        rc = api_follow(cli, path, streamed, &t, err);
        if (ferror(stdout))
            return fail(err, E_IO, "cannot write");
        if (!told)
            note(cli, "skene: the server is gone; waiting for it");
    }
    return rc;
}

enum status
cmd_logs(struct cli *cli, struct error *err)
{
    struct query q = query_new("/api/v1/events");
    struct api_reply reply;

    if (opt_flag(cli, "follow"))
        return follow(cli, err);
    filters_add(cli, &q);
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    const struct json *list = json_get(reply.json, "data");
    if (!list || list->n == 0)
        note(cli, "no events match");
    for (uint32_t i = list ? list->n : 0; i-- > 0;) /* newest last */
        event_line(cli, list->items[i]);
    return OK;
}
