/*
 * codec/json_scan.h - strings and numbers of the JSON reader; for
 * json_read.c only.
 *
 * Every function leaves the scan after what it read, or refuses: NULL with the
 * reason in s->err.
 */
#ifndef CODEC_JSON_SCAN_H
#define CODEC_JSON_SCAN_H

#include "codec/json.h"

struct json_scan {
    struct arena *a;
    const char *text;
    size_t n, i; /* bytes of the text; the one it stands at */
    struct error *err;
};

/* Reasons; all return NULL so that callers can return them. */
struct json *scan_bad(struct json_scan *s, const char *what);
struct json *scan_ended(struct json_scan *s); /* the text is cut off */
struct json *scan_full(struct json_scan *s);  /* the arena is */

struct json *scan_node(struct json_scan *s, enum json_kind kind, size_t n);
/* From the opening quote on; *n = bytes of the result. */
char *scan_string(struct json_scan *s, size_t *n);
/* From the minus or first digit on. */
struct json *scan_number(struct json_scan *s);

#endif
