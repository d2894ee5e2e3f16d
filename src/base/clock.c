#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t
read_us(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts); /* cannot fail for these ids */
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t
clock_now_us(const struct clock *c)
{
    return read_us(CLOCK_REALTIME) + (c ? c->offset_us : 0);
}

int64_t
clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
