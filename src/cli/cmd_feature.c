/* feature …: make, list, show, draw, change status. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "codec/text.h"
#include "codec/yaml.h"
#include "core/diagram.h"

enum { DOCUMENT_MAX_BYTES = 1024 * 1024, TEMPLATES_MAX = 32 };

/* templates/features/NAME.yaml and templates/messages/KEY.md */
extern const struct embedded cli_features[], cli_messages[];

static const struct embedded *
embedded_find(const struct embedded *list, const char *stem, const char *suffix)
{
    size_t n = strlen(stem);

    for (; list->name; list++)
        if (strncmp(list->name, stem, n) == 0 &&
            strcmp(list->name + n, suffix) == 0)
            return list;
    return NULL;
}

static const char *
template_names(struct cli *cli, const char *names[TEMPLATES_MAX], size_t *n)
{
    const char *all = "";

    for (*n = 0; cli_features[*n].name && *n < TEMPLATES_MAX; (*n)++) {
        const char *file = cli_features[*n].name;
        names[*n] = arena_strndup(cli->a, file, strcspn(file, "."));
        all = arena_printf(cli->a, "%s%s%s", all, *n ? ", " : "", names[*n]);
    }
    return all ? all : "";
}

static enum status
template_read(struct cli *cli, const char *name, const char **text, size_t *n,
              struct error *err)
{
    const struct embedded *e = embedded_find(cli_features, name, ".yaml");
    const char *names[TEMPLATES_MAX];
    size_t count = 0;

    if (e) {
        *text = e->from;
        *n = (size_t)(e->end - e->from);
        return OK;
    }
    const char *all = template_names(cli, names, &count);
    int near = nearest_name(name, names, count);
    if (near >= 0)
        (void)error_hint(err, "did you mean %s?", names[near]);
    else
        (void)error_hint(err, "there are: %s", all);
    return fail(err, E_NOTFOUND, "there is no template '%s'", name);
}

/* Text of a message: premade, or beside the feature's file. NULL = the server
 * must have it already. */
static enum status
message_find(struct cli *cli, const char *file, const char *key,
             const char **text, size_t *n, struct error *err)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    const char *folder =
        slash ? arena_strndup(cli->a, file, (size_t)(slash - file)) : ".";

    *text = NULL;
    const struct embedded *e = embedded_find(cli_messages, key, ".md");
    if (!file && e) {
        *text = e->from;
        *n = (size_t)(e->end - e->from);
    }
    for (size_t i = 0; file && folder && i < 2; i++) {
        const char *path =
            i ? arena_printf(cli->a, "%s/../messages/%s.md", folder, key)
              : arena_printf(cli->a, "%s/messages/%s.md", folder, key);
        if (path && access(path, R_OK) == 0)
            return file_read(cli->a, path, DOCUMENT_MAX_BYTES, text, n, err);
    }
    return OK;
}

enum status
message_send(struct cli *cli, const char *key, const char *text, size_t n,
             struct api_reply *out, struct error *err)
{
    struct payload body = {.type = "text/markdown", .bytes = text, .n = n};

    return api_call(cli, "PUT", path_with(cli, "messages/templates", key, ""),
                    &body, out, err);
}

/* Stores the message of one effect, as far as it is at hand. */
static enum status
message_of_effect(struct cli *cli, const char *file, const struct feature *f,
                  const struct effect *e, struct error *err)
{
    const char *key = e->template ? e->template : f->key, *text = NULL;
    struct api_reply reply;
    size_t n = 0;

    if (e->kind != EFFECT_EMAIL)
        return OK;
    enum status rc = message_find(cli, file, key, &text, &n, err);
    if (rc == OK && text)
        rc = message_send(cli, key, text, n, &reply, err);
    return rc == OK ? OK : error_wrap(err, "message %s", key);
}

static enum status
messages_send(struct cli *cli, const char *file, const struct feature *f,
              struct error *err)
{
    enum status rc = OK;

    for (size_t s = 0; s < f->n_states; s++)
        for (size_t t = 0; t < f->states[s].n_transitions; t++) {
            const struct transition *tr = &f->states[s].transitions[t];
            for (size_t i = 0; rc == OK && i < tr->n_effects; i++)
                rc = message_of_effect(cli, file, f, &tr->effects[i], err);
        }
    return rc;
}

