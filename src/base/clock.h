/*
 * base/clock.h - wall time as a parameter.
 *
 * Times are integers in microseconds UTC since 1970. The runtime owns one
 * struct clock and passes the instant it reads down as an argument; nothing
 * in core, codec or store reads a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define US_PER_MS  INT64_C(1000)
#define US_PER_S   INT64_C(1000000)
#define US_PER_MIN (60 * US_PER_S)
#define US_PER_H   (3600 * US_PER_S)
#define US_PER_DAY (86400 * US_PER_S)

/* A clock that shows real time moved by a constant. Zero-initialised = real. */
struct clock {
    int64_t offset_us; /* added to real time; `serve --clock-offset` */
};

int64_t clock_now_us(const struct clock *c); /* NULL = real time */
int64_t clock_mono_us(void); /* for durations and timeouts; never jumps */

#endif
