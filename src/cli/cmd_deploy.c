/* deploy and drift. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

enum status
confirm(struct cli *cli, const char *question, struct error *err)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        cli->usage = true;
        (void)error_hint(err, "add --yes");
        return fail(err, E_INPUT, "there is no terminal to ask on");
    }
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) &&
        (answer[0] == 'y' || answer[0] == 'Y'))
        return OK;
    return fail(err, E_CONFLICT, "nothing was done");
}

static enum status
plan_get(struct cli *cli, bool sql, struct api_reply *reply, struct error *err)
{
    struct query q = query_new("/api/v1/deployments/plan");

    query_add(&q, "integration", opt_text(cli, "integration"));
    query_add(&q, "also", opt_text(cli, "also"));
    query_add(&q, "sql", sql ? "true" : NULL);
    enum status rc = api_get(cli, q.text.data, reply, err);
    buf_free(&q.text);
    return rc;
}

/* The statements of the steps that change something, to be run by hand. */
static enum status
sql_write(const char *path, const struct json *plan, struct error *err)
{
    const struct json *steps = json_get(plan, "steps");
    AUTO_BUF text = buf_new((size_t)8 * 1024 * 1024);

    buf_puts(&text, "begin;\nset local lock_timeout = '2s';\n");
    for (uint32_t i = 0; json_is(steps, JSON_ARRAY) && i < steps->n; i++) {
        const char *sql = json_get_str(steps->items[i], "sql", NULL);
        if (strcmp(json_get_str(steps->items[i], "action", ""), "keep") == 0 ||
            !sql)
            continue;
        size_t n = strlen(sql);
        while (n && strchr("; \n", sql[n - 1]))
            n--;
        buf_printf(&text, "\n%.*s;\n", (int)n, sql);
    }
    buf_puts(&text, "\ncommit;\n");
    enum status rc = buf_check(&text, "SQL", err);
    if (rc != OK)
        return rc;
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!out)
        return fail(err, E_IO, "cannot write %s: %s", path,
                    strerrordesc_np(errno));
    bool ok = fwrite(text.data, 1, text.len, out) == text.len;
    if (out != stdout)
        ok = fclose(out) == 0 && ok;
    return ok ? OK : fail(err, E_IO, "cannot write %s", path);
}

static int64_t
changes_of(const struct json *plan)
{
    return json_int(json_get(plan, "changes"), 0);
}

static enum status
apply(struct cli *cli, struct error *err)
{
    struct query q = query_new("/api/v1/deployments");
    struct api_reply reply;

    query_add(&q, "integration", opt_text(cli, "integration"));
    enum status rc = api_post(cli, q.text.data, NULL, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        (void)printf("deployed: %lld changes\n",
                     (long long)changes_of(reply.json));
    return OK;
}

enum status
cmd_deploy(struct cli *cli, struct error *err)
{
    const char *out = opt_text(cli, "out");
    bool plan_only = opt_flag(cli, "plan"), yes = opt_flag(cli, "yes");
    struct api_reply plan;

    if (yes && !plan_only && !out)
        return apply(cli, err);
    enum status rc = plan_get(cli, cli->verbose || plan_only, &plan, err);
    if (rc != OK)
        return rc;
    if (out)
        return sql_write(out, plan.json, err);
    if (plan_only && cli->json) {
        out_json(cli, plan.json);
        return OK;
    }
    out_text(plan_only ? stdout : stderr, json_get_str(plan.json, "text", ""));
    if (plan_only || changes_of(plan.json) == 0)
        return OK;
    rc = confirm(cli, "Apply this plan?", err);
    return rc == OK ? apply(cli, err) : rc;
}

enum status
cmd_drift(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "FOUND", .key = "found", .tone = status_tone},
        {.title = "KIND", .key = "kind"},
        {.title = "NAME", .key = "name"},
        {.title = "ON", .key = "on"},
    };
    struct query q = query_new("/api/v1/drift");
    struct api_reply reply;

    query_add(&q, "integration", opt_text(cli, "integration"));
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (json_bool(json_get(reply.json, "drift"), false))
        cli->findings = EXIT_FINDINGS;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, json_get(reply.json, "data"), columns,
                  sizeof(columns) / sizeof(columns[0]),
                  "no drift: the database is as deployed");
    return OK;
}
