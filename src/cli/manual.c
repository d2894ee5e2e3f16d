/* The man page (mdoc) from the command table and the settings. */
#include <string.h>

#include "cli/command.h"

/* A line of text: no macro at its start, no roff escapes. */
static void
text(FILE *out, const char *s)
{
    if (*s == '.' || *s == '\'')
        (void)fputs("\\&", out);
    for (; *s; s++) {
        if (*s == '\\')
            (void)fputs("\\e", out);
        else if ((unsigned char)*s == 0xe2 &&
                 strncmp(s, "\xe2\x80\xa6", 3) == 0) {
            (void)fputs("...", out); /* the only character beyond ASCII */
            s += 2;
        } else
            (void)fputc(*s, out);
    }
    (void)fputc('\n', out);
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
        (void)fprintf(out, "Between %lld and %lld.\n", (long long)o->min,
                      (long long)o->max);
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

static void
command(FILE *out, const struct command *c)
{
    (void)fprintf(out, ".Ss %s%s%s\n", c->name, *c->args ? " " : "", c->args);
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
                "high, from the user file, the project file, the "
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
            (void)fprintf(out, "Between %lld and %lld.\n", (long long)s->min,
                          (long long)s->max);
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
                ".El\n.Sh EXIT STATUS\n0 when all is well, 1 when what was "
                "asked for failed or has findings, 2 for a usage error,\n"
                "else as in\n.Xr sysexits 3 .\n.Sh SEE ALSO\n"
                ".Xr psql 1 ,\n.Xr systemd 1\n",
                out);
}
