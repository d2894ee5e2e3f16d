/*
 * runtime/ops_parts.h - what the files of ops.h share. Not for others.
 */
#ifndef RUNTIME_OPS_PARTS_H
#define RUNTIME_OPS_PARTS_H

#include "codec/json.h"
#include "core/capture.h"
#include "runtime/ops.h"
#include "target/target.h"

/* A connection for one operation. Owns: caller; target_close(). */
CHECKED enum status op_target(struct runtime *rt, const struct integration *in,
                              bool write, struct target **out,
                              struct error *err);
/* The stored catalogue. Errors: E_NOTFOUND never introspected. */
CHECKED enum status op_catalog(struct arena *a, const struct integration *in,
                               struct catalog **out, struct error *err);
/* What the active features (and `also`) need captured, by the live database's
 * own catalogue. */
CHECKED enum status op_captures(struct runtime *rt, struct arena *a,
                                struct target *t, const char *workspace_id,
                                const struct integration *in, const char *also,
                                struct catalog **c, struct capture **captures,
                                size_t *n, struct error *err);
/* Commits and tells the threads that something changed. */
CHECKED enum status op_commit(struct runtime *rt, struct store_tx **tx,
                              struct error *err);

static inline void
target_closep(struct target **t)
{
    target_close(*t);
}
#define AUTO_TARGET __attribute__((cleanup(target_closep))) struct target *

/* Members by name, for answers built as trees. NULL text is null. */
struct json *op_put_string(struct arena *a, struct json *o, const char *key,
                           const char *text);
struct json *op_put_int(struct arena *a, struct json *o, const char *key,
                        int64_t v);
struct json *op_put_bool(struct arena *a, struct json *o, const char *key,
                         bool v);
struct json *op_put_time(struct arena *a, struct json *o, const char *key,
                         int64_t us);
/* A stored JSON text as a value; null when it cannot be read. */
struct json *op_put_text(struct arena *a, struct json *o, const char *key,
                         const char *json);

#endif
