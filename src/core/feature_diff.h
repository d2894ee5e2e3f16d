/*
 * core/feature_diff.h - what differs between two documents, member by member.
 */
#ifndef CORE_FEATURE_DIFF_H
#define CORE_FEATURE_DIFF_H

#include "core/feature.h"

/* [{"path":"timing.cooldown","from":…,"to":…}]: "from" is missing for what was
 * added, "to" for what was taken away. Documents are compared in their
 * canonical form, so spelling does not count. */
struct json *feature_diff(struct arena *a, const struct feature *from,
                          const struct feature *to);
/* "+ exit[0] …", "~ timing.cooldown P1D → P2D", a line each. */
void feature_diff_text(struct buf *out, const struct json *changes);

#endif
