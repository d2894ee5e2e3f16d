/*
 * Every allocation fails in turn: the Nth malloc, calloc or realloc of our own
 * code (linked with --wrap), then every size at which the arena may be full.
 * Each time the answer must be an error that says so, and AddressSanitizer
 * must find nothing lost.
 */
#include "../unit/core/saas.h"

#include "codec/crypto.h"
#include "codec/url.h"
#include "codec/yaml.h"
#include "core/capture.h"
#include "core/diagram.h"
#include "core/template.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long left; /* allocations until one fails; 0: none does */
static bool hit;
static int wrong; /* answers that were not E_NOMEM with a reason */

static bool
fails(void)
{
    if (left == 0 || --left > 0)
        return false;
    hit = true;
    return true;
}

void *
__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

/* What the scenarios work on, made before anything fails. */
static struct {
    struct arena *a;
    const char *feature, *message, *json, *sealed;
    struct catalog *catalog;
    struct feature *parsed;
    struct json *context, *catalog_json;
    struct seal_key key;
} in;

static enum status
no_room(struct error *err, const char *what)
{
    return error_set(err, E_NOMEM, __FILE__, __LINE__, "%s", what);
}

static enum status
json_there_and_back(struct arena *a, struct error *err)
{
    struct json *j = NULL;
    AUTO_BUF out = buf_new(TEST_BYTES);
    enum status rc =
        json_parse(a, in.json, strlen(in.json), TEST_BYTES, &j, err);

    if (rc != OK)
        return rc;
    json_write(&out, j, true);
    rc = buf_check(&out, "JSON", err);
    buf_reset(&out);
    json_write_canonical(&out, j);
    if (rc == OK)
        rc = buf_check(&out, "JSON", err);
    if (rc != OK)
        return rc;
    j = json_clone(a, j);
    return j && json_text(a, j) ? OK : no_room(err, "copy");
}

static enum status
yaml_there_and_back(struct arena *a, struct error *err)
{
    struct json *j = NULL;
    AUTO_BUF out = buf_new(TEST_BYTES);
    enum status rc =
        yaml_parse(a, in.feature, strlen(in.feature), TEST_BYTES, &j, err);

    if (rc != OK)
        return rc;
    yaml_write(&out, j);
    return buf_check(&out, "YAML", err);
}

static enum status
secrets(struct arena *a, struct error *err)
{
    const char *sealed = NULL, *token = NULL;
    struct secret open = {0};
    enum status rc = seal(a, &in.key, "place", "secret", 6, &sealed, err);

    if (rc == OK && strlen(sealed) != strlen(in.sealed))
        broken("half a sealed secret: %s", sealed);
    if (rc == OK)
        rc = unseal(&in.key, "place", in.sealed, &open, err);
    secret_free(&open);
    if (rc == OK)
        rc = random_token(a, "sk_", 24, &token, err);
    if (rc == OK && strlen(token) != 35)
        broken("half a token: %s", token);
    return rc;
}

#define WEBHOOK_KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static enum status
signatures(struct arena *a, struct error *err)
{
    const char *signature = NULL;
    enum status rc =
        webhook_sign(a, WEBHOOK_KEY, "id", 1, "body", 4, &signature, err);

    if (rc == OK && strlen(signature) != 47)
        broken("half a signature: %s", signature);
    if (rc == OK &&
        !webhook_verify(WEBHOOK_KEY, "id", "1", signature, "body", 4, 1, 300))
        rc = no_room(err, "verify");
    return rc;
}

/* What is no signature is not one without memory either. */
static enum status
forgeries(struct arena *a, struct error *err)
{
    (void)a;
    if (webhook_verify(WEBHOOK_KEY, "id", "1", " v1, v1,AAAA", "body", 4, 1,
                       300))
        broken("a forged signature was accepted");
    return hit ? no_room(err, "refused") : OK;
}

static enum status
urls(struct arena *a, struct error *err)
{
    struct url u;
    enum status rc =
        url_parse(a, "https://u:p@Host.Test:8443/path?q=1&r=%41", &u, err);

    if (rc != OK)
        return rc;
    if (!u.user || !u.host || !u.path || !u.query)
        broken("a URL lost a part");
    return query_get(a, u.query, "r") ? OK : no_room(err, "query");
}

static enum status
catalogs(struct arena *a, struct error *err)
{
    struct catalog *c = NULL;
    enum status rc = catalog_from_json(a, in.catalog_json, &c, err);

    if (rc != OK)
        return rc;
    return catalog_to_json(a, c) ? OK : no_room(err, "catalog");
}

static enum status
features(struct arena *a, struct error *err)
{
    struct feature *f = NULL;
    enum status rc =
        feature_parse_text(a, in.feature, strlen(in.feature), &f, err);

    if (rc == OK)
        rc = feature_check(in.catalog, f, err);
    if (rc != OK)
        return rc;
    struct json *doc = feature_to_json(a, f, in.catalog);
    return doc && feature_source(a, f) ? OK : no_room(err, "document");
}

