#include "cli/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "codec/text.h"

enum { FILE_MAX_BYTES = 256 * 1024, SETTINGS_MAX = 64 };

static const char *const origin_names[] = {
    [ORIGIN_DEFAULT] = "default",
    [ORIGIN_USER_FILE] = "user file",
    [ORIGIN_PROJECT_FILE] = "project file",
    [ORIGIN_ENVIRONMENT] = "environment",
    [ORIGIN_FLAG] = "flag",
};
static_assert(sizeof(origin_names) / sizeof(origin_names[0]) == ORIGIN_COUNT,
              "every origin has a name");

const char *
origin_name(enum origin o)
{
    return origin_names[o];
}

struct config {
    struct arena *a;
    struct {
        const char *value;
        enum origin origin;
    } values[SETTINGS_MAX];
    const char *files[ORIGIN_COUNT];
    const char *exposed;
};

static int
row_find(const char *name)
{
    for (int i = 0; settings[i].name; i++)
        if (strcmp(settings[i].name, name) == 0)
            return i;
    return -1;
}

static enum status
check(const struct setting_row *row, const char *value, struct error *err)
{
    char *end = NULL;

    if (row->type == SETTING_BOOL && strcmp(value, "true") != 0 &&
        strcmp(value, "false") != 0 && strcmp(value, "1") != 0 &&
        strcmp(value, "0") != 0 && *value)
        return fail(err, E_INPUT, "%s must be true or false, got '%s'",
                    row->name, value);
    if (row->type != SETTING_INT || !*value)
        return OK;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (errno || *end || n < row->min || n > row->max)
        return fail(err, E_INPUT, "%s must be %lld..%lld, got '%s'", row->name,
                    (long long)row->min, (long long)row->max, value);
    return OK;
}

enum status
config_set(struct config *c, const char *name, const char *value,
           enum origin origin, struct error *err)
{
    int i = row_find(name);

    assert(i >= 0 && i < SETTINGS_MAX);
    enum status rc = check(&settings[i], value, err);
    if (rc != OK)
        return rc;
    c->values[i].value = arena_strdup(c->a, value);
    c->values[i].origin = origin;
    return c->values[i].value ? OK : fail(err, E_NOMEM, "configuration");
}

const char *
config_get(const struct config *c, const char *name)
{
    int i = row_find(name);

    assert(i >= 0);
    return c->values[i].value;
}

enum origin
config_origin(const struct config *c, const char *name)
{
    int i = row_find(name);

    assert(i >= 0);
    return c->values[i].origin;
}

const char *
config_file(const struct config *c, enum origin o)
{
    return c->files[o];
}

const char *
config_exposed(const struct config *c)
{
    return c->exposed;
}

static const char *
value_text(struct arena *a, const struct json *v)
{
    if (json_is(v, JSON_STRING))
        return v->text;
    if (!json_is(v, JSON_ARRAY))
        return json_text(a, v);
    const char *joined = "";
    for (uint32_t i = 0; i < v->n; i++)
        joined = arena_printf(a, "%s%s%s", joined, i ? "," : "",
                              json_str(v->items[i], ""));
    return joined;
}

static bool
type_fits(const struct setting_row *row, const struct json *v)
{
    static const enum json_kind kinds[] = {
        [SETTING_TEXT] = JSON_STRING,
        [SETTING_BOOL] = JSON_BOOL,
        [SETTING_INT] = JSON_INT,
        [SETTING_LIST] = JSON_ARRAY,
    };

    return json_is(v, kinds[row->type]);
}

static enum status
unknown(const char *key, struct error *err)
{
    const char *names[SETTINGS_MAX];
    size_t n = 0;

    for (; settings[n].name; n++)
        names[n] = settings[n].name;
    int near = nearest_name(key, names, n);
    if (near >= 0)
        (void)error_hint(err, "did you mean %s?", names[near]);
    return fail(err, E_INPUT, "unknown setting '%s'", key);
}

static enum status
file_apply(struct config *c, const char *path, const struct json *values,
           enum origin origin, struct error *err)
{
    struct stat st;
    bool shared = stat(path, &st) == 0 && (st.st_mode & 077) != 0;

    for (uint32_t i = 0; i < values->n; i++) {
        const struct json_member *m = &values->members[i];
        int row = row_find(m->key);
        if (row < 0)
            return unknown(m->key, err);
        if (!type_fits(&settings[row], m->value))
            return fail(err, E_INPUT, "%s must not be %s", m->key,
                        json_kind_name(m->value->kind));
        const char *text = value_text(c->a, m->value);
        enum status rc = text ? config_set(c, m->key, text, origin, err)
                              : fail(err, E_NOMEM, "configuration");
        if (rc != OK)
            return rc;
        if (shared && settings[row].secret)
            c->exposed = path;
    }
    return OK;
}

static enum status
file_load(struct config *c, const char *path, enum origin origin,
          struct error *err)
{
    const char *text = NULL;
    struct json *values = NULL;
    struct stat st;
    size_t n = 0;

    if (!path || stat(path, &st) != 0)
        return OK;
    enum status rc = file_read(c->a, path, FILE_MAX_BYTES, &text, &n, err);
    if (rc == OK)
        rc = toml_parse(c->a, text, n, &values, err);
    if (rc == OK)
        rc = file_apply(c, path, values, origin, err);
    c->files[origin] = path;
    return rc == OK ? OK : error_wrap(err, "%s", path);
}

static const char *
user_file(struct arena *a)
{
    const char *base = secure_getenv("XDG_CONFIG_HOME");
    const char *home = secure_getenv("HOME");

    if (base && *base == '/')
        return arena_printf(a, "%s/skene/config", base);
    return home ? arena_printf(a, "%s/.config/skene/config", home) : NULL;
}

static enum status
environment_load(struct config *c, struct error *err)
{
    for (int i = 0; settings[i].name; i++) {
        const char *value =
            settings[i].env ? secure_getenv(settings[i].env) : NULL;
        if (!value || !*value)
            continue;
        enum status rc =
            config_set(c, settings[i].name, value, ORIGIN_ENVIRONMENT, err);
        if (rc != OK)
            return error_wrap(err, "%s", settings[i].env);
    }
    return OK;
}

enum status
config_load(struct arena *a, struct config **out, struct error *err)
{
    struct config *c = arena_alloc(a, sizeof(*c));

    if (!c)
        return fail(err, E_NOMEM, "configuration");
    c->a = a;
    for (int i = 0; settings[i].name; i++)
        c->values[i].value = settings[i].fallback;
    *out = c;
    enum status rc = file_load(c, user_file(a), ORIGIN_USER_FILE, err);
    if (rc == OK)
        rc = file_load(c, ".skene.config", ORIGIN_PROJECT_FILE, err);
    return rc == OK ? environment_load(c, err) : rc;
}
