/* deploy and drift. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
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
plan_get(struct cli *cli, bool sql, bool migrations, struct api_reply *reply,
         struct error *err)
{
    struct query q = query_new("/api/v1/deployments/plan");

    query_add(&q, "integration", opt_text(cli, "integration"));
    query_add(&q, "also", opt_text(cli, "also"));
    query_add(&q, "sql", sql ? "true" : NULL);
    query_add(&q, "migrations", migrations ? "true" : NULL);
    enum status rc = api_get(cli, q.text.data, reply, err);
    buf_free(&q.text);
    return rc;
}

enum status
file_write(const char *path, const char *text, struct error *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(path, "wx");

    if (!out && errno == EEXIST)
        (void)error_hint(err, "name a file that is not there yet");
    if (!out)
        return fail(err, errno == EEXIST ? E_CONFLICT : E_IO,
                    "cannot write %s: %s", path, strerrordesc_np(errno));
    bool ok = fputs(text, out) >= 0;
    if (!to_stdout)
        ok = fclose(out) == 0 && ok;
    return ok ? OK : fail(err, E_IO, "cannot write %s", path);
}

static const char schema_file[] = "20260201000000_skene_growth_schema.sql";

/* "<dir>/<YYYYmmddHHMMSS>_<name>.sql", seconds from now. */
static const char *
migration_path(struct cli *cli, const char *dir, const char *name, int seconds)
{
    time_t at = time(NULL) + seconds;
    struct tm tm;
    char stamp[16];

    if (!gmtime_r(&at, &tm) ||
        strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm) == 0)
        return NULL;
    return arena_printf(cli->a, "%s/%s_%s.sql", dir, stamp, name);
}

/* The published layout: the schema once under its own stamp, what changes it
 * later and the triggers under the time of writing. */
static enum status
directory_write(struct cli *cli, const char *dir, const struct json *migrations,
                struct error *err)
{
    const char *schema = json_get_str(migrations, "schema", NULL);
    const char *triggers = json_get_str(migrations, "triggers", NULL);
    const char *path = arena_printf(cli->a, "%s/%s", dir, schema_file);
    enum status rc = OK;

    if (!schema && !triggers)
        note(cli, "nothing to write: the database is as wanted");
    if (schema && path && access(path, F_OK) == 0)
        path = migration_path(cli, dir, "skene_growth_schema", 0);
    if (schema)
        rc = path ? file_write(path, schema, err)
                  : fail(err, E_NOMEM, "migration");
    if (schema && rc == OK)
        (void)printf("%s\n", path);
    if (!triggers || rc != OK)
        return rc;
    path = migration_path(cli, dir, "skene_triggers", 1);
    rc = path ? file_write(path, triggers, err)
              : fail(err, E_NOMEM, "migration");
    if (rc == OK)
        (void)printf("%s\n", path);
    return rc;
}

static enum status
sql_write(struct cli *cli, const char *path, const struct json *plan,
          struct error *err)
{
    const struct json *migrations = json_get(plan, "migrations");
    const char *all = json_get_str(migrations, "all", NULL);
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return directory_write(cli, path, migrations, err);
    if (path[0] && path[strlen(path) - 1] == '/')
        return fail(err, E_NOTFOUND, "there is no directory %s", path);
    if (!all) {
        note(cli, "nothing to write: the database is as wanted");
        return OK;
    }
    return file_write(path, all, err);
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
    enum status rc = plan_get(cli, cli->verbose || plan_only, out, &plan, err);
    if (rc != OK)
        return rc;
    if (out)
        return sql_write(cli, out, plan.json, err);
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
