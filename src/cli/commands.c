/*
 * The commands. Help, the man page and the completions are printed from this
 * table; adding a command is a row here and a function in its cmd_ file.
 */
#include "cli/command.h"

const struct option_spec global_options[] = {
    {"help", 'h', OPTION_FLAG, NULL, 0, 0, NULL, "print help and stop"},
    {"json", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "print data as JSON, for programs"},
    {"quiet", 'q', OPTION_FLAG, NULL, 0, 0, NULL, "print data only"},
    {"verbose", 'v', OPTION_FLAG, NULL, 0, 0, NULL, "say more"},
    {"socket", 0, OPTION_TEXT, "PATH", 0, 0, "socket",
     "unix socket of the server"},
    {"server", 0, OPTION_TEXT, "URL", 0, 0, "server",
     "ask this server, with SKENE_API_KEY"},
    {"store", 0, OPTION_TEXT, "URL", 0, 0, "store",
     "store of the server, sqlite:PATH or a path"},
    {0},
};

static const struct option_spec serve_options[] = {
    {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", 0, 0, "listen",
     "HTTP address; port 0 = any; off = unix socket only"},
    {"public-url", 0, OPTION_TEXT, "URL", 0, 0, "public_url",
     "URL under which others reach this server"},
    {"workers", 0, OPTION_INT, "N", 1, 64, "workers", "threads that decide"},
    {"retention-days", 0, OPTION_INT, "N", 1, 3650, "retention_days",
     "days that events and decisions are kept"},
    {"log-format", 0, OPTION_TEXT, "text|json", 0, 0, "log_format",
     "form of the log on standard error"},
    {"clock-offset", 0, OPTION_TEXT, "DURATION", 0, 0, NULL,
     "run with the clock moved forward: 2d, 90m, PT1H"},
    {"allow-private-egress", 0, OPTION_FLAG, NULL, 0, 0, "allow_private_egress",
     "let webhooks reach private and loopback addresses"},
    {0},
};
#define INTEGRATION_OPTION                                   \
    {                                                        \
        "integration", 'i', OPTION_TEXT, "NAME", 0, 0, NULL, \
            "which database, when several are connected"     \
    }
static const struct option_spec integration_options[] = {
    INTEGRATION_OPTION,
    {0},
};
static const struct option_spec connect_options[] = {
    {"read-only", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "never write: introspect, plan and explain only"},
    {"name", 0, OPTION_TEXT, "NAME", 0, 0, NULL,
     "name of the integration; the database's name without"},
    {"transport", 0, OPTION_TEXT, "drain|push|push_only", 0, 0, NULL,
     "how events travel: pulled (default), pushed and pulled, pushed"},
    {0},
};
static const struct option_spec schema_options[] = {
    INTEGRATION_OPTION,
    {"refresh", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "read the database's catalogue again"},
    {"from", 'f', OPTION_TEXT, "FILE|DIR", 0, 0, NULL,
     "read SQL files instead: no server, no database"},
    {0},
};
static const struct option_spec deploy_options[] = {
    INTEGRATION_OPTION,
    {"plan", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "show what would be done and stop"},
    {"also", 0, OPTION_TEXT, "FEATURE", 0, 0, NULL,
     "with --plan: as if this draft were active"},
    {"out", 'o', OPTION_TEXT, "FILE|DIR", 0, 0, NULL,
     "write the SQL to a new file, or migrations into a directory"},
    {"yes", 'y', OPTION_FLAG, NULL, 0, 0, NULL, "apply without asking"},
    {0},
};
static const struct option_spec adopt_options[] = {
    {"yes", 'y', OPTION_FLAG, NULL, 0, 0, NULL, "do not ask"},
    {0},
};
static const struct option_spec audit_options[] = {
    INTEGRATION_OPTION,
    {"since", 0, OPTION_TEXT, "TIME", 0, 0, NULL,
     "ISO time, or a duration ago such as P1D (default)"},
    {0},
};
static const struct option_spec failed_options[] = {
    INTEGRATION_OPTION,
    {"limit", 0, OPTION_INT, "N", 1, 500, NULL, "rows to show (50)"},
    {0},
};
static const struct option_spec disconnect_options[] = {
    {"drop", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "also drop schema skene_growth in the database"},
    {"yes", 'y', OPTION_FLAG, NULL, 0, 0, NULL, "do not ask"},
    {0},
};
static const struct option_spec feature_new_options[] = {
    {"template", 't', OPTION_TEXT, "NAME", 0, 0, NULL,
     "a premade feature with its messages"},
    {"file", 'f', OPTION_TEXT, "FILE", 0, 0, NULL,
     "a feature document, YAML or JSON; - = standard input"},
    INTEGRATION_OPTION,
    {0},
};
static const struct option_spec diagram_options[] = {
    {"svg", 0, OPTION_FLAG, NULL, 0, 0, NULL, "as SVG"},
    {"mermaid", 0, OPTION_FLAG, NULL, 0, 0, NULL, "as Mermaid text"},
    {"ascii", 0, OPTION_FLAG, NULL, 0, 0, NULL, "as plain text (default)"},
    {0},
};
static const struct option_spec message_options[] = {
    {"key", 'k', OPTION_TEXT, "KEY", 0, 0, NULL,
     "name of the template; the file's name without"},
    {0},
};
#define LIMIT_OPTION                                                     \
    {                                                                    \
        "limit", 'n', OPTION_INT, "N", 1, 500, NULL, "rows at most (50)" \
    }
