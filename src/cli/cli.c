#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "codec/text.h"

enum { CLI_ARENA_BYTES = 64 * 1024 * 1024, COMMANDS_MAX = 64 };

/* getopt's tables for both lists of options; val = position + 1. */
struct option_set {
    struct option longs[2 * OPTIONS_MAX + 1];
    char shorts[4 * OPTIONS_MAX];
    const struct option_spec *specs[2 * OPTIONS_MAX];
    int n;
};

static void
set_add(struct option_set *s, const struct option_spec *list)
{
    size_t at = strlen(s->shorts);

    for (; list && list->name && s->n < 2 * OPTIONS_MAX; list++) {
        int argument =
            list->kind == OPTION_FLAG ? no_argument : required_argument;
        s->longs[s->n] =
            (struct option){list->name, argument, NULL, 256 + s->n};
        if (list->letter) {
            s->shorts[at++] = list->letter;
            if (argument == required_argument)
                s->shorts[at++] = ':';
            s->shorts[at] = '\0';
        }
        s->specs[s->n++] = list;
    }
}

static int
set_position(const struct option_set *s, int got)
{
    if (got >= 256)
        return got - 256;
    for (int i = 0; i < s->n; i++)
        if (s->specs[i]->letter == got)
            return i;
    return -1;
}

static int
given_position(const struct cli *cli, const char *name)
{
    int n = 0;

    for (const struct option_spec *o = global_options; o->name; o++, n++)
        if (strcmp(o->name, name) == 0)
            return n;
    const struct option_spec *own = cli->command ? cli->command->options : NULL;
    for (; own && own->name; own++, n++)
        if (strcmp(own->name, name) == 0)
            return n;
    return -1;
}

const char *
opt_text(const struct cli *cli, const char *name)
{
    int i = given_position(cli, name);

    return i < 0 ? NULL : cli->given[i];
}

bool
opt_flag(const struct cli *cli, const char *name)
{
    return opt_text(cli, name) != NULL;
}

int64_t
opt_int(const struct cli *cli, const char *name, int64_t fallback)
{
    const char *text = opt_text(cli, name);

    return text ? strtoll(text, NULL, 10) : fallback;
}

const char *
setting(const struct cli *cli, const char *name)
{
    return config_get(cli->config, name);
}

enum status
usage_fail(struct cli *cli, struct error *err, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cli->usage = true;
    (void)error_hint(err, "skene help %s", cli->command->name);
    return fail(err, E_INPUT, "%s", text);
}

static enum status
option_check(const struct option_spec *o, const char *text, struct error *err)
{
    char *end = NULL;

    if (o->kind != OPTION_INT || !text)
        return OK;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < o->min || n > o->max)
        return fail(err, E_INPUT, "--%s must be %lld..%lld, got '%s'", o->name,
                    (long long)o->min, (long long)o->max, text);
    return OK;
}

/* Reads options until the first word (`stop`) or through all of argv. */
static enum status
options_read(struct cli *cli, struct option_set *set, int argc, char **argv,
             bool stop, struct error *err)
{
    char shorts[sizeof(set->shorts) + 2];

    (void)snprintf(shorts, sizeof(shorts), "%s:%s", stop ? "+" : "",
                   set->shorts);
    opterr = 0;
    optind = 0;   /* glibc: start over */
    for (int got; /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
         (got = getopt_long(argc, argv, shorts, set->longs, NULL)) != -1;) {
        if (got == '?' || got == ':') {
            const char *word = argv[optind - 1];
            return got == ':' ? fail(err, E_INPUT, "%s needs a value", word)
                              : fail(err, E_INPUT, "unknown option %s", word);
        }
        int i = set_position(set, got);
        enum status rc = option_check(set->specs[i], optarg, err);
        if (rc != OK)
            return rc;
        cli->given[i] = optarg ? optarg : "";
    }
    return OK;
}

const struct command *
command_find(const char *const *words, int n, int *used)
{
    char two[64];

    *used = 0;
    if (n > 1) {
        (void)snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
        for (const struct command *c = commands; c->name; c++)
            if (strcmp(c->name, two) == 0) {
                *used = 2;
                return c;
            }
    }
    for (const struct command *c = commands; n > 0 && c->name; c++)
        if (strcmp(c->name, words[0]) == 0) {
            *used = 1;
            return c;
        }
    return NULL;
}

const char *
command_nearest(const char *word)
{
    const char *names[COMMANDS_MAX];
    size_t n = 0;

    for (; commands[n].name && n < COMMANDS_MAX; n++)
        names[n] = commands[n].name;
    int i = nearest_name(word, names, n);
    return i < 0 ? NULL : names[i];
}

/* "new, list, show" of a first word that groups commands; NULL for another. */
static const char *
second_words(struct cli *cli, const char *first)
{
    size_t n = strlen(first);
    const char *all = NULL;

    for (const struct command *c = commands; c->name; c++)
        if (strncmp(c->name, first, n) == 0 && c->name[n] == ' ')
            all = arena_printf(cli->a, "%s%s%s", all ? all : "",
                               all ? ", " : "", c->name + n + 1);
    return all;
}

static enum status
command_unknown(struct cli *cli, char *const *words, int n, struct error *err)
{
    const char *second = second_words(cli, words[0]);
    const char *typed = words[0];

    if (second && n == 1) {
        (void)error_hint(err, "one of: %s", second);
        return fail(err, E_INPUT, "%s needs a second word", words[0]);
    }
    if (second)
        typed = arena_printf(cli->a, "%s %s", words[0], words[1]);
    const char *near = typed ? command_nearest(typed) : NULL;
    if (near)
        (void)error_hint(err, "did you mean: skene %s", near);
    else
        (void)error_hint(err, "skene help lists the commands");
    return fail(err, E_INPUT, "there is no command '%s'",
                typed ? typed : words[0]);
}

