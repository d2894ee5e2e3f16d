#include <string.h>

#include "cli/command.h"

enum { MESSAGE_MAX_BYTES = 512 * 1024 };

enum status
cmd_message(struct cli *cli, struct error *err)
{
    const char *file = cli->args[0], *key = opt_text(cli, "key");
    const char *text = NULL, *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    struct api_reply reply;
    size_t n = 0;

    if (!key && strcmp(file, "-") == 0)
        return usage_fail(cli, err, "standard input needs --key");
    if (!key)
        key = arena_strndup(cli->a, name, strcspn(name, "."));
    enum status rc =
        key ? file_read(cli->a, file, MESSAGE_MAX_BYTES, &text, &n, err)
            : fail(err, E_NOMEM, "message");
    if (rc == OK)
        rc = message_send(cli, key, text, n, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        note(cli, "stored message %s", key);
    return OK;
}
