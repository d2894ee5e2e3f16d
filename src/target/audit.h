/*
 * target/audit.h - rows that a capture should have told of: what an audit
 * compares with the events that came.
 */
#ifndef TARGET_AUDIT_H
#define TARGET_AUDIT_H

#include "core/capture.h"
#include "target/target.h"

/* Keys of rows made in [since, until) that fulfil what the trigger's body asks
 * for and do not wait in event_log, newest first.
 * Errors: E_UNSUPPORTED, with the reason, when the table has no key or does not
 * tell when a row was made; E_DB. */
CHECKED enum status audit_rows(struct target *t, struct arena *a,
                               const struct catalog *c,
                               const struct capture *capture, int64_t since_us,
                               int64_t until_us, size_t limit,
                               const char ***out, size_t *n, struct error *err);

#endif
