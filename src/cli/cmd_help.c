#include <string.h>

#include "cli/command.h"

enum status
cmd_help(struct cli *cli, struct error *err)
{
    const char *shell = opt_text(cli, "completions");
    int used = 0;

    if (opt_flag(cli, "man")) {
        manual_write(stdout);
        return OK;
    }
    if (shell) {
        cli->usage = true;
        return completions_write(stdout, shell, err);
    }
    if (cli->n_args == 0) {
        help_overview(stdout);
        return OK;
    }
    const struct command *c = command_find(cli->args, cli->n_args, &used);
    if (c && used == cli->n_args) {
        help_command(stdout, c);
        return OK;
    }
    bool any = false; /* "help feature" lists the feature commands */
    size_t n = strlen(cli->args[0]);
    for (c = commands; c->name && cli->n_args == 1; c++)
        if (strncmp(c->name, cli->args[0], n) == 0 && c->name[n] == ' ') {
            (void)printf("  %-18s %s\n", c->name, c->summary);
            any = true;
        }
    if (any)
        return OK;
    const char *near = command_nearest(cli->args[0]);
    cli->usage = true;
    if (near)
        (void)error_hint(err, "did you mean: skene help %s", near);
    return fail(err, E_INPUT, "there is no command '%s'", cli->args[0]);
}

enum status
cmd_version(struct cli *cli, struct error *err)
{
    if (!cli->json) {
        (void)printf("skene %s\n", SKENE_VERSION);
        return OK;
    }
    struct json *j = json_put(cli->a, json_object(cli->a), "version",
                              json_string(cli->a, SKENE_VERSION));
    out_json(cli, j);
    return j ? OK : fail(err, E_NOMEM, "version");
}
