/*
 * base/buf.h - growable byte buffer with a maximum written at creation.
 *
 * Appends never report an error one by one: the first that would pass `max`
 * or runs out of memory sets `failed`, later ones do nothing, and the owner
 * checks once with buf_ok(). The text is NUL-terminated after each append.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
    char *data; /* "" before the first append */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
    bool no_memory; /* why it failed; else it is over max */
};

/* Owns: the caller; release with buf_free() or AUTO_BUF. Nothing is allocated
 * until the first append. */
struct buf buf_new(size_t max_bytes);
void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empty and sound again; keeps memory */
/* Hands the bytes to the caller (free()); NULL when failed. b is reset. */
char *buf_take(struct buf *b, size_t *len);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
PRINTF_LIKE(2, 3) void buf_printf(struct buf *b, const char *fmt, ...);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);

static inline bool
buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* `E_TOOBIG`/`E_NOMEM` when the buffer failed, else OK. `what` names it. */
CHECKED enum status buf_check(const struct buf *b, const char *what,
                              struct error *err);

static inline void
buf_freep(struct buf *b)
{
    buf_free(b);
}
#define AUTO_BUF __attribute__((cleanup(buf_freep))) struct buf

#endif
