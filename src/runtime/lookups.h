/*
 * runtime/lookups.h - one thread's connections to the customers' databases,
 * for facts and scans. Opened on demand, kept, dropped on error with a pause
 * before the next try.
 */
#ifndef RUNTIME_LOOKUPS_H
#define RUNTIME_LOOKUPS_H

#include "base/secret.h"
#include "runtime/registry.h"
#include "target/target.h"

struct lookups; /* opaque; one thread's */

struct lookups *lookups_new(struct runtime *rt); /* NULL: out of memory */
void lookups_free(struct lookups *l);

/* A live, read-only connection. Owns: the lookups. Blocks while connecting.
 * Errors: E_NET, E_AUTH, E_DB; E_BUSY while the pause after a failure lasts;
 *         E_FORBIDDEN for an integration without a connection string. */
CHECKED enum status lookups_target(struct lookups *l,
                                   const struct live_integration *li,
                                   struct target **out, struct error *err);
/* Tells that it broke, or does not answer as it should. */
void lookups_drop(struct lookups *l, const struct live_integration *li);

/* The connection string of an integration, unsealed.
 * Errors: E_FORBIDDEN none stored; E_AUTH wrong key. */
CHECKED enum status integration_dsn(struct runtime *rt,
                                    const struct integration *row,
                                    struct secret *out, struct error *err);

#endif
