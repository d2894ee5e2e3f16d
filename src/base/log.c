#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 8192 };

static const char *const level_names[] = {
    [LEVEL_DEBUG] = "debug",
    [LEVEL_INFO] = "info",
    [LEVEL_WARN] = "warn",
    [LEVEL_ERROR] = "error",
};

bool
log_level_parse(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(level_names[i], name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void
quoted(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static bool
plain(const char *s)
{
    return *s && !s[strcspn(s, " \"=\\\n\r\t")];
}

static void
pair(struct buf *out, bool json, const char *key, const char *value)
{
    if (!value)
        value = "";
    if (json) {
        buf_puts(out, ",\"");
        buf_puts(out, key);
        buf_puts(out, "\":");
        quoted(out, value);
        return;
    }
    buf_printf(out, " %s=", key);
    if (plain(value))
        buf_puts(out, value);
    else
        quoted(out, value);
}

static void
head(struct buf *out, const struct log *log, enum log_level level,
     const char *event)
{
    int64_t now_us = clock_now_us(NULL);
    time_t s = (time_t)(now_us / US_PER_S);
    struct tm tm;
    char at[40];

    (void)gmtime_r(&s, &tm);
    (void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &tm);
    const char *form =
        log->json ? "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\""
                  : "%s.%03dZ %s %s";
    char line[160];
    /* Both forms take the same four arguments. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(line, sizeof(line), form, at,
                   (int)(now_us % US_PER_S / 1000), level_names[level], event);
#pragma GCC diagnostic pop
    buf_puts(out, line);
}

static void
tail(struct buf *out, const struct log *log)
{
    buf_puts(out, log->json ? "}\n" : "\n");
    if (buf_ok(out) && write(log->fd, out->data, out->len) < 0)
        return; /* nowhere left to tell */
}

void
log_event(const struct log *log, enum log_level level, const char *event, ...)
{
    if (!log || level < log->level)
        return;
    AUTO_BUF out = buf_new(LINE_MAX_BYTES);
    va_list ap;

    head(&out, log, level, event);
    va_start(ap, event);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;)
        pair(&out, log->json, key, va_arg(ap, const char *));
    va_end(ap);
    tail(&out, log);
}

void
log_error(const struct log *log, const char *event, const struct error *err)
{
    if (!log || LEVEL_ERROR < log->level)
        return;
    AUTO_BUF out = buf_new(LINE_MAX_BYTES);
    char at[300];

    (void)snprintf(at, sizeof(at), "%s:%d", err->file ? err->file : "?",
                   err->line);
    head(&out, log, LEVEL_ERROR, event);
    pair(&out, log->json, "code", status_name(err->code));
    pair(&out, log->json, "at", at);
    if (err->sqlstate[0])
        pair(&out, log->json, "sqlstate", err->sqlstate);
    pair(&out, log->json, "msg", err->msg);
    if (err->hint[0])
        pair(&out, log->json, "hint", err->hint);
    tail(&out, log);
}
