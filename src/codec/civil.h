/*
 * codec/civil.h - calendar arithmetic shared by codec/time.h's files.
 */
#ifndef CODEC_CIVIL_H
#define CODEC_CIVIL_H

#include "codec/time.h"

/* Days since 1970-01-01; the month may be out of range. */
int64_t days_of(int64_t year, int month, int day);
/* Broken-down UTC of seconds since 1970; offset_s is 0. */
struct civil civil_of(int64_t seconds);

#endif
