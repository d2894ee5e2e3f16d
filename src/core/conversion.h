/*
 * core/conversion.h - shares and their difference, with intervals that hold
 * for small numbers too.
 *
 * Source: E. B. Wilson, "Probable inference", JASA 22 (1927); R. G. Newcombe,
 * "Interval estimation for the difference between independent proportions",
 * Statistics in Medicine 17 (1998), method 10.
 */
#ifndef CORE_CONVERSION_H
#define CORE_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

struct share {
    double rate, low, high; /* 95 % interval */
};
/* `hits` of n; n 0 gives a rate of 0 in [0, 1]. */
struct share share_of(int64_t hits, int64_t n);

struct lift {
    double difference, low, high; /* of the rates, 95 % interval */
    bool significant;             /* the interval does not hold 0 */
};
struct lift lift_of(int64_t hits, int64_t n, int64_t base_hits, int64_t base_n);

#endif
