/* feature versions, diff, runs, conversion, funnel. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "core/explain.h"
#include "core/feature_diff.h"

static void
changes_print(const struct json *changes)
{
    AUTO_BUF text = buf_new((size_t)1024 * 1024);

    feature_diff_text(&text, changes);
    (void)fwrite(text.data, 1, text.len, stdout);
}

enum status
cmd_feature_versions(struct cli *cli, struct error *err)
{
    struct api_reply reply;
    enum status rc =
        api_get(cli, path_with(cli, "features", cli->args[0], "/versions"),
                &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    const struct json *list = json_get(reply.json, "data");
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
        const struct json *v = list->items[i];
        (void)printf("v%lld  %.19s\n",
                     (long long)json_int(json_get(v, "version"), 0),
                     json_get_str(v, "created_at", ""));
        changes_print(json_get(v, "changes"));
    }
    return OK;
}

enum status
cmd_feature_diff(struct cli *cli, struct error *err)
{
    struct query q =
        query_new(path_with(cli, "features", cli->args[0], "/diff"));
    struct api_reply reply;

    query_add(&q, "from", cli->n_args > 1 ? cli->args[1] : NULL);
    query_add(&q, "to", cli->n_args > 2 ? cli->args[2] : NULL);
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    (void)printf("v%lld → v%lld\n",
                 (long long)json_int(json_get(reply.json, "from"), 0),
                 (long long)json_int(json_get(reply.json, "to"), 0));
    changes_print(json_get(reply.json, "changes"));
    return OK;
}

enum status
cmd_feature_runs(struct cli *cli, struct error *err)
{
    struct json *body = json_object(cli->a);
    struct api_reply reply;

    body = json_put(cli->a, body, "do", json_string(cli->a, cli->args[1]));
    body = json_put(cli->a, body, "dry",
                    json_boolean(cli->a, opt_flag(cli, "plan")));
    enum status rc =
        api_post(cli, path_with(cli, "features", cli->args[0], "/runs"), body,
                 &reply, err);
    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    (void)printf("%lld runs on older versions: %lld %s, %lld stay\n",
                 (long long)json_int(json_get(reply.json, "in_flight"), 0),
                 (long long)json_int(json_get(reply.json, "moved"), 0),
                 strcmp(cli->args[1], "exit") == 0 ? "exit" : "migrate",
                 (long long)json_int(json_get(reply.json, "kept"), 0));
    return OK;
}

enum status
cmd_feature_conversion(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "ARM", .key = "arm"},
        {.title = "SUBJECTS", .key = "subjects", .right = true},
        {.title = "OVER", .key = "over", .right = true},
        {.title = "REACHED", .key = "reached", .right = true},
        {.title = "RATE", .key = "rate", .right = true},
        {.title = "FROM", .key = "low", .right = true},
        {.title = "TO", .key = "high", .right = true},
    };
    struct api_reply reply;
    enum status rc =
        api_get(cli, path_with(cli, "features", cli->args[0], "/conversion"),
                &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    const struct json *lift = json_get(reply.json, "lift");
    out_table(cli, json_get(reply.json, "arms"), columns,
              sizeof(columns) / sizeof(columns[0]), "nobody");
    if (json_is(lift, JSON_OBJECT))
        (void)printf("lift %+.1f points, 95 %% between %+.1f and %+.1f%s\n",
                     100 * json_double(json_get(lift, "difference"), 0),
                     100 * json_double(json_get(lift, "low"), 0),
                     100 * json_double(json_get(lift, "high"), 0),
                     json_bool(json_get(lift, "significant"), false)
                         ? ""
                         : ": may be chance");
    else
        note(cli, "no lift yet: it takes subjects of both arms whose time is "
                  "over");
    return OK;
}

enum status
cmd_feature_funnel(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "STATE", .key = "state"},
        {.title = "ENTERED", .key = "entered", .right = true},
        {.title = "LEFT", .key = "left", .right = true},
        {.title = "HERE", .key = "here", .right = true},
        {.title = "MEDIAN SECONDS", .key = "median_s", .right = true},
    };
    struct query q =
        query_new(path_with(cli, "features", cli->args[0], "/funnel"));
    struct api_reply reply;

    query_add(&q, "since", opt_text(cli, "since"));
    query_add(&q, "until", opt_text(cli, "until"));
    enum status rc = api_get(cli, q.text.data, &reply, err);
    buf_free(&q.text);
    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, json_get(reply.json, "states"), columns,
                  sizeof(columns) / sizeof(columns[0]), "nobody entered");
    return OK;
}
