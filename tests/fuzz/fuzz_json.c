/* Any bytes: refused with a reason, or read, written and read again alike. */
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA a = arena_new((size_t)64 * 1024 * 1024);
    struct json *j = NULL, *again = NULL;
    struct error err = {0};

    if (json_parse(a, (const char *)data, size, 1 << 20, &j, &err) != OK) {
        if (!err.msg[0])
            abort();
        return 0;
    }
    const char *text = json_text(a, j);
    if (!text ||
        json_parse(a, text, strlen(text), 1 << 24, &again, &err) != OK ||
        !json_equal(j, again))
        abort();
    return 0;
}
