/* Any bytes: refused with a reason, or read, written and read again alike; and
 * json-c, which refuses less, reads the same. */
#define json_bool   jsonc_bool
#define json_object jsonc_object
#include <json-c/json.h>
#undef json_bool
#undef json_object

#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jsonc_object *
oracle(const char *text, size_t n)
{
    struct json_tokener *t = json_tokener_new_ex(JSON_MAX_DEPTH + 1);

    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct jsonc_object *o = json_tokener_parse_ex(t, text, (int)n);
    if (json_tokener_get_error(t) == json_tokener_continue)
        o = json_tokener_parse_ex(t, "", 1);
    if (json_tokener_get_error(t) != json_tokener_success)
        abort();
    json_tokener_free(t);
    return o;
}

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
    struct jsonc_object *theirs = oracle((const char *)data, size);
    struct jsonc_object *ours = oracle(text, strlen(text));
    /* json-c also replaces some surrogate pairs that are whole. */
    bool replaced = strstr(json_object_to_json_string(theirs), "\xef\xbf\xbd");
    if (!replaced && !json_object_equal(theirs, ours))
        abort();
    json_object_put(theirs);
    json_object_put(ours);
    return 0;
}
