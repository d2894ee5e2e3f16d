#include "core/stage.h"

bool
stage_may_move(enum stage from, bool has_from, enum stage to, bool force)
{
    return force || !has_from || to >= from;
}
