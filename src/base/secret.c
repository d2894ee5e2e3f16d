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

char *
secret_mask_url(const char *url, char *out, size_t out_bytes)
{
    const char *scheme = strstr(url, "://");
    const char *at = scheme ? strchr(scheme + 3, '@') : NULL;
    const char *colon = scheme ? strchr(scheme + 3, ':') : NULL;
    const char *query = scheme ? strchr(scheme + 3, '?') : NULL;

    if (!scheme) {
        /* key=value form: nothing in it is safe to show but the host */
        (void)snprintf(out, out_bytes, "(connection string)");
        return out;
    }
    int tail = query ? (int)(query - (at ? at : scheme + 3))
                     : (int)strlen(at ? at : scheme + 3);
    if (at && colon && colon < at)
        (void)snprintf(out, out_bytes, "%.*s:xxx%.*s", (int)(colon - url), url,
                       tail, at);
    else if (at)
        (void)snprintf(out, out_bytes, "%.*s%.*s", (int)(at - url), url, tail,
                       at);
    else
        (void)snprintf(out, out_bytes, "%.*s%.*s", (int)(scheme + 3 - url), url,
                       tail, scheme + 3);
    return out;
}