static const struct option_spec logs_options[] = {
    {"follow", 'f', OPTION_FLAG, NULL, 0, 0, NULL,
     "go on as decisions are made"},
    {"feature", 0, OPTION_TEXT, "KEY", 0, 0, NULL, "of this feature"},
    {"type", 0, OPTION_TEXT, "TYPE", 0, 0, NULL,
     "of this event type: schema.table.op"},
    {"verdict", 0, OPTION_TEXT, "VERDICT", 0, 0, NULL, "with this verdict"},
    {"subject", 0, OPTION_TEXT, "KEY", 0, 0, NULL,
     "of this subject: schema.table/id"},
    {"since", 0, OPTION_TEXT, "TIME", 0, 0, NULL,
     "after this time, or this long ago (PT15M)"},
    LIMIT_OPTION,
    {0},
};
static const struct option_spec list_options[] = {LIMIT_OPTION, {0}};
static const struct option_spec actions_options[] = {
    {"status", 0, OPTION_TEXT, "STATUS", 0, 0, NULL,
     "pending, succeeded, failed or skipped"},
    LIMIT_OPTION,
    {0},
};
static const struct option_spec retry_options[] = {
    {"feature", 0, OPTION_TEXT, "KEY", 0, 0, NULL,
     "with all: those of this feature"},
    {0},
};
static const struct option_spec validate_options[] = {
    {"schema", 0, OPTION_TEXT, "FILE", 0, 0, NULL,
     "check names against this catalogue (skene schema --json)"},
    {0},
};
static const struct option_spec config_options[] = {
    {"show", 0, OPTION_FLAG, NULL, 0, 0, NULL,
     "each setting with its value and where it came from"},
    {0},
};
static const struct option_spec help_options[] = {
    {"man", 0, OPTION_FLAG, NULL, 0, 0, NULL, "print the man page"},
    {"completions", 0, OPTION_TEXT, "bash|zsh|fish", 0, 0, NULL,
     "print completions for a shell"},
    {0},
};