static enum status
args_check(const struct cli *cli, struct error *err)
{
    const struct command *c = cli->command;

    if (cli->n_args >= c->min_args && cli->n_args <= c->max_args)
        return OK;
    (void)error_hint(err, "skene help %s", c->name);
    if (cli->n_args < c->min_args)
        return fail(err, E_INPUT, "%s needs %s", c->name, c->args);
    return fail(err, E_INPUT, "%s takes %s%s, got '%s' too", c->name,
                c->max_args ? "only " : "no arguments", c->args,
                cli->args[c->max_args]);
}

/* Finds the command and reads the options around it. */
static enum status
parse(struct cli *cli, int argc, char **argv, struct error *err)
{
    struct option_set globals = {.n = 0}, all = {.n = 0};
    int used = 0;

    set_add(&globals, global_options);
    enum status rc = options_read(cli, &globals, argc, argv, true, err);
    if (rc != OK || optind >= argc)
        return rc;
    argv += optind;
    argc -= optind;
    cli->command = command_find((const char *const *)argv, argc, &used);
    if (!cli->command)
        return command_unknown(cli, argv, argc, err);
    argv += used - 1; /* getopt skips the first word */
    argc -= used - 1;
    set_add(&all, global_options);
    set_add(&all, cli->command->options);
    rc = options_read(cli, &all, argc, argv, false, err);
    if (rc != OK) {
        (void)error_hint(err, "skene help %s", cli->command->name);
        return rc;
    }
    cli->args = (const char *const *)(argv + optind);
    cli->n_args = argc - optind;
    return opt_flag(cli, "help") ? OK : args_check(cli, err);
}

static enum status
settings_override(struct cli *cli, const struct option_spec *list,
                  struct error *err)
{
    for (; list && list->name; list++) {
        const char *text = opt_text(cli, list->name);
        if (!text || !list->setting)
            continue;
        if (list->kind == OPTION_FLAG)
            text = "true";
        enum status rc =
            config_set(cli->config, list->setting, text, ORIGIN_FLAG, err);
        if (rc != OK)
            return error_wrap(err, "--%s", list->name);
    }
    return OK;
}

static enum status
prepare(struct cli *cli, struct error *err)
{
    enum status rc = config_load(cli->a, &cli->config, err);

    if (rc == OK)
        rc = settings_override(cli, global_options, err);
    if (rc == OK)
        rc = settings_override(cli, cli->command->options, err);
    if (rc != OK)
        return rc;
    const char *debug = setting(cli, "debug");
    const char *plain = secure_getenv("NO_COLOR");
    const char *term = secure_getenv("TERM");
    cli->json = opt_flag(cli, "json");
    cli->quiet = opt_flag(cli, "quiet");
    cli->verbose = opt_flag(cli, "verbose") || strcmp(debug, "true") == 0 ||
                   strcmp(debug, "1") == 0;
    cli->color = !cli->json && isatty(STDOUT_FILENO) && !(plain && *plain) &&
                 !(term && strcmp(term, "dumb") == 0);
    if (config_exposed(cli->config))
        note(cli,
             "skene: %s holds a secret and others may read it; "
             "chmod 600 it",
             config_exposed(cli->config));
    return OK;
}

static void
complain(const struct cli *cli, const struct error *err)
{
    out_text(stderr, "skene: ");
    out_text(stderr, err->msg);
    if (err->field[0] && !strstr(err->msg, err->field)) {
        out_text(stderr, " (at ");
        out_text(stderr, err->field);
        out_text(stderr, ")");
    }
    out_text(stderr, "\n");
    if (err->hint[0]) {
        out_text(stderr, "  hint: ");
        out_text(stderr, err->hint);
        out_text(stderr, "\n");
    }
    if (cli->verbose && err->file)
        (void)fprintf(stderr, "  at %s:%d\n", err->file, err->line);
}

static int
run(struct cli *cli, int argc, char **argv)
{
    struct error err = {0};

    if (parse(cli, argc, argv, &err) != OK) {
        complain(cli, &err);
        return EXIT_USAGE;
    }
    if (!cli->command) {
        bool asked = opt_flag(cli, "help");
        help_overview(asked ? stdout : stderr);
        return asked ? 0 : EXIT_USAGE;
    }
    if (opt_flag(cli, "help")) {
        help_command(stdout, cli->command);
        return 0;
    }
    enum status rc = prepare(cli, &err);
    if (rc == OK)
        rc = cli->command->run(cli, &err);
    if (rc != OK) {
        complain(cli, &err);
        return cli->usage ? EXIT_USAGE : status_exit(rc);
    }
    if (fflush(stdout) != 0) {
        (void)fail(&err, E_IO, "cannot write: %s", strerrordesc_np(errno));
        complain(cli, &err);
        return status_exit(E_IO);
    }
    return cli->findings;
}

int
cli_main(int argc, char **argv, const struct cli_faces *faces)
{
    AUTO_ARENA a = arena_new(CLI_ARENA_BYTES);
    struct cli cli = {.faces = faces, .a = a};

    if (!a) {
        out_text(stderr, "skene: out of memory\n");
        return status_exit(E_NOMEM);
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        (void)printf("skene %s\n", SKENE_VERSION);
        return 0;
    }
    return run(&cli, argc, argv);
}
