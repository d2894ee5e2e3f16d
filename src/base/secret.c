#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status
secret_copy(const void *bytes, size_t n, struct secret *out, struct error *err)
{
    unsigned char *copy = malloc(n + 1);

    if (!copy)
        return fail(err, E_NOMEM, "secret");
    if (n)
        memcpy(copy, bytes, n);
    copy[n] = '\0';
    *out = (struct secret){.bytes = copy, .n = n};
    return OK;
}

void
secret_free(struct secret *s)
{
    if (s->bytes)
        explicit_bzero(s->bytes, s->n);
    free(s->bytes);
    *s = (struct secret){0};
}

bool
secret_equal(const void *a, size_t an, const void *b, size_t bn)
{
    const unsigned char *x = a, *y = b;
    unsigned char differ = 0;

    if (an != bn)
        return false;
    for (size_t i = 0; i < an; i++)
        differ = (unsigned char)(differ | (x[i] ^ y[i]));
    return differ == 0;
}

/* A password may hold '@', '/' or '?' that should have been escaped: what could
 * be part of one is not shown. */
char *
secret_mask_url(const char *url, char *out, size_t out_bytes)
{
    const char *scheme = strstr(url, "://");

    if (!scheme) {
        /* key=value form: nothing in it is safe to show */
        (void)snprintf(out, out_bytes, "(connection string)");
        return out;
    }
    const char *from = scheme + 3;
    const char *query = from + strcspn(from, "?#");
    const char *at = strrchr(from, '@'), *shown = query;
    bool in_query = at && at > query;

    if (at)
        shown = from + strcspn(from, in_query ? ":?#" : ":@");
    bool password = at && *shown == ':';
    (void)snprintf(out, out_bytes, "%.*s%s%.*s", (int)(shown - url), url,
                   password ? ":xxx" : "",
                   at && !in_query ? (int)(query - at) : 0, at ? at : "");
    return out;
}
