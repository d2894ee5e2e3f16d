/* simulate, backtest, why-not. */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/explain.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

/* KEY names a stored feature; a file is a document in its place. */
static enum status
feature_or_file(struct cli *cli, const char *what, struct json *body,
                const char **path, struct error *err)
{
    const char *name = cli->args[0], *text = NULL;
    bool file = strcmp(name, "-") == 0 || strpbrk(name, "/.");
    size_t n = 0;

    if (!file) {
        *path =
            path_with(cli, "features", name, arena_printf(cli->a, "/%s", what));
        return *path ? OK : fail(err, E_NOMEM, "path");
    }
    enum status rc = file_read(cli->a, name, FILE_MAX_BYTES, &text, &n, err);
    if (rc != OK)
        return rc;
    *path = arena_printf(cli->a, "/api/v1/%s", what);
    return *path && json_put(cli->a, body, "document",
                             json_string_n(cli->a, text, n))
               ? OK
               : fail(err, E_NOMEM, "document");
}

static void
put_text(struct cli *cli, struct json *body, const char *option)
{
    const char *v = opt_text(cli, option);

    if (v)
        (void)json_put(cli->a, body, option, json_string(cli->a, v));
}

static void
put_int(struct cli *cli, struct json *body, const char *option)
{
    int64_t v = opt_int(cli, option, 0);

    if (v)
        (void)json_put(cli->a, body, option, json_integer(cli->a, v));
}

/* JSON on the command line, or in a file as @FILE. */
static enum status
put_json(struct cli *cli, struct json *body, const char *option,
         struct error *err)
{
    const char *text = opt_text(cli, option);
    struct json *v = NULL;
    size_t n = text ? strlen(text) : 0;
    enum status rc = OK;

    if (!text)
        return OK;
    if (*text == '@')
        rc = file_read(cli->a, text + 1, FILE_MAX_BYTES, &text, &n, err);
    if (rc == OK)
        rc = json_parse(cli->a, text, n, FILE_MAX_BYTES, &v, err);
    if (rc == OK && !json_is(v, JSON_OBJECT))
        rc = fail(err, E_INPUT, "an object of columns is needed");
    if (rc != OK)
        return error_wrap(err, "--%s", option);
    return json_put(cli->a, body, option, v) ? OK : fail(err, E_NOMEM, "body");
}

typedef void print_fn(struct buf *out, const struct json *answer, bool color);

static enum status
print(struct cli *cli, const struct json *answer, print_fn *words,
      struct error *err)
{
    AUTO_BUF text = buf_new((size_t)4 * 1024 * 1024);

    if (cli->json) {
        out_json(cli, answer);
        return OK;
    }
    words(&text, answer, cli->color);
    (void)fwrite(text.data, 1, text.len, stdout);
    return buf_check(&text, "answer", err);
}

enum status
cmd_simulate(struct cli *cli, struct error *err)
{
    static const char *const texts[] = {"event", "row", "at", "for"};
    struct json *body = json_object(cli->a);
    const char *path = NULL;
    struct api_reply reply;

    if (!opt_text(cli, "event") && !opt_text(cli, "row") &&
        !opt_text(cli, "record"))
        return usage_fail(cli, err,
                          "give --event ID, --row KEY or --record JSON");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        put_text(cli, body, texts[i]);
    enum status rc = put_json(cli, body, "record", err);
    if (rc == OK)
        rc = put_json(cli, body, "old", err);
    if (rc == OK)
        rc = feature_or_file(cli, "simulate", body, &path, err);
    if (rc == OK)
        rc = api_post(cli, path, body, &reply, err);
    return rc == OK ? print(cli, reply.json, simulation_text, err) : rc;
}

static enum status
compare_put(struct cli *cli, struct json *body, struct error *err)
{
    const char *with = opt_text(cli, "compare"), *text = NULL;
    struct json *o = json_object(cli->a);
    size_t n = 0, digits = with ? strspn(with, "0123456789") : 0;

    if (!with)
        return OK;
    if (digits && with[digits] == '\0' && digits < 10) {
        int64_t v = 0;
        for (size_t i = 0; i < digits; i++)
            v = v * 10 + (with[i] - '0');
        o = json_put(cli->a, o, "version", json_integer(cli->a, v));
    } else {
        enum status rc =
            file_read(cli->a, with, FILE_MAX_BYTES, &text, &n, err);
        if (rc != OK)
            return rc;
        o = json_put(cli->a, o, "document", json_string_n(cli->a, text, n));
    }
    return json_put(cli->a, body, "compare", o) ? OK
                                                : fail(err, E_NOMEM, "body");
}

enum status
cmd_backtest(struct cli *cli, struct error *err)
{
    static const char *const texts[] = {"since", "until", "source"};
    static const char *const ints[] = {"limit", "version", "decisions"};
    struct json *body = json_object(cli->a);
    const char *path = NULL;
    struct api_reply reply;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        put_text(cli, body, texts[i]);
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
        put_int(cli, body, ints[i]);
    enum status rc = compare_put(cli, body, err);
    if (rc == OK)
        rc = feature_or_file(cli, "backtest", body, &path, err);
    if (rc == OK)
        rc = api_post(cli, path, body, &reply, err);
    return rc == OK ? print(cli, reply.json, backtest_text, err) : rc;
}

enum status
cmd_why_not(struct cli *cli, struct error *err)
{
    struct query q =
        query_new(path_with(cli, "subjects", cli->args[0], "/why-not"));
    struct api_reply reply;

    query_add(&q, "feature", cli->args[1]);
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    return rc == OK ? print(cli, reply.json, why_not_text, err) : rc;
}
