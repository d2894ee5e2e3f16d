#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024, BLOCK_MAX_BYTES = 1024 * 1024 };

struct block {
    struct block *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *head;
    size_t total; /* payload bytes handed out so far */
    size_t max;
};

struct arena *
arena_new(size_t max_bytes)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        a->max = max_bytes;
    return a;
}

static void
blocks_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void
arena_free(struct arena *a)
{
    if (!a)
        return;
    blocks_free(a->head);
    free(a);
}

void
arena_reset(struct arena *a)
{
    if (!a->head)
        return;
    /* The newest block is the largest (they grow); keep that one. */
    blocks_free(a->head->next);
    a->head->next = NULL;
    a->head->used = 0;
    a->total = 0;
}

size_t
arena_used(const struct arena *a)
{
    return a->total;
}

/* Blocks double up to 1 MiB, so that a big batch is few allocations. */
static struct block *
block_add(struct arena *a, size_t need)
{
    size_t cap = a->head ? a->head->cap * 2 : BLOCK_BYTES;

    if (cap > BLOCK_MAX_BYTES)
        cap = BLOCK_MAX_BYTES;
    if (cap < need)
        cap = need;
    struct block *b = malloc(sizeof(*b) + cap);
    if (!b)
        return NULL;
    *b = (struct block){.cap = cap, .next = a->head};
    a->head = b;
    return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);

    assert(a->total <= a->max);
    if (size > a->max - a->total || size > SIZE_MAX - 2 * align)
        return NULL;
    size_t need = (size + align - 1) & ~(align - 1);
    struct block *b = a->head;
    if ((!b || b->cap - b->used < need) && !(b = block_add(a, need)))
        return NULL;
    void *p = b->data + b->used;
    b->used += need;
    a->total += size;
    return memset(p, 0, need);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return arena_alloc(a, bytes);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

    return copy ? memcpy(copy, s, n) : NULL;
}

char *
arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;

    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    char *s = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (s && (size_t)n < sizeof(small))
        memcpy(s, small, (size_t)n + 1);
    else if (s)
        (void)vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}
