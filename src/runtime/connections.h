/*
 * runtime/connections.h - named receivers of a workspace (Slack, PagerDuty,
 * PostHog, …), sealed in the store. Documents name them; their URLs and
 * tokens are in no document.
 */
#ifndef RUNTIME_CONNECTIONS_H
#define RUNTIME_CONNECTIONS_H

#include "effects/effects.h"
#include "runtime/runtime.h"

/* Analytics events go to the connection of this name, when there is one. */
#define CONNECTION_ANALYTICS "analytics"

/* Name of the setting: prefix and the connection's name. */
#define CONNECTION_PREFIX "connection."
/* What binds the sealed value to its place. NULL: out of memory. */
const char *connection_aad(struct arena *a, const char *workspace_id,
                           const char *name);
CHECKED enum status connection_open(struct runtime *rt, struct arena *a,
                                    const char *workspace_id, const char *name,
                                    const char *sealed,
                                    struct effect_connection *out,
                                    struct error *err);

/* *out NULL: there is none of that name. Lives in `a`.
 * Errors: E_AUTH sealed with another key. */
CHECKED enum status connection_load(struct runtime *rt, struct store_tx *tx,
                                    struct arena *a, const char *workspace_id,
                                    const char *name,
                                    const struct effect_connection **out,
                                    struct error *err);

#endif