static enum status
captures(struct arena *a, struct error *err)
{
    const struct feature *list[] = {in.parsed};
    struct capture *c = NULL;
    struct watch *w = NULL;
    size_t n = 0;
    enum status rc = capture_wanted(a, in.catalog, list, 1, &c, &n, err);

    return rc == OK ? feature_watches(a, in.parsed, &w, &n, err) : rc;
}

static enum status
plans(struct arena *a, struct error *err)
{
    static const struct object wanted[] = {
        {.kind = "schema", .name = "s", .on = "", .digest = "1", .sql = "x"},
        {.kind = "trigger",
         .name = "t",
         .on = "public.tasks",
         .digest = "2",
         .sql = "x",
         .drop = "y"},
    };
    struct plan *plan = NULL;
    enum status rc = plan_diff(a, wanted, 2, wanted + 1, 1, &plan, err);

    return rc != OK || plan_to_json(a, plan) ? rc : no_room(err, "plan");
}

static enum status
diagrams(struct arena *a, struct error *err)
{
    AUTO_BUF out = buf_new(TEST_BYTES);
    (void)a;

    diagram_text(&out, in.parsed);
    diagram_mermaid(&out, in.parsed);
    diagram_svg(&out, in.parsed);
    return buf_check(&out, "diagram", err);
}

static enum status
messages(struct arena *a, struct error *err)
{
    struct message m;
    struct mail_content mail;
    enum status rc =
        message_parse(a, "welcome", in.message, strlen(in.message), &m, err);

    return rc == OK ? message_render(a, &m, in.context, &mail, err) : rc;
}

static const struct {
    const char *name;
    enum status (*run)(struct arena *a, struct error *err);
} scenarios[] = {
    {"json", json_there_and_back}, {"yaml", yaml_there_and_back},
    {"secrets", secrets},          {"signatures", signatures},
    {"forgeries", forgeries},      {"urls", urls},
    {"catalogs", catalogs},        {"features", features},
    {"captures", captures},        {"plans", plans},
    {"diagrams", diagrams},        {"messages", messages},
};
enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

static void
check(const char *name, const char *what, long n, enum status rc,
      const struct error *err)
{
    static const char *last_file;
    static int last_line;

    if (rc == E_NOMEM && err->code == E_NOMEM && err->msg[0])
        return;
    wrong++;
    if (err->file && err->file == last_file && err->line == last_line)
        return; /* one line a place is enough to find it */
    last_file = err->file;
    last_line = err->line;
    print_error("%s, %s %ld: status %s '%s' (%s:%d)\n", name, what, n,
                status_name(rc), err->msg, err->file ? err->file : "?",
                err->line);
}

static void
each_allocation(void **state)
{
    (void)state;
    wrong = 0;
    for (size_t i = 0; i < SCENARIOS; i++) {
        long n = 0;
        do {
            struct error err = {0};
            hit = false;
            left = ++n;
            struct arena *a = arena_new(TEST_BYTES);
            enum status rc = a ? scenarios[i].run(a, &err) : E_NOMEM;
            left = 0;
            if (hit && a)
                check(scenarios[i].name, "allocation", n, rc, &err);
            else if (!hit && rc != OK)
                broken("%s: %s", scenarios[i].name, err.msg);
            arena_free(a);
        } while (hit);
        assert_true(n > 1);
    }
    assert_int_equal(wrong, 0);
}

static void
each_arena_size(void **state)
{
    (void)state;
    wrong = 0;
    for (size_t i = 0; i < SCENARIOS; i++) {
        size_t max = 0;
        enum status rc;
        do {
            AUTO_ARENA a = arena_new(max);
            struct error err = {0};
            rc = scenarios[i].run(a, &err);
            if (rc != OK)
                check(scenarios[i].name, "arena of", (long)max, rc, &err);
            max += max < 4096 ? 8 : 56;
        } while (rc != OK && max < TEST_BYTES);
        assert_int_equal(rc, OK);
    }
    assert_int_equal(wrong, 0);
}

static int
set_up(void **state)
{
    struct error err = {0};
    (void)state;

    in.a = arena_new(TEST_BYTES);
    in.feature = template_file(in.a, "features/welcome-email-drip.yaml");
    in.message = template_file(in.a, "messages/welcome.md");
    in.json = quoted(in.a, saas_text);
    in.catalog_json = json_of(in.a, saas_text);
    in.catalog = saas(in.a);
    in.context = json_of(
        in.a,
        "{'subject':{'name':'Ada','email':'a@b.test'},'name':'Ada',"
        "'app':{'name':'App','url':'https://"
        "app.test'},'row':{},'workspace':{'name':'W','url':'https://w.test'}}");
    memcpy(in.key.id, "12345678", 9);
    if (feature_parse_text(in.a, in.feature, strlen(in.feature), &in.parsed,
                           &err) != OK ||
        seal(in.a, &in.key, "place", "secret", 6, &in.sealed, &err) != OK)
        broken("%s", err.msg);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(in.a);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation),
        cmocka_unit_test(each_arena_size),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
