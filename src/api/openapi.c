/* OpenAPI 3.1 from the route table; schemas from assets/schemas.json. */
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "base/embedded.h"

extern const struct embedded api_assets[];

enum { DOCUMENT_MAX_BYTES = 256 * 1024 };

static void
schema_ref(struct json_writer *w, const char *name)
{
    char ref[96];

    (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
    jw_key(w, "schema");
    jw_object(w);
    jw_kv_string(w, "$ref", ref);
    jw_object_end(w);
}

static void
content(struct json_writer *w, const char *type, const char *schema)
{
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, type);
    jw_object(w);
    if (schema)
        schema_ref(w, schema);
    jw_object_end(w);
    jw_object_end(w);
}

static void
parameter(struct json_writer *w, const char *name, const char *in,
          const char *type, const char *help)
{
    jw_object(w);
    jw_kv_string(w, "name", name);
    jw_kv_string(w, "in", in);
    jw_kv_bool(w, "required", strcmp(in, "path") == 0);
    if (help)
        jw_kv_string(w, "description", help);
    jw_key(w, "schema");
    jw_object(w);
    jw_kv_string(w, "type", type);
    jw_object_end(w);
    jw_object_end(w);
}

static void
parameters(struct json_writer *w, const struct api_route *r)
{
    const char *open = strchr(r->path, '{');
    char name[32] = "";

    jw_key(w, "parameters");
    jw_array(w);
    if (open) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(open + 1, "}"),
                       open + 1);
        parameter(w, name, "path", "string", NULL);
    }
    for (const struct route_param *p = r->query; p && p->name; p++)
        parameter(w, p->name, "query", p->type, p->help);
    jw_array_end(w);
}

static void
request_body(struct json_writer *w, const struct api_route *r)
{
    static const char *const yaml[] = {"FeatureDocument", "MessageText"};
    static const char *const types[] = {"application/yaml", "text/markdown"};
    const char *type = "application/json";

    if (!r->body)
        return;
    for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++)
        if (strcmp(r->body, yaml[i]) == 0)
            type = types[i];
    jw_key(w, "requestBody");
    jw_object(w);
    content(w, type, r->body);
    jw_object_end(w);
}

static void
responses(struct json_writer *w, const struct api_route *r)
{
    char code[12];

    (void)snprintf(code, sizeof(code), "%d", r->status ? r->status : 200);
    jw_key(w, "responses");
    jw_object(w);
    jw_key(w, code);
    jw_object(w);
    jw_kv_string(w, "description", r->summary);
    content(w, r->type ? r->type : "application/json", r->answer);
    jw_object_end(w);
    jw_key(w, "default");
    jw_object(w);
    jw_kv_string(w, "description", "what went wrong and what to do");
    content(w, "application/json", "Error");
    jw_object_end(w);
    jw_object_end(w);
}

static void
security(struct json_writer *w, const struct api_route *r)
{
    jw_kv_string(w, "x-role", role_name(r->role));
    jw_key(w, "security");
    jw_array(w);
    if (r->role != ROLE_PUBLIC) {
        jw_object(w);
        jw_key(w, r->role == ROLE_INGEST ? "ingestSecret" : "bearer");
        jw_array(w);
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void
operation(struct json_writer *w, const struct api_route *r)
{
    char method[8] = "";

    for (size_t i = 0; r->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)(r->method[i] | 0x20);
    jw_key(w, method);
    jw_object(w);
    jw_kv_string(w, "summary", r->summary);
    jw_key(w, "tags");
    jw_array(w);
    jw_string(w, r->tag);
    jw_array_end(w);
    security(w, r);
    parameters(w, r);
    request_body(w, r);
    responses(w, r);
    jw_object_end(w);
}

static bool
path_before(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
            return true;
    return false;
}

static void
paths(struct json_writer *w)
{
    jw_key(w, "paths");
    jw_object(w);
    for (size_t i = 0; i < api_route_count; i++) {
        if (path_before(i))
            continue;
        jw_key(w, api_routes[i].path);
        jw_object(w);
        for (size_t k = i; k < api_route_count; k++)
            if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
                operation(w, &api_routes[k]);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void
components(struct json_writer *w)
{
    jw_key(w, "components");
    jw_object(w);
    jw_kv_raw(w, "securitySchemes",
              "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
              "\"ingestSecret\":{\"type\":\"apiKey\",\"in\":\"header\","
              "\"name\":\"x-skene-secret\"}}");
    for (const struct embedded *e = api_assets; e->name; e++)
        if (strcmp(e->name, "schemas.json") == 0)
            jw_kv_raw(w, "schemas", e->from);
    jw_object_end(w);
}

enum status
openapi_write(struct arena *a, const char **out, size_t *n, struct error *err)
{
    AUTO_BUF text = buf_new(DOCUMENT_MAX_BYTES);
    struct json_writer w = jw_new(&text);

    jw_object(&w);
    jw_kv_string(&w, "openapi", "3.1.0");
    jw_key(&w, "info");
    jw_object(&w);
    jw_kv_string(&w, "title", "skene");
    jw_kv_string(&w, "version", SKENE_VERSION);
    jw_object_end(&w);
    paths(&w);
    components(&w);
    jw_object_end(&w);
    enum status rc = buf_check(&text, "OpenAPI document", err);
    if (rc != OK)
        return rc;
    *out = arena_strndup(a, text.data, text.len);
    *n = text.len;
    return *out ? OK : fail(err, E_NOMEM, "OpenAPI document");
}
