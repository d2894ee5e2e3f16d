/*
 * core/stage.h - how a subject moves through the lifecycle (M11).
 */
#ifndef CORE_STAGE_H
#define CORE_STAGE_H

#include "core/feature.h"

/* Forward, or to the same stage; backwards only when forced. A subject
 * without a stage may take any. */
bool stage_may_move(enum stage from, bool has_from, enum stage to, bool force);

#endif
