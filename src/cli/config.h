/*
 * cli/config.h - settings: one table (name, type, default, limits, help) and
 * where each value came from: default < user file < project file <
 * environment < flag.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdint.h>

#include "base/arena.h"
#include "codec/json.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_BOOL,
    SETTING_INT,
    SETTING_LIST, /* of texts; kept joined with commas */
    SETTING_TYPE_COUNT
};

enum origin {
    ORIGIN_DEFAULT,
    ORIGIN_USER_FILE,
    ORIGIN_PROJECT_FILE,
    ORIGIN_ENVIRONMENT,
    ORIGIN_FLAG,
    ORIGIN_COUNT
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): a table */
struct setting_row {
    const char *name; /* as in the files; NULL ends the table */
    const char *env;  /* variable */
    enum setting_type type;
    const char *fallback; /* default, or "" */
    int64_t min, max;     /* SETTING_INT */
    bool secret;          /* masked wherever it is shown */
    const char *help;
};
extern const struct setting_row settings[];

struct config; /* opaque, in the arena */

/* Reads both files and the environment.
 * Errors: E_INPUT names file and line, or the variable. */
CHECKED enum status config_load(struct arena *a, struct config **out,
                                struct error *err);
CHECKED enum status config_set(struct config *c, const char *name,
                               const char *value, enum origin origin,
                               struct error *err);
const char *config_get(const struct config *c, const char *name); /* or "" */
enum origin config_origin(const struct config *c, const char *name);
const char *origin_name(enum origin o);
/* Path of the file a value may have come from; NULL when not read. */
const char *config_file(const struct config *c, enum origin o);
/* A file with secrets that others may read, or NULL. */
const char *config_exposed(const struct config *c);

/* Flat TOML: strings, booleans, integers, arrays of strings; tables are
 * refused. Errors: E_INPUT "line L: …". */
CHECKED enum status toml_parse(struct arena *a, const char *text, size_t n,
                               struct json **out, struct error *err);

#endif
