/*
 * base/err.h - the one error type of the program.
 *
 * A function that can fail returns `enum status` and takes `struct error
 * *err` last. The caller owns *err (usually on its stack); nothing here
 * allocates, so reporting "out of memory" cannot itself fail.
 *
 * A message says what, where and what to do about it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* One row per code: X(symbol, wire name, HTTP status, exit status, retry?) */
#define STATUS_LIST(X)                               \
    X(OK, "ok", 200, 0, false)                       \
    X(E_INPUT, "bad_input", 400, 65, false)          \
    X(E_AUTH, "unauthorized", 401, 77, false)        \
    X(E_FORBIDDEN, "forbidden", 403, 77, false)      \
    X(E_NOTFOUND, "not_found", 404, 66, false)       \
    X(E_CONFLICT, "conflict", 409, 73, false)        \
    X(E_TOOBIG, "payload_too_large", 413, 65, false) \
    X(E_INVALID, "invalid", 422, 65, false)          \
    X(E_BUSY, "busy", 503, 75, true)                 \
    X(E_DB, "database", 502, 69, true)               \
    X(E_NET, "upstream", 502, 69, true)              \
    X(E_TIMEOUT, "timeout", 504, 75, true)           \
    X(E_IO, "io", 500, 74, true)                     \
    X(E_STORE, "store", 503, 75, true)               \
    X(E_NOMEM, "no_memory", 503, 71, true)           \
    X(E_UNSUPPORTED, "unsupported", 501, 69, false)  \
    X(E_BUG, "internal", 500, 70, false)

enum status {
#define X(sym, name, http, exit_status, retry) sym,
    STATUS_LIST(X)
#undef X
        STATUS_COUNT
};

struct error {
    enum status code;
    int sys_errno;    /* 0 unless a system call failed */
    char sqlstate[6]; /* "" unless Postgres answered with one */
    char field[128];  /* path of the offending field of the input, or "" */
    const char *file; /* where the error was first raised */
    int line;
    char msg[512];  /* outermost context first: "push: trigger users: ..." */
    char hint[256]; /* what to do about it, or "" */
};

#define CHECKED                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Raise: fills *err (may be NULL) and returns `code`, so callers write
 * `return fail(err, E_INPUT, "cooldown must be >= 0 s, got %d", s);` */
#define fail(err, code, ...)                                          \
    ((void)error_set((err), (code), __FILE__, __LINE__, __VA_ARGS__), \
     (enum status)(code))

PRINTF_LIKE(5, 6)
enum status error_set(struct error *err, enum status code, const char *file,
                      int line, const char *fmt, ...);

/* Prepends "context: " to err->msg and returns err->code. Never changes the
 * code, file or line: the first raise stays visible. `err` must hold an error
 * (a NULL or empty one returns E_BUG). */
PRINTF_LIKE(2, 3)
enum status error_wrap(struct error *err, const char *fmt, ...);

/* Sets err->field (path of the offending input) and returns err->code. */
PRINTF_LIKE(2, 3)
enum status error_field(struct error *err, const char *fmt, ...);

/* Sets err->hint (what to do) and returns err->code. May come just before the
 * fail() it belongs to, on an error that is still empty. */
PRINTF_LIKE(2, 3)
enum status error_hint(struct error *err, const char *fmt, ...);

const char *status_name(enum status code);
int status_http(enum status code);
int status_exit(enum status code);
bool status_retryable(enum status code);

#endif
