/*
 * codec/url.h - absolute http(s) URLs and query strings.
 */
#ifndef CODEC_URL_H
#define CODEC_URL_H

#include "base/arena.h"

struct url {
    const char *scheme; /* lower case */
    const char *user;   /* NULL when absent */
    const char *host;   /* lower case; IPv6 without brackets */
    int port;           /* 0 when absent */
    const char *path;   /* "/" at least */
    const char *query;  /* without '?'; NULL when absent */
};

CHECKED enum status url_parse(struct arena *a, const char *text,
                              struct url *out, struct error *err);

/* Value of a key in "a=1&b=2" (first one), percent-decoded; NULL if absent. */
const char *query_get(struct arena *a, const char *query, const char *key);

#endif
