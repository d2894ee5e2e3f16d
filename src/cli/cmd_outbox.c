/* What happens to events in the customer's database: failures, copies. */
#include <stdlib.h>

#include "cli/command.h"

enum status
cmd_adopt(struct cli *cli, struct error *err)
{
    const char *id = NULL;
    struct api_reply reply;
    enum status rc =
        integration_id(cli, cli->n_args ? cli->args[0] : NULL, &id, err);

    if (rc == OK && !opt_flag(cli, "yes"))
        rc = confirm(cli,
                     "Adopt this copy? Events it brought along are forgotten.",
                     err);
    if (rc == OK)
        rc = api_post(cli, path_with(cli, "integrations", id, "/adopt"), NULL,
                      &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        (void)printf(
            "adopted; %lld events of the original forgotten\n",
            (long long)json_int(json_get(reply.json, "events_forgotten"), 0));
    note(cli, "next: skene deploy");
    return OK;
}

static void
audit_print(struct cli *cli, const struct json *answer)
{
    const struct json *data = json_get(answer, "data");

    for (uint32_t i = 0; json_is(data, JSON_ARRAY) && i < data->n; i++) {
        const struct json *o = data->items[i];
        const char *cannot = json_get_str(o, "cannot", NULL);
        const struct json *samples = json_get(o, "samples");
        out_text(stdout, json_get_str(o, "table", ""));
        if (cannot) {
            (void)printf(": not looked at: ");
            out_text(stdout, cannot);
        } else {
            (void)printf(": %lld rows%s, %lld without an event",
                         (long long)json_int(json_get(o, "rows"), 0),
                         json_bool(json_get(o, "more"), false) ? " looked at"
                                                               : "",
                         (long long)json_int(json_get(o, "missing"), 0));
        }
        for (uint32_t k = 0; samples && k < samples->n; k++) {
            (void)printf(k ? ", " : ": ");
            out_text(stdout, json_str(samples->items[k], ""));
        }
        (void)fputc('\n', stdout);
    }
    if (!json_is(data, JSON_ARRAY) || data->n == 0)
        note(cli, "nothing to compare: no inserts are captured, or the "
                  "deployment changed a moment ago");
}

enum status
cmd_audit(struct cli *cli, struct error *err)
{
    const char *id = NULL, *since = opt_text(cli, "since");
    struct api_reply reply;
    enum status rc =
        integration_id(cli, opt_text(cli, "integration"), &id, err);

    if (rc != OK)
        return rc;
    struct query q = query_new(path_with(cli, "integrations", id, "/audit"));
    query_add(&q, "since", since ? since : "P1D");
    rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (json_int(json_get(reply.json, "missing"), 0) > 0)
        cli->findings = EXIT_FINDINGS;
    if (cli->json)
        out_json(cli, reply.json);
    else
        audit_print(cli, reply.json);
    return OK;
}

enum status
cmd_failed(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "ID", .key = "id"},
        {.title = "WHEN", .key = "moved_at"},
        {.title = "TYPE", .key = "type"},
        {.title = "ROW", .key = "entity_id"},
        {.title = "REASON", .key = "reason"},
    };
    const char *id = NULL;
    struct api_reply reply;
    enum status rc =
        integration_id(cli, opt_text(cli, "integration"), &id, err);

    if (rc != OK)
        return rc;
    struct query q =
        query_new(path_with(cli, "integrations", id, "/failed-events"));
    query_add(&q, "limit", opt_text(cli, "limit"));
    rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    const struct json *data = json_get(reply.json, "data");
    if (json_is(data, JSON_ARRAY) && data->n > 0)
        cli->findings = EXIT_FINDINGS;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, data, columns, sizeof(columns) / sizeof(columns[0]),
                  "no failed events");
    return OK;
}

enum status
cmd_failed_replay(struct cli *cli, struct error *err)
{
    const char *id = NULL;
    struct json *body = json_object(cli->a);
    struct api_reply reply;
    enum status rc =
        integration_id(cli, opt_text(cli, "integration"), &id, err);

    if (rc == OK && cli->n_args) {
        char *end = NULL;
        long long n = strtoll(cli->args[0], &end, 10);
        if (*end || n <= 0) {
            cli->usage = true;
            return fail(err, E_INPUT, "ID must be a number of the list, got %s",
                        cli->args[0]);
        }
        json_put(cli->a, body, "id", json_integer(cli->a, n));
    }
    if (rc == OK)
        rc = api_post(
            cli, path_with(cli, "integrations", id, "/failed-events/replay"),
            body, &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        (void)printf("%lld events put back\n",
                     (long long)json_int(json_get(reply.json, "replayed"), 0));
    return OK;
}
