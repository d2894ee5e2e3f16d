/*
 * core/retry.h - when a failed attempt is tried again (M9).
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdint.h>

#include "base/err.h"

enum { RETRY_MAX = 8 }; /* retries after the first attempt */

/* Delay before the try after attempt number `attempt` (1 = the first), or -1
 * when there is none left. 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h,
 * each moved by up to 20 % by `random`; never less than retry_after_s (at
 * most a day of it is honoured; -1 = none was given).
 * Source: docs/spec.md M9; the schedule follows Standard Webhooks' example. */
int64_t retry_delay_us(int attempt, int64_t retry_after_s, uint64_t random);

#endif