static void
feature_note(struct cli *cli, const struct json *f)
{
    if (cli->json) {
        out_json(cli, f);
        return;
    }
    out_text(stdout, json_get_str(f, "key", ""));
    (void)printf(" v%lld ", (long long)json_int(json_get(f, "version"), 0));
    const char *status = json_get_str(f, "status", "");
    out_tone(cli, stdout, status_tone(status), status);
    (void)fputc('\n', stdout);
    if (strcmp(status, "draft") == 0)
        note(cli, "next: skene feature activate %s",
             json_get_str(f, "key", ""));
    else if (json_bool(json_get(f, "pending_deploy"), false))
        note(cli, "next: skene deploy");
    const struct json *missing = json_get(f, "messages_missing");
    for (uint32_t i = 0; json_is(missing, JSON_ARRAY) && i < missing->n; i++)
        note(cli,
             "its mails are skipped until there is a message %s: skene "
             "message FILE",
             json_str(missing->items[i], ""));
}

enum status
cmd_feature_new(struct cli *cli, struct error *err)
{
    const char *template = opt_text(cli, "template");
    const char *file = opt_text(cli, "file"), *text = NULL;
    struct feature *f = NULL;
    struct api_reply reply;
    size_t n = 0;

    if (!template == !file)
        return usage_fail(cli, err,
                          "feature new needs --template NAME or "
                          "--file FILE");
    enum status rc =
        template ? template_read(cli, template, &text, &n, err)
                 : file_read(cli->a, file, DOCUMENT_MAX_BYTES, &text, &n, err);
    if (rc == OK)
        rc = feature_parse_text(cli->a, text, n, &f, err);
    if (rc == OK)
        rc = messages_send(cli, file, f, err);
    struct payload body = {.type = "application/yaml", .bytes = text, .n = n};
    struct query q = query_new("/api/v1/features");
    query_add(&q, "integration", opt_text(cli, "integration"));
    if (rc == OK)
        rc = api_call(cli, "POST", q.text.data, &body, &reply, err);
    buf_free(&q.text);
    if (rc == OK)
        feature_note(cli, reply.json);
    return rc;
}

enum status
cmd_feature_templates(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "TEMPLATE", .key = "template"},
        {.title = "SOURCE", .key = "source"},
        {.title = "DESCRIPTION", .key = "description"},
    };
    struct json *list = json_array(cli->a);

    for (const struct embedded *e = cli_features; e->name; e++) {
        struct feature *f = NULL;
        enum status rc = feature_parse_text(
            cli->a, e->from, (size_t)(e->end - e->from), &f, err);
        if (rc != OK)
            return error_wrap(err, "%s", e->name);
        struct json *j = json_object(cli->a);
        json_put(cli->a, j, "template",
                 json_string_n(cli->a, e->name, strcspn(e->name, ".")));
        json_put(cli->a, j, "name", json_string(cli->a, f->name));
        json_put(cli->a, j, "source",
                 json_string(cli->a, feature_source(cli->a, f)));
        json_put(cli->a, j, "description",
                 json_string(cli->a, f->description ? f->description : ""));
        json_push(cli->a, list, j);
    }
    if (cli->json)
        out_json(cli, list);
    else
        out_table(cli, list, columns, sizeof(columns) / sizeof(columns[0]),
                  "no templates");
    return OK;
}

enum status
cmd_feature_list(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = {
        {.title = "KEY", .key = "key"},
        {.title = "STATUS", .key = "status", .tone = status_tone},
        {.title = "VERSION", .key = "version", .right = true},
        {.title = "SOURCE", .key = "source"},
        {.title = "STAGE", .key = "stage"},
        {.title = "NAME", .key = "name"},
    };
    struct api_reply reply;
    enum status rc = api_get(cli, "/api/v1/features", &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json)
        out_json(cli, reply.json);
    else
        out_table(cli, json_get(reply.json, "data"), columns,
                  sizeof(columns) / sizeof(columns[0]),
                  "no features yet: skene feature new --template "
                  "welcome-email-drip");
    return OK;
}

enum status
cmd_feature_show(struct cli *cli, struct error *err)
{
    static const char *const shown[] = {"key",     "name",   "status",
                                        "version", "source", "stage"};
    AUTO_BUF yaml = buf_new(DOCUMENT_MAX_BYTES);
    struct api_reply reply;
    enum status rc =
        api_get(cli, path_with(cli, "features", cli->args[0], ""), &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct json *v = json_get(reply.json, shown[i]);
        const char *text = json_str(v, NULL);
        (void)printf("%-8s ", shown[i]);
        out_text(stdout, text ? text : json_text(cli->a, v));
        (void)fputc('\n', stdout);
    }
    yaml_write(&yaml, json_get(reply.json, "document"));
    rc = buf_check(&yaml, "document", err);
    (void)fputc('\n', stdout);
    out_text(stdout, yaml.data);
    return rc;
}

