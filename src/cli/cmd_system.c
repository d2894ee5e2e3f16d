/* doctor and status. */
#include <string.h>

#include "cli/command.h"

enum status
cmd_doctor(struct cli *cli, struct error *err)
{
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/doctor", &reply, err);

    if (rc != OK)
        return rc;
    if (!json_bool(json_get(reply.json, "ok"), false))
        cli->findings = EXIT_FINDINGS;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    const struct json *list = json_get(reply.json, "findings");
    for (uint32_t i = 0; list && i < list->n; i++) {
        const struct json *f = list->items[i];
        const char *status = json_get_str(f, "status", "");
        const char *fix = json_get_str(f, "fix", "");
        out_tone(cli, stdout, status_tone(status), status);
        (void)printf("%*s", (int)(6 - strlen(status)), "");
        out_text(stdout, json_get_str(f, "check", ""));
        (void)fputs(": ", stdout);
        out_text(stdout, json_get_str(f, "message", ""));
        (void)fputc('\n', stdout);
        if (*fix && strcmp(status, "ok") != 0) {
            (void)fputs("      fix: ", stdout);
            out_text(stdout, fix);
            (void)fputc('\n', stdout);
        }
    }
    return OK;
}

enum status
cmd_status(struct cli *cli, struct error *err)
{
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/counts", &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    for (uint32_t i = 0; json_is(reply.json, JSON_OBJECT) && i < reply.json->n;
         i++) {
        const struct json_member *m = &reply.json->members[i];
        (void)printf("%-18s %lld\n", m->key, (long long)json_int(m->value, 0));
    }
    return OK;
}
