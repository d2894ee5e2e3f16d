/* The small parsers: the first byte chooses one. */
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "codec/text.h"
#include "codec/time.h"
#include "codec/url.h"
#include "core/path.h"
#include "core/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
times(struct arena *a, const char *s, size_t n)
{
    int64_t us;
    struct cron cron;
    char out[ISO_BYTES];
    (void)a;

    if (iso_parse(s, n, &us, NULL) == OK && us >= 0 &&
        us < INT64_C(253402300800000000)) {
        int64_t again;
        (void)iso_write(us, out);
        if (iso_parse(out, strlen(out), &again, NULL) != OK || again != us)
            abort();
    }
    if (duration_parse(s, &us, NULL) == OK) {
        int64_t again;
        if (duration_parse(duration_write(us, out), &again, NULL) != OK ||
            again != us)
            abort();
    }
    const struct zone *utc = NULL;
    if (cron_parse(s, &cron, NULL) == OK && zone_get("UTC", &utc, NULL) == OK)
        (void)cron_next(&cron, utc, INT64_C(1700000000000000));
}

static void
addresses(struct arena *a, const char *s, size_t n)
{
    struct url url;
    struct path path;

    (void)n;
    (void)!url_parse(a, s, &url, NULL);
    (void)query_get(a, s, "a");
    (void)!path_parse(a, s, &path, NULL);
}

static void
secrets(struct arena *a, const char *s, size_t n)
{
    struct seal_key key = {.id = "00000000"};
    struct secret secret;
    unsigned char *bytes = NULL;
    size_t bytes_n = 0;

    (void)!base64_parse(a, s, n, &bytes, &bytes_n, NULL);
    if (unseal(&key, "x", s, &secret, NULL) == OK)
        abort();
    (void)webhook_verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "id", "1", s,
                         s, n, 1, 300);
}

static void
templates(struct arena *a, const char *s, size_t n)
{
    struct message m;
    struct mail_content mail;
    struct json *context = json_object(a);

    context =
        json_put(a, context, "x", json_string(a, "<b>&\"[a](javascript:x)"));
    if (message_parse(a, "key", s, n, &m, NULL) == OK &&
        message_render(a, &m, context, &mail, NULL) == OK &&
        strpbrk(mail.subject, "\r\n"))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(struct arena *, const char *, size_t) = {
        times, addresses, secrets, templates};
    AUTO_ARENA a = arena_new((size_t)64 * 1024 * 1024);

    if (size < 1 || size > 65536 || memchr(data + 1, '\0', size - 1))
        return 0;
    char *s = arena_strndup(a, (const char *)data + 1, size - 1);
    parsers[data[0] % 4](a, s, size - 1);
    return 0;
}
