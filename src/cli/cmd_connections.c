/* connections: named receivers of effects. */
#include <string.h>

#include "cli/command.h"

enum { TOKEN_MAX_BYTES = 4096 };

enum status
cmd_connections(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "NAME", .key = "name"},
        {.title = "KIND", .key = "kind"},
        {.title = "HOST", .key = "host"},
    };
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/connections", &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, json_get(reply.json, "data"), columns,
                  sizeof(columns) / sizeof(columns[0]), "no connections");
    return OK;
}

/* "-" reads standard input, so that a secret is in no shell history. */
static enum status
put_secret(struct cli *cli, struct json *body, const char *key,
           const char *value, struct error *err)
{
    size_t n = value ? strlen(value) : 0;

    if (!value)
        return OK;
    if (strcmp(value, "-") == 0) {
        enum status rc =
            file_read(cli->a, "-", TOKEN_MAX_BYTES, &value, &n, err);
        if (rc != OK)
            return rc;
        n = strcspn(value, "\r\n");
    }
    return json_put(cli->a, body, key, json_string_n(cli->a, value, n))
               ? OK
               : fail(err, E_NOMEM, "body");
}

enum status
cmd_connections_set(struct cli *cli, struct error *err)
{
    struct json *body = json_object(cli->a);
    struct api_reply reply;

    body = json_put(cli->a, body, "kind", json_string(cli->a, cli->args[1]));
    enum status rc = put_secret(cli, body, "url",
                                cli->n_args > 2 ? cli->args[2] : NULL, err);
    if (rc == OK)
        rc = put_secret(cli, body, "token", opt_text(cli, "token"), err);
    const char *text = rc == OK ? json_text(cli->a, body) : NULL;
    if (rc == OK && !text)
        rc = fail(err, E_NOMEM, "body");
    if (rc != OK)
        return rc;
    struct payload payload = {
        .type = "application/json", .bytes = text, .n = strlen(text)};
    rc = api_call(cli, "PUT", path_with(cli, "connections", cli->args[0], ""),
                  &payload, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        note(cli, "kept %s: name it in effects as connection: %s", cli->args[0],
             cli->args[0]);
    return OK;
}

enum status
cmd_connections_remove(struct cli *cli, struct error *err)
{
    struct api_reply reply;
    enum status rc =
        api_call(cli, "DELETE", path_with(cli, "connections", cli->args[0], ""),
                 NULL, &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        note(cli, "removed %s", cli->args[0]);
    return OK;
}
