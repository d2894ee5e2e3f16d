#include <string.h>

#include "cli/command.h"
#include "core/feature.h"

enum { FILE_MAX_BYTES = 16 * 1024 * 1024 };

static enum status
catalog_read(struct cli *cli, const char *path, struct catalog **out,
             struct error *err)
{
    const char *text = NULL;
    struct json *j = NULL;
    size_t n = 0;
    enum status rc = file_read(cli->a, path, FILE_MAX_BYTES, &text, &n, err);

    if (rc == OK)
        rc = json_parse(cli->a, text, n, FILE_MAX_BYTES, &j, err);
    if (rc == OK)
        rc = catalog_from_json(cli->a, j, out, err);
    return rc == OK ? OK : error_wrap(err, "%s", path);
}

/* An invalid document is what was asked for: a finding, exit 1. */
static void
finding(struct cli *cli, const struct error *err)
{
    struct arena *a = cli->a;

    cli->findings = EXIT_FINDINGS;
    if (!cli->json) {
        out_tone(cli, stdout, TONE_BAD, "invalid");
        (void)fputs(": ", stdout);
        out_text(stdout, err->msg);
        if (err->field[0]) {
            (void)fputs("\n  at: ", stdout);
            out_text(stdout, err->field);
        }
        if (err->hint[0]) {
            (void)fputs("\n  hint: ", stdout);
            out_text(stdout, err->hint);
        }
        (void)fputc('\n', stdout);
        return;
    }
    struct json *j =
        json_put(a, json_object(a), "valid", json_boolean(a, false));
    json_put(a, j, "message", json_string(a, err->msg));
    json_put(a, j, "field", json_string(a, err->field));
    json_put(a, j, "hint", json_string(a, err->hint));
    out_json(cli, j);
}

enum status
cmd_validate(struct cli *cli, struct error *err)
{
    const char *schema = opt_text(cli, "schema"), *text = NULL;
    struct catalog *catalog = NULL;
    struct feature *f = NULL;
    size_t n = 0;
    enum status rc =
        file_read(cli->a, cli->args[0], FILE_MAX_BYTES, &text, &n, err);

    if (rc == OK && schema)
        rc = catalog_read(cli, schema, &catalog, err);
    if (rc != OK)
        return rc;
    rc = feature_parse_text(cli->a, text, n, &f, err);
    if (rc == OK && catalog)
        rc = feature_check(catalog, f, err);
    if (rc == E_NOMEM)
        return rc;
    if (rc != OK) {
        finding(cli, err);
        return OK;
    }
    if (cli->json) {
        struct json *j = json_put(cli->a, json_object(cli->a), "valid",
                                  json_boolean(cli->a, true));
        out_json(cli, json_put(cli->a, j, "key", json_string(cli->a, f->key)));
        return OK;
    }
    out_text(stdout, f->key);
    (void)fputs(": valid\n", stdout);
    if (!schema)
        note(cli, "names were not checked: --schema FILE does");
    return OK;
}
