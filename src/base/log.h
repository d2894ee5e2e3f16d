/*
 * base/log.h - one line per event: `ts level event key=value ...` (logfmt), or
 * the same as one JSON object per line.
 *
 * Only the faces (src/api, src/cli, src/mcp) and src/runtime log. Everything
 * below returns a struct error, so each failure is reported exactly once, with
 * its whole context.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

struct log {
    int fd;               /* 2 by default */
    enum log_level level; /* lines below it are dropped */
    bool json;
};

/* `event` is a stable snake_case name operators can grep and tests can assert;
 * it never contains data. Pairs follow as (const char *key, const char *value)
 * and end with NULL; values are escaped. A NULL log drops the line.
 * Secrets: struct secret has no formatter.
 * Threads: safe; one write(2) per line. */
__attribute__((sentinel)) void log_event(const struct log *log,
                                         enum log_level level,
                                         const char *event, ...);

/* Logs err as: event code=... at=file:line sqlstate=... msg="..." hint="..." */
void log_error(const struct log *log, const char *event,
               const struct error *err);

bool log_level_parse(const char *name, enum log_level *out);

#endif
