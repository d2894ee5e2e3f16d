/* Bodies of the ingest endpoint. */
#include <stdlib.h>

#include "runtime/ingest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA a = arena_new((size_t)64 * 1024 * 1024);
    struct received_event *events = NULL;
    const char *epoch = NULL;
    struct error err = {0};
    size_t n = 0;
    bool wake = false;

    enum status rc = ingest_parse(a, (const char *)data, size, &events, &n,
                                  &epoch, &wake, &err);
    if (rc != OK && !err.msg[0])
        abort();
    for (size_t i = 0; rc == OK && i < n; i++)
        if (!events[i].type || !events[i].metadata)
            abort();
    return 0;
}
