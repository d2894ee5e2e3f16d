#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "codec/time.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 60 };

static const char *const tones[] = {
    [TONE_NONE] = "",         [TONE_GOOD] = "\033[32m", [TONE_GO] = "\033[36m",
    [TONE_WAIT] = "\033[33m", [TONE_BAD] = "\033[31m",  [TONE_SOFT] = "\033[2m",
};

void
out_text(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        /* C1 controls are U+0080..U+009F: C2 80..C2 9F in UTF-8. */
        if (c == 0xc2 && (unsigned char)p[1] >= 0x80 &&
            (unsigned char)p[1] <= 0x9f) {
            p++;
            control = true;
        }
        (void)fputc(control ? '?' : c, out);
    }
}

void
out_tone(const struct cli *cli, FILE *out, enum tone tone, const char *text)
{
    bool on = cli->color && tone != TONE_NONE;

    if (on)
        (void)fputs(tones[tone], out);
    out_text(out, text);
    if (on)
        (void)fputs("\033[0m", out);
}

void
note(const struct cli *cli, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    if (cli->quiet)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    out_text(stderr, text);
    (void)fputc('\n', stderr);
}

void
out_json(const struct cli *cli, const struct json *j)
{
    struct buf text = buf_new((size_t)64 * 1024 * 1024);

    (void)cli;
    json_write(&text, j, true);
    if (buf_ok(&text))
        (void)fwrite(text.data, 1, text.len, stdout);
    (void)fputc('\n', stdout);
    buf_free(&text);
}

struct tone_row {
    const char *word;
    enum tone tone;
};

static enum tone
tone_find(const struct tone_row *rows, const char *word)
{
    for (; rows->word; rows++)
        if (strcmp(rows->word, word) == 0)
            return rows->tone;
    return TONE_SOFT;
}

enum tone
verdict_tone(const char *verdict)
{
    static const struct tone_row rows[] = {
        {"entered", TONE_GOOD},        {"completed", TONE_GOOD},
        {"advanced", TONE_GO},         {"capped", TONE_WAIT},
        {"quiet_deferred", TONE_WAIT}, {"suppressed", TONE_WAIT},
        {"holdout", TONE_WAIT},        {"paused", TONE_WAIT},
        {"error", TONE_BAD},           {NULL, TONE_NONE},
    };

    return tone_find(rows, verdict);
}

enum tone
status_tone(const char *status)
{
    static const struct tone_row rows[] = {
        {"active", TONE_GOOD},    {"succeeded", TONE_GOOD},
        {"connected", TONE_GOOD}, {"ok", TONE_GOOD},
        {"completed", TONE_GOOD}, {"paused", TONE_WAIT},
        {"pending", TONE_WAIT},   {"draft", TONE_WAIT},
        {"warn", TONE_WAIT},      {"failed", TONE_BAD},
        {"fail", TONE_BAD},       {"missing", TONE_BAD},
        {"different", TONE_BAD},  {"unexpected", TONE_WAIT},
        {NULL, TONE_NONE},
    };

    return tone_find(rows, status);
}

const char *
time_short(struct arena *a, const char *iso)
{
    int64_t us = 0;
    struct tm then, today;
    char text[40];

    if (!iso || iso_parse(iso, strlen(iso), &us, NULL) != OK)
        return iso ? iso : "";
    time_t at = (time_t)(us / US_PER_S), now = time(NULL);
    (void)localtime_r(&at, &then);
    (void)localtime_r(&now, &today);
    bool same = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
    size_t n = strftime(text, sizeof(text), same ? "%T" : "%F %T", &then);
    const char *out = arena_printf(a, "%.*s.%03d", (int)n, text,
                                   (int)(us % US_PER_S / US_PER_MS));
    return out ? out : iso;
}

/* Columns on the terminal: UTF-8 lead bytes. */
static int
width(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static const char *
cell_text(const struct cli *cli, const struct json *row,
          const struct table_column *c)
{
    const struct json *v = json_at(row, c->key);

    if (!v || json_is(v, JSON_NULL))
        return "";
    if (c->is_time)
        return time_short(cli->a, json_str(v, ""));
    if (json_is(v, JSON_STRING))
        return v->text;
    const char *text = json_text(cli->a, v);
    return text ? text : "";
}

static void
pad(int n)
{
    while (n-- > 0)
        (void)fputc(' ', stdout);
}

static void
out_cell(const struct cli *cli, const struct table_column *c, const char *text,
         int wide, bool last)
{
    enum tone tone = c->tone ? c->tone(text) : TONE_NONE;
    int room = wide - width(text);

    if (c->right)
        pad(room);
    out_tone(cli, stdout, tone, text);
    if (!c->right && !last)
        pad(room);
    if (!last)
        pad(2);
}

void
out_table(const struct cli *cli, const struct json *rows,
          const struct table_column *columns, size_t n, const char *empty)
{
    int wide[COLUMNS_MAX] = {0};
    uint32_t count = json_is(rows, JSON_ARRAY) ? rows->n : 0;

    if (count == 0) {
        note(cli, "%s", empty);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        wide[k] = width(columns[k].title);
        for (uint32_t i = 0; i < count; i++) {
            int w = width(cell_text(cli, rows->items[i], &columns[k]));
            wide[k] = w > wide[k] ? w : wide[k];
        }
        wide[k] = wide[k] > CELL_MAX ? CELL_MAX : wide[k];
    }
    for (size_t k = 0; k < n && !cli->quiet; k++) {
        struct table_column head = {.right = columns[k].right};
        out_cell(cli, &head, columns[k].title, wide[k], k + 1 == n);
    }
    if (!cli->quiet)
        (void)fputc('\n', stdout);
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < n; k++)
            out_cell(cli, &columns[k],
                     cell_text(cli, rows->items[i], &columns[k]), wide[k],
                     k + 1 == n);
        (void)fputc('\n', stdout);
    }
}

enum status
file_read(struct arena *a, const char *path, size_t max_bytes,
          const char **text, size_t *n, struct error *err)
{
    AUTO_BUF b = buf_new(max_bytes);
    char block[16384];
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return fail(err, errno == ENOENT ? E_NOTFOUND : E_IO,
                    "cannot read %s: %s", path, strerrordesc_np(errno));
    while ((got = read(fd, block, sizeof(block))) > 0 && buf_ok(&b))
        buf_add(&b, block, (size_t)got);
    int cause = errno;
    if (!standard)
        (void)close(fd);
    if (got < 0)
        return fail(err, E_IO, "cannot read %s: %s", path,
                    strerrordesc_np(cause));
    enum status rc = buf_check(&b, path, err);
    *text = rc == OK ? arena_strndup(a, b.data, b.len) : NULL;
    *n = b.len;
    return rc == OK && !*text ? fail(err, E_NOMEM, "%s", path) : rc;
}