static const struct option_spec export_options[] = {
    {"out", 'o', OPTION_TEXT, "FILE", 0, 0, NULL,
     "write a new file instead of printing"},
    {0},
};
static const struct option_spec import_options[] = {
    {"check", 0, OPTION_FLAG, NULL, 0, 0, NULL, "only check"},
    {0},
};
static const struct option_spec workspace_options[] = {
    {"cap", 0, OPTION_TEXT, "N/DURATION|none", 0, 0, NULL,
     "messages at most to one subject: 3/P7D"},
    {"holdout", 0, OPTION_TEXT, "SHARE|none", 0, 0, NULL,
     "share of subjects that no feature lets in: 0.05"},
    {0},
};
static const struct option_spec connection_options[] = {
    {"token", 0, OPTION_TEXT, "TOKEN", 0, 0, NULL,
     "key of PagerDuty, PostHog or Segment; - = standard input"},
    {0},
};
static const struct option_spec runs_options[] = {
    {"plan", 0, OPTION_FLAG, NULL, 0, 0, NULL, "only count them"},
    {0},
};
static const struct option_spec range_options[] = {
    {"since", 0, OPTION_TEXT, "TIME", 0, 0, NULL,
     "ISO time, or how long ago (P30D)"},
    {"until", 0, OPTION_TEXT, "TIME", 0, 0, NULL, "ISO time, or how long ago"},
    {0},
};
static const struct option_spec simulate_options[] = {
    {"event", 'e', OPTION_TEXT, "ID", 0, 0, NULL, "an event of the log"},
    {"row", 'r', OPTION_TEXT, "KEY", 0, 0, NULL, "a live row, by its key"},
    {"record", 0, OPTION_TEXT, "JSON|@FILE", 0, 0, NULL,
     "columns of the row; with --row, those to change"},
    {"old", 0, OPTION_TEXT, "JSON|@FILE", 0, 0, NULL,
     "the row before, for a trigger on an update"},
    {"at", 0, OPTION_TEXT, "TIME", 0, 0, NULL, "when it happens; now without"},
    {"for", 0, OPTION_TEXT, "DURATION", 0, 0, NULL, "how long to go on (P90D)"},
    {0},
};
static const struct option_spec backtest_options[] = {
    {"since", 0, OPTION_TEXT, "TIME", 0, 0, NULL,
     "ISO time, or how long ago (P30D)"},
    {"until", 0, OPTION_TEXT, "TIME", 0, 0, NULL, "ISO time, or how long ago"},
    {"source", 0, OPTION_TEXT, "events|table", 0, 0, NULL,
     "the log, or the rows of the table by when they were made"},
    {"compare", 0, OPTION_TEXT, "VERSION|FILE", 0, 0, NULL,
     "another version or document, side by side"},
    {"version", 0, OPTION_INT, "N", 1, 1000000, NULL,
     "this version instead of the newest"},
    {"limit", 'n', OPTION_INT, "N", 1, 200000, NULL,
     "events or rows at most (20000)"},
    {"decisions", 0, OPTION_INT, "N", 1, 10000, NULL,
     "with --json: list so many decisions"},
    {0},
};

#define C(word, section, argument, least, most, prints, text, more, list, \
          function)                                                       \
    {                                                                     \
        .name = (word), .group = (section), .args = (argument),           \
        .min_args = (least), .max_args = (most), .data = (prints),        \
        .summary = (text), .details = (more), .options = (list),          \
        .run = (function)                                                 \
    }

