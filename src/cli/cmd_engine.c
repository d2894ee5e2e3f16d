/* features export, features import, workspace. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "codec/time.h"

enum { FILE_MAX_BYTES = 4 * 1024 * 1024 };

enum status
cmd_export(struct cli *cli, struct error *err)
{
    const char *out = opt_text(cli, "out");
    struct api_reply reply;
    enum status rc = api_get(
        cli, cli->json ? "/api/v1/engine?format=json" : "/api/v1/engine",
        &reply, err);

    if (rc != OK)
        return rc;
    if (out)
        return file_write(out, reply.body, err);
    if (cli->json)
        out_json(cli, reply.json);
    else
        (void)fwrite(reply.body, 1, reply.n, stdout);
    return OK;
}

enum status
cmd_import(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "KEY", .key = "key"},
        {.title = "CHANGE", .key = "change"},
    };
    const char *text = NULL;
    struct api_reply reply;
    size_t n = 0;
    enum status rc =
        file_read(cli->a, cli->args[0], FILE_MAX_BYTES, &text, &n, err);

    if (rc != OK)
        return rc;
    struct payload body = {.type = "application/yaml", .bytes = text, .n = n};
    rc = api_call(cli, "PUT",
                  opt_flag(cli, "check") ? "/api/v1/engine?dry=true"
                                         : "/api/v1/engine",
                  &body, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    out_table(cli, json_get(reply.json, "features"), columns, 2, "no features");
    out_table(cli, json_get(reply.json, "messages"), columns, 2, "no messages");
    const struct json *missing = json_get(reply.json, "missing_connections");
    for (uint32_t i = 0; json_is(missing, JSON_ARRAY) && i < missing->n; i++)
        note(cli, "connection %s is not set up here: skene connections set",
             json_str(missing->items[i], ""));
    return OK;
}

/* "3/P7D" */
static enum status
cap_parse(struct cli *cli, const char *text, struct json **out,
          struct error *err)
{
    const char *slash = strchr(text, '/');
    int64_t count = 0, per_us = 0;

    *out = json_null(cli->a);
    if (strcmp(text, "none") == 0)
        return OK;
    for (const char *c = text; slash && c < slash && count < 1000000; c++)
        count = *c >= '0' && *c <= '9' ? count * 10 + (*c - '0') : 1000001;
    if (!slash || count < 1 || count > 1000000 ||
        duration_parse(slash + 1, &per_us, NULL) != OK)
        return usage_fail(cli, err, "--cap is like 3/P7D, or none");
    *out = json_put(cli->a, json_object(cli->a), "count",
                    json_integer(cli->a, count));
    *out = json_put(cli->a, *out, "per", json_string(cli->a, slash + 1));
    return OK;
}

static enum status
workspace_body(struct cli *cli, struct json **out, struct error *err)
{
    const char *cap = opt_text(cli, "cap");
    const char *holdout = opt_text(cli, "holdout");
    struct json *body = json_object(cli->a), *v = NULL;
    enum status rc = OK;

    *out = NULL;
    if (!cap && !holdout)
        return OK;
    if (cap) {
        rc = cap_parse(cli, cap, &v, err);
        body = json_put(cli->a, body, "cap", v);
    }
    if (rc == OK && holdout) {
        v = json_null(cli->a);
        if (strcmp(holdout, "none") != 0 &&
            json_parse(cli->a, holdout, strlen(holdout), 64, &v, err) != OK)
            return usage_fail(cli, err, "--holdout is like 0.05, or none");
        body = json_put(cli->a, body, "holdout", v);
    }
    *out = body;
    return rc;
}

enum status
cmd_workspace(struct cli *cli, struct error *err)
{
    static const char *const shown[] = {"slug", "name", "cap", "holdout"};
    struct json *body = NULL;
    struct api_reply reply;
    enum status rc = workspace_body(cli, &body, err);

    if (rc == OK && body) {
        const char *text = json_text(cli->a, body);
        struct payload p = {.type = "application/json",
                            .bytes = text,
                            .n = text ? strlen(text) : 0};
        rc = text ? api_call(cli, "PUT", "/api/v1/workspace", &p, &reply, err)
                  : fail(err, E_NOMEM, "body");
    } else if (rc == OK) {
        rc = api_get(cli, "/api/v1/workspace", &reply, err);
    }
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct json *v = json_get(reply.json, shown[i]);
        const char *text = json_plain(cli->a, v);
        (void)printf("%-8s ", shown[i]);
        out_text(stdout, text ? text : "none");
        (void)fputc('\n', stdout);
    }
    return OK;
}
