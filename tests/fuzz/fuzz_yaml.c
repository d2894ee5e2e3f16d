/* Feature documents as a person types them, YAML or JSON. */
#include <stdlib.h>
#include <string.h>

#include "codec/yaml.h"
#include "core/feature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA a = arena_new((size_t)64 * 1024 * 1024);
    AUTO_BUF out = buf_new(1 << 24);
    struct json *j = NULL, *again = NULL;
    struct feature *f = NULL;
    struct error err = {0};
    char *text = arena_strndup(a, (const char *)data, size);

    if (!text || size > 65536)
        return 0;
    if (yaml_parse(a, text, size, 65536, &j, &err) == OK) {
        yaml_write(&out, j);
        struct error second = {0};
        if (buf_ok(&out) &&
            (yaml_parse(a, out.data, out.len, 1 << 24, &again, &second) != OK ||
             !json_equal(j, again)))
            abort();
    }
    err = (struct error){0};
    if (feature_parse_text(a, text, size, &f, &err) == OK) {
        /* What was read is written in a form that reads the same. */
        struct feature *g = NULL;
        struct json *doc = feature_to_json(a, f, NULL);
        if (doc && feature_parse(a, doc, &g, &err) != OK)
            abort();
    } else if (!err.msg[0]) {
        abort();
    }
    return 0;
}
