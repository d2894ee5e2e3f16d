/* explain, journey, actions, inbox. */
#include <string.h>

#include "cli/command.h"
#include "core/explain.h"

static const struct table_column action_columns[] = {
    {.title = "CREATED", .key = "created_at", .is_time = true},
    {.title = "KIND", .key = "kind"},
    {.title = "STATUS", .key = "status", .tone = status_tone},
    {.title = "TRIES", .key = "attempts", .right = true},
    {.title = "FEATURE", .key = "feature"},
    {.title = "SUBJECT", .key = "subject"},
    {.title = "ID", .key = "id"},
    {.title = "ERROR", .key = "last_error"},
};
enum { ACTION_COLUMNS = sizeof(action_columns) / sizeof(action_columns[0]) };

enum status
cmd_explain(struct cli *cli, struct error *err)
{
    AUTO_BUF text = buf_new((size_t)4 * 1024 * 1024);
    struct query q =
        query_new(path_with(cli, "events", cli->args[0], "/explain"));
    struct api_reply reply;

    query_add(&q, "feature", cli->n_args > 1 ? cli->args[1] : NULL);
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    explain_text(&text, reply.json, cli->color);
    rc = buf_check(&text, "explanation", err);
    /* The text was made from values that explain_text() has cleaned. */
    (void)fwrite(text.data, 1, text.len, stdout);
    return rc;
}

enum status
cmd_journey(struct cli *cli, struct error *err)
{
    static const struct table_column runs[] = {
        {.title = "ENTERED", .key = "entered_at", .is_time = true},
        {.title = "FEATURE", .key = "feature"},
        {.title = "STATE", .key = "state"},
        {.title = "STATUS", .key = "status", .tone = status_tone},
        {.title = "DUE", .key = "due_at", .is_time = true},
    };
    static const struct table_column decisions[] = {
        {.title = "AT", .key = "at", .is_time = true},
        {.title = "FEATURE", .key = "feature"},
        {.title = "VERDICT", .key = "verdict", .tone = verdict_tone},
        {.title = "EVENT", .key = "event_id"},
    };
    struct query q =
        query_new(path_with(cli, "subjects", cli->args[0], "/timeline"));
    struct api_reply reply;

    query_add(&q, "limit", opt_text(cli, "limit"));
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    out_text(stdout, cli->args[0]);
    (void)fputs("  stage ", stdout);
    out_text(stdout, json_get_str(reply.json, "stage", "none"));
    (void)fputs("\n\n", stdout);
    out_table(cli, json_get(reply.json, "runs"), runs,
              sizeof(runs) / sizeof(runs[0]), "no runs");
    (void)fputc('\n', stdout);
    out_table(cli, json_get(reply.json, "actions"), action_columns,
              ACTION_COLUMNS, "no actions");
    (void)fputc('\n', stdout);
    out_table(cli, json_get(reply.json, "decisions"), decisions,
              sizeof(decisions) / sizeof(decisions[0]), "no decisions");
    return OK;
}

static enum status
actions_list_print(struct cli *cli, const char *status, bool *any,
                   struct error *err)
{
    struct query q = query_new("/api/v1/actions");
    struct api_reply reply;

    query_add(&q, "status", status);
    query_add(&q, "limit", opt_text(cli, "limit"));
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    const struct json *list = json_get(reply.json, "data");
    *any = list && list->n > 0;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, list, action_columns, ACTION_COLUMNS, "no actions");
    return OK;
}

enum status
cmd_actions(struct cli *cli, struct error *err)
{
    bool any = false;

    return actions_list_print(cli, opt_text(cli, "status"), &any, err);
}

enum status
cmd_actions_failed(struct cli *cli, struct error *err)
{
    bool any = false;
    enum status rc = actions_list_print(cli, "failed", &any, err);

    cli->findings = any ? EXIT_FINDINGS : 0;
    return rc;
}

static enum status
retry_all(struct cli *cli, struct error *err)
{
    const char *feature = opt_text(cli, "feature");
    struct json *body = json_object(cli->a);
    struct api_reply reply;

    if (feature)
        body = json_put(cli->a, body, "feature", json_string(cli->a, feature));
    enum status rc = api_post(cli, "/api/v1/actions/retry", body, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        (void)printf("%lld actions put back\n",
                     (long long)json_int(json_get(reply.json, "put_back"), 0));
    return OK;
}

enum status
cmd_actions_retry(struct cli *cli, struct error *err)
{
    struct api_reply reply;

    if (strcmp(cli->args[0], "all") == 0)
        return retry_all(cli, err);
    enum status rc =
        api_post(cli, path_with(cli, "actions", cli->args[0], "/retry"), NULL,
                 &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        note(cli, "back in the queue: %s", cli->args[0]);
    return OK;
}

static void
mail_print(const struct json *m)
{
    static const char *const shown[] = {"from", "to", "subject", "at"};
    const struct json *headers = json_get(m, "headers");

    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        (void)printf("%s: ", shown[i]);
        out_text(stdout, json_get_str(m, shown[i], ""));
        (void)fputc('\n', stdout);
    }
    for (uint32_t i = 0; json_is(headers, JSON_OBJECT) && i < headers->n; i++) {
        out_text(stdout, headers->members[i].key);
        (void)fputs(": ", stdout);
        out_text(stdout, json_str(headers->members[i].value, ""));
        (void)fputc('\n', stdout);
    }
    (void)fputc('\n', stdout);
    out_text(stdout, json_get_str(m, "text", ""));
    (void)fputc('\n', stdout);
}

enum status
cmd_inbox(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "AT", .key = "at", .is_time = true},
        {.title = "TO", .key = "to"},
        {.title = "SUBJECT", .key = "subject"},
        {.title = "ID", .key = "id"},
    };
    struct query q = query_new("/api/v1/inbox");
    struct api_reply reply;

    query_add(&q, "limit", opt_text(cli, "limit"));
    enum status rc = api_get(
        cli,
        cli->n_args ? path_with(cli, "inbox", cli->args[0], "") : q.text.data,
        &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else if (cli->n_args)
        mail_print(reply.json);
    else
        out_table(cli, json_get(reply.json, "data"), columns,
                  sizeof(columns) / sizeof(columns[0]), "no mails");
    return OK;
}
