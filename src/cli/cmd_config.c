#include <string.h>

#include "cli/command.h"

/* What may be shown of a value: of a secret only that it is there; of a URL
 * not its password. */
static const char *
shown(struct cli *cli, const struct setting_row *s, const char *value)
{
    char masked[512];

    if (s->secret && *value && !strstr(value, "://"))
        return "********";
    if (strstr(value, "://"))
        return arena_strdup(cli->a,
                            secret_mask_url(value, masked, sizeof(masked)));
    return value;
}

static struct json *
row_json(struct cli *cli, const struct setting_row *s)
{
    struct arena *a = cli->a;
    enum origin o = config_origin(cli->config, s->name);
    struct json *j = json_object(a);

    json_put(a, j, "name", json_string(a, s->name));
    json_put(a, j, "value",
             json_string(a, shown(cli, s, config_get(cli->config, s->name))));
    json_put(a, j, "origin", json_string(a, origin_name(o)));
    json_put(a, j, "file",
             config_file(cli->config, o)
                 ? json_string(a, config_file(cli->config, o))
                 : json_null(a));
    json_put(a, j, "environment",
             s->env ? json_string(a, s->env) : json_null(a));
    return json_put(a, j, "help", json_string(a, s->help));
}

enum status
cmd_config(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "SETTING", .key = "name"},
        {.title = "VALUE", .key = "value"},
        {.title = "FROM", .key = "origin"},
        {.title = "VARIABLE", .key = "environment"},
    };
    struct json *list = json_array(cli->a);

    for (const struct setting_row *s = settings; s->name; s++)
        if (!json_push(cli->a, list, row_json(cli, s)))
            return fail(err, E_NOMEM, "settings");
    if (cli->json)
        out_json(cli, list);
    else
        out_table(cli, list, columns, sizeof(columns) / sizeof(columns[0]),
                  "no settings");
    return OK;
}
