#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1];

struct buf
buf_new(size_t max_bytes)
{
    return (struct buf){.data = empty, .max = max_bytes};
}

void
buf_free(struct buf *b)
{
    if (b->cap)
        free(b->data);
    *b = buf_new(b->max);
}

void
buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = b->no_memory = false;
    if (b->cap)
        b->data[0] = '\0';
}

char *
buf_take(struct buf *b, size_t *len)
{
    char *data = b->failed ? NULL : b->data;

    if (data && !b->cap)
        data = calloc(1, 1);
    if (len)
        *len = data ? b->len : 0;
    if (!data)
        buf_free(b);
    *b = buf_new(b->max);
    return data;
}

static bool
reserve(struct buf *b, size_t n)
{
    if (b->failed || n > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap *= 2;
    char *data = realloc(b->cap ? b->data : NULL, cap);
    if (!data) {
        b->failed = b->no_memory = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void
buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
    } else if (reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

enum status
buf_check(const struct buf *b, const char *what, struct error *err)
{
    if (!b->failed)
        return OK;
    if (b->no_memory)
        return fail(err, E_NOMEM, "%s", what);
    return fail(err, E_TOOBIG, "%s is over %zu bytes", what, b->max);
}
