#include "core/conversion.h"

#include <math.h>

#define Z 1.959963984540054 /* 95 %, two-sided */

struct share
share_of(int64_t hits, int64_t n)
{
    double total = (double)n;

    if (n <= 0)
        return (struct share){.rate = 0, .low = 0, .high = 1};
    double p = (double)hits / total;
    double middle = p + Z * Z / (2 * total);
    double spread = Z * sqrt(p * (1 - p) / total + Z * Z / (4 * total * total));
    double scale = 1 + Z * Z / total;
    return (struct share){.rate = p,
                          .low = fmax(0, (middle - spread) / scale),
                          .high = fmin(1, (middle + spread) / scale)};
}

struct lift
lift_of(int64_t hits, int64_t n, int64_t base_hits, int64_t base_n)
{
    struct share x = share_of(hits, n), y = share_of(base_hits, base_n);
    double d = x.rate - y.rate;
    double low = sqrt((x.rate - x.low) * (x.rate - x.low) +
                      (y.high - y.rate) * (y.high - y.rate));
    double high = sqrt((x.high - x.rate) * (x.high - x.rate) +
                       (y.rate - y.low) * (y.rate - y.low));

    return (struct lift){.difference = d,
                         .low = d - low,
                         .high = d + high,
                         .significant = n > 0 && base_n > 0 &&
                                        (d - low > 0 || d + high < 0)};
}
