/*
 * base/arena.h - region allocator; the default owner of memory.
 *
 * Rule: one arena per unit of work (HTTP request, batch, CLI run). It is
 * created by the code that starts the work and released by the same function.
 * A function that takes `struct arena *` allocates its result there; a
 * function that does not must not keep the pointers it is given.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

struct arena; /* opaque: defined in arena.c */

/* Creates an arena that refuses to grow past max_bytes (payload bytes).
 * Owns:   caller; release with arena_free() or AUTO_ARENA.
 * Errors: NULL when out of memory. */
struct arena *arena_new(size_t max_bytes);
void arena_free(struct arena *a); /* NULL is allowed */

/* Forgets every allocation but keeps one block, for reuse in a loop. */
void arena_reset(struct arena *a);

/* Payload bytes handed out since creation or the last reset. */
size_t arena_used(const struct arena *a);

/* Returns `size` zeroed bytes aligned for any type, or NULL past the cap. */
__attribute__((malloc, alloc_size(2))) void *arena_alloc(struct arena *a,
                                                         size_t size);
/* As arena_alloc for n items of `size` bytes; NULL when n * size overflows. */
__attribute__((malloc, alloc_size(2, 3))) void *arena_array(struct arena *a,
                                                            size_t n,
                                                            size_t size);
/* All return NULL past the cap; copies are NUL-terminated. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
PRINTF_LIKE(2, 3) char *arena_printf(struct arena *a, const char *fmt, ...);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

static inline void
arena_freep(struct arena **a)
{
    arena_free(*a);
}
#define AUTO_ARENA __attribute__((cleanup(arena_freep))) struct arena *

#endif
