/*
 * codec/text.h - base64, hex, UTF-8, percent encoding, HTML and header text,
 * edit distance.
 */
#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

void base64_write(struct buf *out, const void *bytes, size_t n);
void base64url_write(struct buf *out, const void *bytes, size_t n); /* no = */
/* Accepts both alphabets, with or without padding. Errors: E_INPUT. */
CHECKED enum status base64_parse(struct arena *a, const char *text, size_t n,
                                 unsigned char **out, size_t *out_n,
                                 struct error *err);
void hex_write(struct buf *out, const void *bytes, size_t n);
CHECKED enum status hex_parse(const char *text, size_t n, unsigned char *out,
                              size_t out_bytes, struct error *err);

bool utf8_valid(const char *text, size_t n);

void percent_write(struct buf *out, const char *s, size_t n); /* RFC 3986 */
/* Decodes %XX and, when `form`, '+' as space. NULL on a bad escape. */
char *percent_decode(struct arena *a, const char *s, size_t n, bool form);

void html_escape(struct buf *out, const char *s, size_t n);

/* Damerau-Levenshtein distance, case-insensitive over ASCII, capped at 64
 * characters each: for "did you mean". */
int edit_distance(const char *x, const char *y);
/* Index of the nearest name within a third of its length, or -1. */
int nearest_name(const char *word, const char *const *names, size_t n);

#endif
