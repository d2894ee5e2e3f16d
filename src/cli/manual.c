/* The man page (mdoc) from the command table and the settings. */
#include <string.h>

#include "cli/command.h"

enum { LINE_MAX_COLUMNS = 78 };

/* One word, without roff escapes. */
static void
word_put(FILE *out, const char *s, size_t n)
{
    static const char dots[] = "\xe2\x80\xa6"; /* all there is beyond ASCII */

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\')
            (void)fputs("\\e", out);
        else if (n - i >= 3 && memcmp(s + i, dots, 3) == 0) {
            (void)fputs("...", out);
            i += 2;
        } else
            (void)fputc(s[i], out);
    }
}

/* Filled text: lines of 78 columns, each sentence on a new line, no macro at
 * the start of one. */
static void
text(FILE *out, const char *s)
{
    size_t column = 0;

    while (*s) {
        size_t n = strcspn(s, " ");
        if (column && column + 1 + n > LINE_MAX_COLUMNS) {
            (void)fputc('\n', out);
            column = 0;
        }
        if (column)
            (void)fputc(' ', out);
        else if (*s == '.' || *s == '\'')
            (void)fputs("\\&", out);
        word_put(out, s, n);
        column += n + (column ? 1 : 0);
        if (n && s[n - 1] == '.' && s[n]) {
            (void)fputc('\n', out);
            column = 0;
        }
        s += n;
        s += strspn(s, " ");
    }
    if (column)
        (void)fputc('\n', out);
}

static void
limits(FILE *out, int64_t min, int64_t max)
{
    (void)fprintf(out, "(%lld to %lld)\n", (long long)min, (long long)max);
}

static void
option(FILE *out, const struct option_spec *o)
{
    (void)fputs(".It ", out);
    if (o->letter)
        (void)fprintf(out, "Fl %c , ", o->letter);
    (void)fprintf(out, "Fl -%s", o->name);
    if (o->value)
        (void)fprintf(out, " Ar %s", o->value);
    (void)fputc('\n', out);
    text(out, o->help);
    if (o->kind == OPTION_INT)
        limits(out, o->min, o->max);
}

static void
options(FILE *out, const struct option_spec *list)
{
    if (!list)
        return;
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (; list->name; list++)
        option(out, list);
    (void)fputs(".El\n", out);
}

/* "EVENT [FEATURE]" as macros. */
static void
arguments(FILE *out, const char *args)
{
    while (*args) {
        size_t n = strcspn(args, " ");
        bool optional = *args == '[';
        (void)fprintf(out, " %sAr %.*s", optional ? "Op " : "",
                      (int)n - 2 * optional, args + optional);
        args += n;
        args += strspn(args, " ");
    }
}

static void
command(FILE *out, const struct command *c)
{
    (void)fprintf(out, ".Ss %s\n.Nm skene Cm %s", c->name, c->name);
    arguments(out, c->args);
    (void)fputs("\n.Pp\n", out);
    text(out, c->summary);
    if (c->details) {
        (void)fputs(".Pp\n", out);
        text(out, c->details);
    }
    options(out, c->options);
}

static void
setting_rows(FILE *out)
{
    (void)fputs(".Sh ENVIRONMENT\nThe same settings are read, from low to "
                "high,\nfrom the user file, the project file, the "
                "environment and flags.\n.Bl -tag -width Ds\n",
                out);
    for (const struct setting_row *s = settings; s->name; s++) {
        if (s->env)
            (void)fprintf(out, ".It Ev %s Pq %s\n", s->env, s->name);
        else
            (void)fprintf(out, ".It Li %s\n", s->name);
        text(out, s->help);
        if (*s->fallback) {
            (void)fputs("Default:\n.Li \"", out);
            for (const char *p = s->fallback; *p; p++)
                (void)fputc(*p, out);
            (void)fputs("\" .\n", out);
        }
        if (s->type == SETTING_INT)
            limits(out, s->min, s->max);
    }
    (void)fputs(".El\n", out);
}

void
manual_write(FILE *out)
{
    (void)fputs(".Dd November 24, 2026\n.Dt SKENE 1\n.Os\n.Sh NAME\n"
                ".Nm skene\n.Nd growth automation from row changes in "
                "Postgres\n.Sh SYNOPSIS\n.Nm\n.Ar command\n"
                ".Op Ar options\n.Sh DESCRIPTION\n"
                "Row changes in a Postgres or Supabase database become "
                "events;\nfeatures decide about them and act: mails, "
                "webhooks, lifecycle stages,\nanalytics events.\nEvery "
                "decision can be explained.\n.Pp\nCommands that need state "
                "ask the server over the unix socket beside its store.\n"
                "Data goes to standard output, everything else to standard "
                "error.\n.Pp\nOptions of every command:\n",
                out);
    options(out, global_options);
    (void)fputs(".Sh COMMANDS\n", out);
    for (const struct command *c = commands; c->name; c++)
        command(out, c);
    setting_rows(out);
    (void)fputs(".Sh FILES\n.Bl -tag -width Ds\n"
                ".It Pa $XDG_CONFIG_HOME/skene/config\nuser file (TOML)\n"
                ".It Pa .skene.config\nproject file (TOML)\n"
                ".It Pa $XDG_DATA_HOME/skene\nstore, key, token, socket\n"
                ".El\n.Sh EXIT STATUS\n0 when all is well,\n1 when what was "
                "asked for failed or has findings,\n2 for a usage error,\n"
                "else as in\n.In sysexits.h .\n.Sh SEE ALSO\n"
                ".Xr psql 1 ,\n.Xr systemd 1\n",
                out);
}
