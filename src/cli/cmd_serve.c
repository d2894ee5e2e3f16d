/* serve: settings into what the server needs; the key file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "codec/text.h"
#include "codec/time.h"

enum { KEY_FILE_MAX_BYTES = 256 };

/* "2d", "90m", "PT1H", with a sign. */
static enum status
offset_parse(struct cli *cli, const char *text, int64_t *us, struct error *err)
{
    static const struct {
        char unit;
        int64_t us;
    } units[] = {
        {'s', US_PER_S}, {'m', US_PER_MIN}, {'h', US_PER_H}, {'d', US_PER_DAY}};
    char *end = NULL;

    *us = 0;
    if (!text)
        return OK;
    if (*text == 'P' && duration_parse(text, us, NULL) == OK)
        return OK;
    errno = 0;
    long n = strtol(text, &end, 10);
    for (size_t i = 0; i < 4 && end != text && !errno; i++)
        if (*end == units[i].unit && !end[1] && n >= -36500 && n <= 5256000) {
            *us = n * units[i].us;
            return OK;
        }
    return usage_fail(cli, err,
                      "--clock-offset must be like 2d, 90m or "
                      "PT1H, got '%s'",
                      text);
}

/* Makes the folder of a file and those above it, for us alone. */
static enum status
folder_make(struct cli *cli, const char *path, struct error *err)
{
    char *folder = arena_strdup(cli->a, path);
    char *last = folder ? strrchr(folder, '/') : NULL;

    if (!last || last == folder)
        return OK;
    *last = '\0';
    for (char *p = folder + 1;; p++) {
        char was = *p;
        if (was && was != '/')
            continue;
        *p = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return fail(err, E_IO, "cannot make %s: %s", folder,
                        strerrordesc_np(errno));
        *p = was;
        if (!was)
            return OK;
    }
}

static enum status
key_make(struct cli *cli, const char *path, struct seal_key *out,
         struct error *err)
{
    unsigned char bytes[SEAL_KEY_BYTES];
    AUTO_BUF text = buf_new(KEY_FILE_MAX_BYTES);
    enum status rc = random_bytes(bytes, sizeof(bytes), err);

    base64_write(&text, bytes, sizeof(bytes));
    buf_putc(&text, '\n');
    if (rc == OK)
        rc = folder_make(cli, path, err);
    if (rc != OK)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, E_IO, "cannot make the key file %s: %s", path,
                    strerrordesc_np(errno));
    bool ok =
        write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok)
        return fail(err, E_IO, "cannot write the key file %s", path);
    note(cli,
         "skene: made the key file %s: keep a copy, it opens the "
         "secrets in the store",
         path);
    return seal_key_parse(arena_strndup(cli->a, text.data, text.len - 1), out,
                          err);
}

static enum status
key_read(struct cli *cli, const char *path, struct seal_key *out,
         struct error *err)
{
    const char *text = NULL;
    struct stat st;
    size_t n = 0;

    if (stat(path, &st) != 0 && errno == ENOENT)
        return key_make(cli, path, out, err);
    enum status rc =
        file_read(cli->a, path, KEY_FILE_MAX_BYTES, &text, &n, err);
    if (rc != OK)
        return rc;
    if ((st.st_mode & 077) != 0) {
        (void)error_hint(err, "chmod 600 %s", path);
        return fail(err, E_INPUT, "others may read the key file %s", path);
    }
    text = arena_strndup(cli->a, text, strcspn(text, "\r\n "));
    rc = text ? seal_key_parse(text, out, err) : fail(err, E_NOMEM, "key file");
    return rc == OK ? OK : error_wrap(err, "key file %s", path);
}

/* "name" in the folder of the store. */
static const char *
beside_store(struct cli *cli, const char *name)
{
    const char *path = store_path(cli), *slash = strrchr(path, '/');

    return slash ? arena_printf(cli->a, "%.*s/%s", (int)(slash - path), path,
                                name)
                 : name;
}

static enum status
key_load(struct cli *cli, struct seal_key *out, struct error *err)
{
    const char *text = setting(cli, "encryption_key");
    const char *path = setting(cli, "key_file");

    if (*text) {
        enum status rc = seal_key_parse(text, out, err);
        if (rc == OK)
            return OK;
        return error_wrap(err, "SKENE_ENCRYPTION_KEY");
    }
    if (!*path)
        path = beside_store(cli, "key");
    return path ? key_read(cli, path, out, err)
                : fail(err, E_NOMEM, "key file");
}

static const char *
set_or_null(const struct cli *cli, const char *name)
{
    const char *value = setting(cli, name);

    return *value ? value : NULL;
}

static struct runtime_config
runtime_settings(const struct cli *cli)
{
    const char *egress = setting(cli, "allow_private_egress");

    return (struct runtime_config){
        .store_url = store_path(cli),
        .public_url = set_or_null(cli, "public_url"),
        .mail_from = set_or_null(cli, "mail_from"),
        .resend_key = set_or_null(cli, "resend_api_key"),
        .resend_url = set_or_null(cli, "resend_url"),
        .resend_webhook_secret = set_or_null(cli, "resend_webhook_secret"),
        .smtp_url = set_or_null(cli, "smtp_url"),
        .track_sink = set_or_null(cli, "track_sink"),
        .webhook_secret = set_or_null(cli, "webhook_secret"),
        .allow_private_egress =
            strcmp(egress, "true") == 0 || strcmp(egress, "1") == 0,
        .workers = (int)strtol(setting(cli, "workers"), NULL, 10),
        .retention_days = strtol(setting(cli, "retention_days"), NULL, 10),
        .log = {.fd = STDERR_FILENO,
                .level = cli->verbose ? LEVEL_DEBUG
                         : cli->quiet ? LEVEL_WARN
                                      : LEVEL_INFO,
                .json = strcmp(setting(cli, "log_format"), "json") == 0},
    };
}

enum status
cmd_serve(struct cli *cli, struct error *err)
{
    const char *format = setting(cli, "log_format");
    const char *listen = setting(cli, "listen");
    struct serve_options options = {
        .runtime = runtime_settings(cli),
        .listen = strcmp(listen, "off") == 0 ? "" : listen,
        .unix_socket = socket_path(cli),
        .token_path = beside_store(cli, "token"),
        .announce = isatty(STDERR_FILENO),
    };

    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return fail(err, E_INPUT, "log_format must be text or json, got '%s'",
                    format);
    if (!options.unix_socket || !options.token_path)
        return fail(err, E_NOMEM, "paths");
    enum status rc = offset_parse(cli, opt_text(cli, "clock-offset"),
                                  &options.runtime.clock.offset_us, err);
    if (rc == OK)
        rc = folder_make(cli, store_path(cli), err);
    if (rc == OK)
        rc = key_load(cli, &options.runtime.key, err);
    return rc == OK ? cli->faces->serve(&options, err) : rc;
}
