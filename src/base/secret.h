/*
 * base/secret.h - bytes that must not be printed.
 *
 * There is no formatter for struct secret on purpose. Memory is wiped when
 * freed. Give the bytes to crypto, libpq or curl only.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#include "base/err.h"

struct secret {
    unsigned char *bytes; /* NUL-terminated after n for C APIs */
    size_t n;
};

CHECKED enum status secret_copy(const void *bytes, size_t n, struct secret *out,
                                struct error *err);
void secret_free(struct secret *s); /* wipes; zeroed struct allowed */
/* Constant time in n; false when lengths differ. */
bool secret_equal(const void *a, size_t an, const void *b, size_t bn);
/* Hides the password and query of a URL or connection string for messages:
 * postgres://user:xxx@host/db. Returns out. */
char *secret_mask_url(const char *url, char *out, size_t out_bytes);

#endif