const struct command commands[] = {
    C("serve", "run", "", 0, 0, false,
      "run the server: receive events, decide, act",
      "Serves the HTTP API on a unix socket beside the store and on "
      "--listen. The first start makes a key file (0600) that seals secrets "
      "and a local token for the log page. SIGTERM stops cleanly; a second "
      "one at once.",
      serve_options, cmd_serve),
    C("doctor", "run", "", 0, 0, true,
      "check configuration, store, databases and providers", NULL, NULL,
      cmd_doctor),
    C("status", "run", "", 0, 0, true, "what the server holds, in figures",
      NULL, NULL, cmd_status),

    C("connect", "database", "URL", 1, 1, true, "connect a database",
      "URL is postgres://user:password@host/database; - reads it from "
      "standard input, so that the password is in no shell history.",
      connect_options, cmd_connect),
    C("integrations", "database", "", 0, 0, true, "list connected databases",
      NULL, NULL, cmd_integrations),
    C("rotate", "database", "[NAME]", 0, 1, true,
      "make a new ingest secret; the old one ends at once", NULL, NULL,
      cmd_rotate),
    C("schema", "database", "", 0, 0, true,
      "show the tables and columns of a database or of SQL files",
      "--from reads a dump (pg_dump --schema-only) or the *.sql files of a "
      "directory, such as supabase/migrations, in the order of their names. "
      "Several are named with commas, in the order they are run in.",
      schema_options, cmd_schema),
    C("deploy", "database", "", 0, 0, true,
      "put the triggers of the active features into the database",
      "Shows the plan, asks, applies it in one transaction. Those who deploy "
      "through git write it with --out supabase/migrations and commit it.",
      deploy_options, cmd_deploy),
    C("drift", "database", "", 0, 0, true,
      "compare the database with what is needed; exit 1 when it differs", NULL,
      integration_options, cmd_drift),
    C("adopt", "database", "[NAME]", 0, 1, true,
      "make a restored copy a deployment of its own",
      "A dump, a branch or a restored backup brings triggers and events of "
      "the database it was made from: it neither rings nor is drained until "
      "it is adopted. Events it brought along are forgotten.",
      adopt_options, cmd_adopt),
    C("audit", "database", "", 0, 0, true,
      "find rows of whose insert no event came; exit 1 when there are any",
      "Compares the tables whose inserts are captured with the events that "
      "came since the last change of the deployment. Rows that came to fulfil "
      "a feature's conditions later count too.",
      audit_options, cmd_audit),
    C("failed-events", "database", "", 0, 0, true,
      "list captures that failed; exit 1 when there are any", NULL,
      failed_options, cmd_failed),
    C("failed-events replay", "database", "[ID]", 0, 1, true,
      "put failed events back into the outbox", "All of them without ID.",
      integration_options, cmd_failed_replay),
    C("disconnect", "database", "[NAME]", 0, 1, true, "stop reading a database",
      NULL, disconnect_options, cmd_disconnect),

    C("feature new", "features", "", 0, 0, true,
      "make a feature from a template or a file", NULL, feature_new_options,
      cmd_feature_new),
    C("feature templates", "features", "", 0, 0, true,
      "list the premade features", NULL, NULL, cmd_feature_templates),
    C("feature list", "features", "", 0, 0, true, "list features", NULL, NULL,
      cmd_feature_list),
    C("feature show", "features", "KEY", 1, 1, true,
      "show a feature and its document", NULL, NULL, cmd_feature_show),
    C("feature activate", "features", "KEY", 1, 1, true, "let a feature decide",
      NULL, NULL, cmd_feature_activate),
    C("feature pause", "features", "KEY", 1, 1, true,
      "stop new entries and hold its runs", NULL, NULL, cmd_feature_pause),
    C("feature archive", "features", "KEY", 1, 1, true, "put a feature away",
      NULL, NULL, cmd_feature_archive),
    C("feature backfill", "features", "KEY", 1, 1, true,
      "rows that exist already: how many would enter, or have",
      "A feature whose document says \"backfill: existing\" lets them in, each "
      "once, as soon as it is active and deployed.",
      NULL, cmd_feature_backfill),
    C("feature versions", "features", "KEY", 1, 1, true,
      "list the versions of a feature and what each changed", NULL, NULL,
      cmd_feature_versions),
    C("feature diff", "features", "KEY [FROM] [TO]", 1, 3, true,
      "what changed between two versions",
      "Without versions: what the newest changed.", NULL, cmd_feature_diff),
    C("feature runs", "features", "KEY keep|migrate|exit", 2, 2, true,
      "what becomes of runs that began on older versions",
      "keep leaves them there (as without this command); migrate moves those "
      "whose state the newest version has; exit ends them.",
      runs_options, cmd_feature_runs),
    C("feature conversion", "features", "KEY", 1, 1, true,
      "goals reached, and the lift against those held back", NULL, NULL,
      cmd_feature_conversion),
    C("feature funnel", "features", "KEY", 1, 1, true,
      "how many came into each state, and how long they stayed", NULL,
      range_options, cmd_feature_funnel),
    C("feature diagram", "features", "KEY", 1, 1, false,
      "draw the machine of a feature",
      "KEY may be a file: then no server is needed.", diagram_options,
      cmd_feature_diagram),
    C("features export", "features", "", 0, 0, true,
      "print all features and messages as engine.yaml", NULL, export_options,
      cmd_export),
    C("features import", "features", "FILE", 1, 1, true,
      "store the features and messages of an engine.yaml",
      "The whole file is checked first. Features become drafts or new "
      "versions; what the file does not name stays.",
      import_options, cmd_import),
    C("workspace", "features", "", 0, 0, true,
      "show or set what holds for all features",
      "A cap of messages to one subject over all features, and a share of "
      "subjects that every feature keeps back.",
      workspace_options, cmd_workspace),
    C("connections", "features", "", 0, 0, true,
      "list named receivers of effects",
      "An effect {type: webhook, connection: NAME} goes to one. Analytics "
      "events go to the one called analytics, when there is one.",
      NULL, cmd_connections),
    C("connections set", "features", "NAME KIND [URL]", 2, 3, true,
      "keep a receiver under a name, sealed",
      "KIND is webhook, slack, discord, pagerduty, posthog or segment. URL or "
      "--token - is read from standard input.",
      connection_options, cmd_connections_set),
    C("connections remove", "features", "NAME", 1, 1, true, "forget a receiver",
      NULL, NULL, cmd_connections_remove),
    C("message", "features", "FILE", 1, 1, true,
      "store a message template: front matter, then Markdown", NULL,
      message_options, cmd_message),
    C("validate", "features", "FILE", 1, 1, true,
      "check a feature document, without a server", NULL, validate_options,
      cmd_validate),

    C("simulate", "features", "KEY|FILE", 1, 1, true,
      "one row through a feature, step by step; nothing is sent",
      "The clock moves from one thing due to the next. Values that the row "
      "does not have are read from the database, read-only. FILE is a "
      "document that is not stored.",
      simulate_options, cmd_simulate),
    C("backtest", "features", "KEY|FILE", 1, 1, true,
      "what a feature would have done with what has happened",
      "From the log it decides with the values recorded then; from the table "
      "every row enters at the time it was made.",
      backtest_options, cmd_backtest),

    C("logs", "watch", "", 0, 0, true, "events and what was decided", NULL,
      logs_options, cmd_logs),
    C("explain", "watch", "EVENT [FEATURE]", 1, 2, true,
      "why each feature did what it did with an event", NULL, NULL,
      cmd_explain),
    C("why-not", "watch", "SUBJECT FEATURE", 2, 2, true,
      "would a subject enter now, and what would have to change",
      "SUBJECT is schema.table/id, or the id alone.", NULL, cmd_why_not),
    C("journey", "watch", "SUBJECT", 1, 1, true,
      "stage, runs, actions and decisions of a subject",
      "SUBJECT is schema.table/id, as logs prints it.", list_options,
      cmd_journey),
    C("actions", "watch", "", 0, 0, true, "list actions", NULL, actions_options,
      cmd_actions),
    C("actions failed", "watch", "", 0, 0, true,
      "list the actions that were given up; exit 1 when there are any", NULL,
      list_options, cmd_actions_failed),
    C("actions retry", "watch", "ID|all", 1, 1, true,
      "put a failed action, or all of them, back into the queue", NULL,
      retry_options, cmd_actions_retry),
    C("inbox", "watch", "[ID]", 0, 1, true,
      "mails kept when no provider is set", NULL, list_options, cmd_inbox),

    C("config", "settings", "", 0, 0, true, "show the settings", NULL,
      config_options, cmd_config),
    C("help", "settings", "[COMMAND]", 0, 2, false,
      "help, the man page, completions", NULL, help_options, cmd_help),
    C("version", "settings", "", 0, 0, true, "print the version", NULL, NULL,
      cmd_version),
    {0},
};
