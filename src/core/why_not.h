/*
 * core/why_not.h - what would have to change for a subject to enter (M12).
 */
#ifndef CORE_WHY_NOT_H
#define CORE_WHY_NOT_H

#include "core/decide.h"

/* Sentences, from the decision that decide_entry() made with a trace: [] when
 * it entered. `row` is the trigger's row as it is now. */
struct json *why_not_changes(struct arena *a, const struct feature *f,
                             const struct decision *d,
                             const struct enrolment *enrolment,
                             const struct json *row);
/* "a row is inserted into public.tasks", "plan of auth.users becomes pro". */
void trigger_words(struct buf *out, const struct feature *f);

#endif
