#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct code_row {
    const char *name;
    short http;
    short exit_status;
    bool retry;
} code_rows[] = {
#define X(sym, wire, http_status, status, again) \
    [sym] = {.name = (wire),                     \
             .http = (http_status),              \
             .exit_status = (status),            \
             .retry = (again)},
    STATUS_LIST(X)
#undef X
};
static_assert(sizeof(code_rows) / sizeof(code_rows[0]) == STATUS_COUNT,
              "every code has a row");

enum status
error_set(struct error *err, enum status code, const char *file, int line,
          const char *fmt, ...)
{
    assert(code != OK && code < STATUS_COUNT);
    if (!err)
        return code;

    /* The hint may have been set just before: keep it. */
    char hint[sizeof(err->hint)];
    memcpy(hint, err->hint, sizeof(hint));
    bool keep = err->code == OK;
    *err = (struct error){.code = code, .file = file, .line = line};
    if (keep)
        memcpy(err->hint, hint, sizeof(hint));
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return code;
}

enum status
error_wrap(struct error *err, const char *fmt, ...)
{
    char context[sizeof(err->msg)];

    if (!err || err->code == OK)
        return E_BUG;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(context, sizeof(context) - 3, fmt, ap);
    va_end(ap);
    if (n <= 0)
        return err->code;

    /* Keep the context whole and cut the tail: the outer words tell the
     * operator what was being done. */
    size_t used = strlen(context);
    context[used++] = ':';
    context[used++] = ' ';
    size_t room = sizeof(err->msg) - used - 1;
    size_t keep = strnlen(err->msg, room);
    memmove(err->msg + used, err->msg, keep);
    memcpy(err->msg, context, used);
    err->msg[used + keep] = '\0';
    return err->code;
}

enum status
error_field(struct error *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return E_BUG;
    va_start(ap, fmt);
    (void)vsnprintf(err->field, sizeof(err->field), fmt, ap);
    va_end(ap);
    return err->code;
}

enum status
error_hint(struct error *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return E_BUG;
    va_start(ap, fmt);
    (void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
    return err->code;
}

const char *
status_name(enum status code)
{
    return code_rows[code].name;
}

int
status_http(enum status code)
{
    return code_rows[code].http;
}

int
status_exit(enum status code)
{
    return code_rows[code].exit_status;
}

bool
status_retryable(enum status code)
{
    return code_rows[code].retry;
}
