/*
 * codec/time.h - ISO 8601 instants and durations, IANA zones, cron.
 *
 * Instants are microseconds UTC (see base/clock.h). Civil rules come from the
 * system's tzdata (/usr/share/zoneinfo, TZDIR respected), read and cached by
 * a small reader; tests compare it with zdump.
 */
#ifndef CODEC_TIME_H
#define CODEC_TIME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"

enum { ISO_BYTES = 32 };

/* "2026-11-24T09:00:00.123456Z". Returns out. */
char *iso_write(int64_t us, char out[ISO_BYTES]);
/* Accepts what PostgreSQL prints too: space for T, +00, +05:30, no zone (read
 * as UTC), date only. Up to 6 fractional digits, more are cut.
 * Errors: E_INPUT. */
CHECKED enum status iso_parse(const char *text, size_t n, int64_t *us,
                              struct error *err);

/* ISO 8601 duration of the feature schema: P[nD][T[nH][nM][nS]].
 * At most 3650 days. Errors: E_INPUT. */
CHECKED enum status duration_parse(const char *text, int64_t *us,
                                   struct error *err);
/* Canonical text of a duration: "P2D", "PT1H30M", "PT0S". Returns out. */
char *duration_write(int64_t us, char out[ISO_BYTES]);
/* For people: "2 days", "1 h 30 min", "0.4 s". Returns out. */
char *duration_human(int64_t us, char out[ISO_BYTES]);

/* Broken-down local time in a zone. */
struct civil {
    int year, month, day; /* 1-based month and day */
    int hour, minute, second;
    int weekday;  /* 0 = Sunday */
    int offset_s; /* east of UTC */
};

struct zone; /* opaque; cached for ever, never freed; threads: safe */

/* "UTC", "Europe/Helsinki". Errors: E_INPUT for an unknown name (with the
 * nearest) or one that leaves the zoneinfo folder. */
CHECKED enum status zone_get(const char *name, const struct zone **out,
                             struct error *err);
struct civil zone_civil(const struct zone *z, int64_t us);
/* Instant of a local time. In a gap: the instant the clocks jump to; in an
 * overlap: the earlier instant. Fields beyond their range are normalised. */
int64_t zone_instant(const struct zone *z, const struct civil *local);

/* Five-field cron (minute hour day month weekday; names, lists, ranges,
 * steps; Vixie rule for day and weekday: when neither begins with a star, one
 * of them is enough). */
struct cron {
    uint64_t minutes; /* bit i = minute i */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday;
};
CHECKED enum status cron_parse(const char *text, struct cron *out,
                               struct error *err);
/* First instant > after_us at which it fires in the zone. A local time that
 * does not exist fires at the jump; one that exists twice fires once.
 * INT64_MAX when it never fires (31 February). */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_us);

#endif