/* What activating it will let in. */
static enum status
backfill_note(struct cli *cli, const struct json *feature, struct error *err)
{
    const char *backfill =
        json_str(json_at(feature, "document.entry.backfill"), "none");
    struct api_reply reply;

    if (cli->json || strcmp(backfill, "existing") != 0 ||
        strcmp(json_get_str(feature, "status", ""), "active") != 0)
        return OK;
    enum status rc =
        api_get(cli, path_with(cli, "features", cli->args[0], "/backfill"),
                &reply, err);
    if (rc != OK) { /* the feature is active all the same */
        note(cli, "rows that exist already could not be counted: %s",
             err ? err->msg : "");
        return OK;
    }
    if (strcmp(json_get_str(reply.json, "state", ""), "done") != 0)
        note(cli, "%s%lld rows of %s will enter once it is deployed",
             json_bool(json_get(reply.json, "exact"), false) ? "" : "up to ",
             (long long)json_int(json_get(reply.json, "matching"), 0),
             json_get_str(reply.json, "table", ""));
    return OK;
}

enum status
cmd_feature_backfill(struct cli *cli, struct error *err)
{
    static const char *const shown[] = {"backfill", "state",    "table",
                                        "rows",     "matching", "started_at",
                                        "position"};
    struct api_reply reply;
    enum status rc =
        api_get(cli, path_with(cli, "features", cli->args[0], "/backfill"),
                &reply, err);

    if (rc != OK)
        return rc;
    if (cli->json) {
        out_json(cli, reply.json);
        return OK;
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct json *v = json_get(reply.json, shown[i]);
        if (!v || v->kind == JSON_NULL)
            continue;
        (void)printf("%-10s ", shown[i]);
        out_text(stdout, json_str(v, json_text(cli->a, v)));
        (void)fputc('\n', stdout);
    }
    if (!json_bool(json_get(reply.json, "exact"), false))
        note(cli, "matching counts the conditions that SQL can tell: fewer "
                  "may enter");
    return OK;
}

static enum status
change(struct cli *cli, const char *tail, struct error *err)
{
    struct api_reply reply;
    enum status rc = api_post(
        cli, path_with(cli, "features", cli->args[0], tail), NULL, &reply, err);

    if (rc != OK)
        return rc;
    feature_note(cli, reply.json);
    return backfill_note(cli, reply.json, err);
}

enum status
cmd_feature_activate(struct cli *cli, struct error *err)
{
    return change(cli, "/activate", err);
}

enum status
cmd_feature_pause(struct cli *cli, struct error *err)
{
    return change(cli, "/pause", err);
}

enum status
cmd_feature_archive(struct cli *cli, struct error *err)
{
    return change(cli, "/archive", err);
}

static enum status
diagram_of_file(struct cli *cli, const char *format, struct error *err)
{
    AUTO_BUF out = buf_new((size_t)4 * 1024 * 1024);
    const char *text = NULL;
    struct feature *f = NULL;
    size_t n = 0;
    enum status rc =
        file_read(cli->a, cli->args[0], DOCUMENT_MAX_BYTES, &text, &n, err);

    if (rc == OK)
        rc = feature_parse_text(cli->a, text, n, &f, err);
    if (rc != OK)
        return error_wrap(err, "%s", cli->args[0]);
    if (strcmp(format, "svg") == 0)
        diagram_svg(&out, f);
    else if (strcmp(format, "mermaid") == 0)
        diagram_mermaid(&out, f);
    else
        diagram_text(&out, f);
    rc = buf_check(&out, "diagram", err);
    out_text(stdout, out.data);
    return rc;
}

enum status
cmd_feature_diagram(struct cli *cli, struct error *err)
{
    const char *format = opt_flag(cli, "svg")       ? "svg"
                         : opt_flag(cli, "mermaid") ? "mermaid"
                                                    : "text";
    const char *key = cli->args[0];
    struct api_reply reply;

    if (strcmp(key, "-") == 0 || strpbrk(key, "./"))
        return diagram_of_file(cli, format, err);
    const char *tail = arena_printf(cli->a, "/diagram?format=%s", format);
    enum status rc =
        tail ? api_get(cli, path_with(cli, "features", key, tail), &reply, err)
             : fail(err, E_NOMEM, "diagram");
    if (rc == OK)
        out_text(stdout, reply.body);
    return rc;
}
