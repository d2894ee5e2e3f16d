/*
 * cli/command.h - what the files of this folder share: the command table, the
 * options of one call, output, the API client. Not for other folders.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "base/buf.h"
#include "base/embedded.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "codec/json.h"

enum { EXIT_FINDINGS = 1, EXIT_USAGE = 2, OPTIONS_MAX = 24 };

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_INT };

struct option_spec {
    const char *name; /* NULL ends a table */
    char letter;      /* 0 = none */
    enum option_kind kind;
    const char *value;   /* name of the value in help */
    int64_t min, max;    /* OPTION_INT */
    const char *setting; /* the setting it overrides, or NULL */
    const char *help;
};

struct cli;
typedef enum status command_fn(struct cli *cli, struct error *err);

struct command {
    const char *name; /* one or two words: "feature list" */
    const char *group;
    const char *args; /* "EVENT [FEATURE]"; "" = none */
    int min_args, max_args;
    bool data; /* prints data: takes --json */
    const char *summary;
    const char *details;               /* more for its own page, or NULL */
    const struct option_spec *options; /* or NULL */
    command_fn *run;
};

/* Ends with a NULL name; groups stand together. */
extern const struct command commands[];
extern const struct option_spec global_options[];

/* One call of one command. */
struct cli {
    const struct command *command;
    const struct cli_faces *faces;
    struct arena *a;
    struct config *config;
    const char *const *args;
    int n_args;
    const char *given[2 * OPTIONS_MAX]; /* by position in the tables */
    bool json, quiet, verbose, color;
    bool usage;   /* the error is how it was called */
    int findings; /* non-zero: exit 1 though nothing failed */
};

/* Value of an option of this call; NULL / false / fallback when absent. */
const char *opt_text(const struct cli *cli, const char *name);
bool opt_flag(const struct cli *cli, const char *name);
int64_t opt_int(const struct cli *cli, const char *name, int64_t fallback);
const char *setting(const struct cli *cli, const char *name);
/* Fails with a usage error: exit 2. */
PRINTF_LIKE(3, 4)
enum status usage_fail(struct cli *cli, struct error *err, const char *fmt,
                       ...);

/* ---- client.c ---- */
struct api_reply {
    int code;
    const char *body;
    size_t n;
    struct json *json; /* NULL when the answer is not JSON */
};
/* `path` begins with /api/v1; Error answers become errors
 * with the server's message, hint and field.
 * Errors: E_NET when no server answers. */
struct payload {
    const char *type, *bytes;
    size_t n;
};
CHECKED enum status api_call(struct cli *cli, const char *method,
                             const char *path, const struct payload *body,
                             struct api_reply *out, struct error *err);
/* body NULL = an empty object. */
CHECKED enum status api_post(struct cli *cli, const char *path,
                             const struct json *body, struct api_reply *out,
                             struct error *err);
CHECKED enum status api_get(struct cli *cli, const char *path,
                            struct api_reply *out, struct error *err);
/* Hands each server-sent event to `line`; returns when it says false. */
typedef bool sse_line(struct cli *cli, const char *event, const char *data,
                      void *user);
CHECKED enum status api_follow(struct cli *cli, const char *path,
                               sse_line *line, void *user, struct error *err);
const char *socket_path(const struct cli *cli);
const char *store_path(const struct cli *cli);

/* Stores a message template. */
CHECKED enum status message_send(struct cli *cli, const char *key,
                                 const char *text, size_t n,
                                 struct api_reply *out, struct error *err);

/* A path with a query: values are percent-encoded, NULL ones left out. */
struct query {
    struct buf text;
    bool any;
};
struct query query_new(const char *path);
void query_add(struct query *q, const char *key, const char *value);
/* "/api/v1/<what>/<value encoded><tail>" in the arena. */
const char *path_with(struct cli *cli, const char *what, const char *value,
                      const char *tail);

/* ---- output.c ---- */
enum tone { TONE_NONE, TONE_GOOD, TONE_GO, TONE_WAIT, TONE_BAD, TONE_SOFT };
/* Copies text without control characters: rows come from strangers. */
void out_text(FILE *out, const char *text);
void out_tone(const struct cli *cli, FILE *out, enum tone tone,
              const char *text);
void out_json(const struct cli *cli, const struct json *j);
enum tone verdict_tone(const char *verdict);
enum tone status_tone(const char *status);
/* "12:04:31.402" today, with the date otherwise; local time zone. */
const char *time_short(struct arena *a, const char *iso);

struct table_column {
    const char *title;
    const char *key; /* member of each row */
    bool right;
    bool is_time;
    enum tone (*tone)(const char *value);
};
/* Prints rows of a JSON array as an aligned table, or `empty` for none. */
void out_table(const struct cli *cli, const struct json *rows,
               const struct table_column *columns, size_t n, const char *empty);
void note(const struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Id of the named integration, or of the only one connected.
 * Errors: E_NOTFOUND; E_INPUT several and none named. */
CHECKED enum status integration_id(struct cli *cli, const char *name,
                                   const char **id, struct error *err);
/* Asks on the terminal. Errors: E_INPUT (usage) without one; E_CONFLICT when
 * the answer is no. */
CHECKED enum status confirm(struct cli *cli, const char *question,
                            struct error *err);

/* ---- files ---- */
CHECKED enum status file_read(struct arena *a, const char *path,
                              size_t max_bytes, const char **text, size_t *n,
                              struct error *err); /* "-" = standard input */
/* A new file, never over one that is there; "-" = standard output.
 * Errors: E_CONFLICT it is there; E_IO. */
CHECKED enum status file_write(const char *path, const char *text,
                               struct error *err);

/* ---- help.c, manual.c, completions.c ---- */
void help_overview(FILE *out);
void help_command(FILE *out, const struct command *c);
void manual_write(FILE *out);
CHECKED enum status completions_write(FILE *out, const char *shell,
                                      struct error *err);
const struct command *command_find(const char *const *words, int n, int *used);
const char *command_nearest(const char *word);

command_fn cmd_serve, cmd_doctor, cmd_status;
command_fn cmd_connect, cmd_integrations, cmd_schema, cmd_deploy, cmd_drift,
    cmd_disconnect, cmd_rotate, cmd_adopt, cmd_audit, cmd_failed,
    cmd_failed_replay;
command_fn cmd_feature_new, cmd_feature_list, cmd_feature_show,
    cmd_feature_activate, cmd_feature_pause, cmd_feature_archive,
    cmd_feature_diagram, cmd_feature_backfill, cmd_feature_templates,
    cmd_message;
command_fn cmd_feature_versions, cmd_feature_diff, cmd_feature_runs,
    cmd_feature_conversion, cmd_feature_funnel;
command_fn cmd_connections, cmd_connections_set, cmd_connections_remove;
command_fn cmd_export, cmd_import, cmd_workspace;
command_fn cmd_simulate, cmd_backtest, cmd_why_not;
command_fn cmd_logs, cmd_explain, cmd_journey, cmd_actions, cmd_actions_failed,
    cmd_actions_retry, cmd_inbox;
command_fn cmd_validate, cmd_config, cmd_help, cmd_version;

#endif
