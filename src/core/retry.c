#include "core/retry.h"

#include "base/clock.h"

int64_t
retry_delay_us(int attempt, int64_t retry_after_s, uint64_t random)
{
    static const int64_t delays_s[RETRY_MAX] = {
        5, 30, 120, 600, 1800, 7200, 18000, 36000,
    };

    if (attempt < 1 || attempt > RETRY_MAX)
        return -1;
    int64_t base_us = delays_s[attempt - 1] * US_PER_S;
    int64_t span_us = base_us / 5;
    int64_t delay_us =
        base_us - span_us + (int64_t)(random % (uint64_t)(2 * span_us + 1));
    int64_t least_us = retry_after_s > 86400 ? US_PER_DAY
                       : retry_after_s > 0   ? retry_after_s * US_PER_S
                                             : 0;
    return delay_us < least_us ? least_us : delay_us;
}
