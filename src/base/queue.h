/*
 * base/queue.h - bounded queue of pointers between threads.
 *
 * Threads: all functions are safe from any thread. The queue never owns what
 * the pointers point at.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue; /* opaque */

struct queue *queue_new(size_t max_items); /* NULL when out of memory */
void queue_free(struct queue *q);          /* NULL is allowed */

/* False when the queue is full or closed; never blocks. */
CHECKED bool queue_try_push(struct queue *q, void *item);
/* Moves up to `max` items into out; waits up to timeout_ms for the first
 * (-1 = for ever). Returns the count; 0 = time-out, or closed and empty. */
size_t queue_pop_many(struct queue *q, void **out, size_t max, int timeout_ms);
void queue_close(struct queue *q); /* pushes fail, pops drain then return 0 */
bool queue_closed(struct queue *q);
size_t queue_length(struct queue *q);

#endif
