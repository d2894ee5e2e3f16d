/*
 * runtime/drain_open.h - connects to a customer's database and prepares it for
 * draining, on a thread of its own: name resolution and a silent host may take
 * seconds, and the drain of the others must not wait for them.
 */
#ifndef RUNTIME_DRAIN_OPEN_H
#define RUNTIME_DRAIN_OPEN_H

#include "runtime/parts.h"
#include "target/target.h"

enum { EPOCH_BYTES = 64 };

struct opening; /* opaque */

/* `wake_fd` (eventfd) is rung when it is done. */
CHECKED enum status opening_start(struct runtime *rt,
                                  const struct integration *row, int wake_fd,
                                  struct opening **out, struct error *err);
bool opening_done(const struct opening *o);
/* Waits for the end (up to the connect timeout when it is not done), frees `o`
 * and gives the connection, or why there is none: the errors of target_open()
 * and drain_start(). Owns: caller; target_close(). */
CHECKED enum status opening_take(struct opening *o, struct target **out,
                                 char epoch[EPOCH_BYTES], struct error *err);

#endif
