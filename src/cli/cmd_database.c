/* Connected databases: connect, list, introspect, disconnect. */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "target/sql_files.h"

enum { URL_MAX_BYTES = 8192, FROM_MAX = 16 };

enum status
cmd_connect(struct cli *cli, struct error *err)
{
    const char *url = cli->args[0];
    const char *name = opt_text(cli, "name");
    const char *transport = opt_text(cli, "transport");
    struct api_reply reply;
    struct arena *a = cli->a;
    size_t n = 0;

    if (strcmp(url, "-") == 0) {
        enum status rc = file_read(a, "-", URL_MAX_BYTES, &url, &n, err);
        if (rc != OK)
            return rc;
        url = arena_strndup(a, url, strcspn(url, "\r\n"));
        if (!url)
            return fail(err, E_NOMEM, "URL");
    }
    struct json *body = json_object(a);
    json_put(a, body, "url", json_string(a, url));
    json_put(a, body, "access_mode",
             json_string(a, opt_flag(cli, "read-only") ? "read_only"
                                                       : "read_write"));
    if (name)
        json_put(a, body, "name", json_string(a, name));
    if (transport)
        json_put(a, body, "transport", json_string(a, transport));
    enum status rc = api_post(cli, "/api/v1/integrations", body, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    (void)fputs("connected ", stdout);
    out_text(stdout, json_get_str(reply.json, "name", ""));
    (void)fputs("\ningest secret (shown once): ", stdout);
    out_text(stdout, json_get_str(reply.json, "secret", ""));
    (void)fputc('\n', stdout);
    note(cli, "next: skene feature new --template welcome-email-drip");
    return OK;
}

enum status
cmd_integrations(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "NAME", .key = "name"},
        {.title = "STATUS", .key = "status", .tone = status_tone},
        {.title = "ACCESS", .key = "access_mode"},
        {.title = "TRANSPORT", .key = "transport"},
        {.title = "DEPLOYED", .key = "deployed"},
        {.title = "ID", .key = "id"},
    };
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/integrations", &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, json_get(reply.json, "data"), columns,
                  sizeof(columns) / sizeof(columns[0]),
                  "no database yet: skene connect postgres://…");
    return OK;
}

enum status
integration_id(struct cli *cli, const char *name, const char **id,
               struct error *err)
{
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/integrations", &reply, err);

    if (rc != OK)
        return rc;
    const struct json *list = json_get(reply.json, "data");
    uint32_t n = json_is(list, JSON_ARRAY) ? list->n : 0, connected = 0;
    *id = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct json *in = list->items[i];
        bool live = strcmp(json_get_str(in, "status", ""), "connected") == 0;
        if (name ? strcmp(json_get_str(in, "name", ""), name) != 0 &&
                       strcmp(json_get_str(in, "id", ""), name) != 0
                 : !live)
            continue;
        *id = json_get_str(in, "id", NULL);
        connected++;
    }
    if (*id && connected == 1)
        return OK;
    (void)error_hint(err, "skene integrations lists them");
    if (!*id && name)
        return fail(err, E_NOTFOUND, "there is no database named '%s'", name);
    if (!*id)
        return fail(err, E_NOTFOUND, "no database is connected");
    return fail(err, E_INPUT, "%u databases are connected: name one",
                connected);
}

enum status
cmd_rotate(struct cli *cli, struct error *err)
{
    const char *id = NULL;
    struct api_reply reply;
    enum status rc =
        integration_id(cli, cli->n_args ? cli->args[0] : NULL, &id, err);

    if (rc == OK)
        rc = api_post(cli, path_with(cli, "integrations", id, "/secret/rotate"),
                      NULL, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    out_text(stdout, json_get_str(reply.json, "secret", ""));
    (void)fputc('\n', stdout);
    return OK;
}

static void
schema_print(const struct json *tables)
{
    for (uint32_t i = 0; json_is(tables, JSON_ARRAY) && i < tables->n; i++) {
        const struct json *t = tables->items[i];
        const struct json *columns = json_get(t, "columns");
        if (i)
            (void)fputc('\n', stdout);
        out_text(stdout, json_get_str(t, "schema", ""));
        (void)fputc('.', stdout);
        out_text(stdout, json_get_str(t, "name", ""));
        (void)fputc('\n', stdout);
        for (uint32_t k = 0; columns && k < columns->n; k++) {
            const struct json *c = columns->items[k];
            (void)fputs("  ", stdout);
            out_text(stdout, json_get_str(c, "name", ""));
            (void)fputs("  ", stdout);
            out_text(stdout, json_get_str(c, "type", ""));
            (void)fputs(json_bool(json_get(c, "not_null"), false)
                            ? " not null\n"
                            : "\n",
                        stdout);
        }
    }
}

/* One path, or several with commas between them. */
static enum status
schema_from(struct cli *cli, const char *from, struct error *err)
{
    const char *paths[FROM_MAX];
    struct catalog *c = NULL;
    size_t n = 0;

    if (opt_text(cli, "integration") || opt_flag(cli, "refresh"))
        return usage_fail(cli, err,
                          "--from reads files: no --integration, no --refresh");
    while (*from) {
        size_t length = strcspn(from, ",");
        if (length && n == FROM_MAX)
            return usage_fail(cli, err, "--from takes %d paths at most",
                              FROM_MAX);
        if (length && !(paths[n++] = arena_strndup(cli->a, from, length)))
            return fail(err, E_NOMEM, "paths");
        from += length + (from[length] == ',');
    }
    if (!n)
        return usage_fail(cli, err, "--from needs a file or a directory");
    enum status rc = catalog_from_sql(cli->a, paths, n, &c, err);
    struct json *j = rc == OK ? catalog_to_json(cli->a, c) : NULL;
    if (rc != OK || !j)
        return rc != OK ? rc : fail(err, E_NOMEM, "catalogue");
    if (cli->json)
        out_json(cli, j);
    else
        schema_print(json_get(j, "tables"));
    for (size_t i = 0; !cli->json && c->notes && c->notes[i]; i++)
        note(cli, "%s", c->notes[i]);
    return OK;
}

enum status
cmd_schema(struct cli *cli, struct error *err)
{
    const char *id = NULL, *from = opt_text(cli, "from");
    struct api_reply reply;

    if (from)
        return schema_from(cli, from, err);
    enum status rc =
        integration_id(cli, opt_text(cli, "integration"), &id, err);

    if (rc == OK)
        rc = api_get(cli,
                     path_with(cli, "integrations", id,
                               opt_flag(cli, "refresh") ? "/schema?refresh=true"
                                                        : "/schema"),
                     &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        schema_print(json_get(reply.json, "tables"));
    return OK;
}

enum status
cmd_disconnect(struct cli *cli, struct error *err)
{
    const char *id = NULL;
    bool drop = opt_flag(cli, "drop");
    struct api_reply reply;
    enum status rc =
        integration_id(cli, cli->n_args ? cli->args[0] : NULL, &id, err);

    if (rc == OK && drop && !opt_flag(cli, "yes"))
        rc = confirm(cli, "Drop schema skene_growth with all its events?", err);
    if (rc != OK)
        return rc;
    struct json *body = json_put(cli->a, json_object(cli->a), "drop",
                                 json_boolean(cli->a, drop));
    rc = api_post(cli, path_with(cli, "integrations", id, "/disconnect"), body,
                  &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        note(cli, "disconnected; %s",
             drop ? "skene_growth is dropped"
                  : "the triggers stay: --drop removes them");
    return OK;
}
