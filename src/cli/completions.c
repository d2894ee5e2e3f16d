/* Shell completions from the command table. */
#include <string.h>

#include "cli/command.h"

/* First words and, for two-word commands, second words, once each. */
static bool
first_seen_before(const struct command *c)
{
    size_t n = strcspn(c->name, " ");

    for (const struct command *k = commands; k != c; k++)
        if (strcspn(k->name, " ") == n && strncmp(k->name, c->name, n) == 0)
            return true;
    return false;
}

static void
option_words(FILE *out, const struct option_spec *list)
{
    for (; list && list->name; list++)
        (void)fprintf(out, " --%s", list->name);
}

static void
bash(FILE *out)
{
    (void)fputs("# bash completion for skene\n_skene() {\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} words\n"
                "    local line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                "    case \"$line\" in\n",
                out);
    for (const struct command *c = commands; c->name; c++) {
        if (!strchr(c->name, ' '))
            continue;
        (void)fprintf(out, "    \"%s\"*) words=\"", c->name);
        option_words(out, c->options);
        option_words(out, global_options);
        (void)fputs("\" ;;\n", out);
    }
    for (const struct command *c = commands; c->name; c++) {
        size_t n = strcspn(c->name, " ");
        if (first_seen_before(c))
            continue;
        (void)fprintf(out, "    \"%.*s\"*) words=\"", (int)n, c->name);
        for (const struct command *k = commands; k->name; k++)
            if (strncmp(k->name, c->name, n) == 0 && k->name[n] == ' ')
                (void)fprintf(out, " %s", k->name + n + 1);
        if (!c->name[n])
            option_words(out, c->options);
        option_words(out, global_options);
        (void)fputs("\" ;;\n", out);
    }
    (void)fputs("    *) words=\"", out);
    for (const struct command *c = commands; c->name; c++)
        if (!first_seen_before(c))
            (void)fprintf(out, " %.*s", (int)strcspn(c->name, " "), c->name);
    (void)fputs("\" ;;\n    esac\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "    [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen "
                "-f -- \"$cur\"))\n}\ncomplete -F _skene skene\n",
                out);
}

/* Text inside single quotes. */
static void
quoted(FILE *out, const char *s)
{
    for (; *s; s++)
        if (*s == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*s, out);
}

static void
zsh(FILE *out)
{
    (void)fputs("#compdef skene\n_skene() {\n  local -a names\n  names=(\n",
                out);
    for (const struct command *c = commands; c->name; c++) {
        if (first_seen_before(c))
            continue;
        (void)fprintf(out, "    '%.*s:", (int)strcspn(c->name, " "), c->name);
        quoted(out, c->summary);
        (void)fputs("'\n", out);
    }
    (void)fputs("  )\n  if (( CURRENT == 2 )); then\n"
                "    _describe command names\n    return\n  fi\n"
                "  case \"$words[2]\" in\n",
                out);
    for (const struct command *c = commands; c->name; c++) {
        size_t n = strcspn(c->name, " ");
        if (first_seen_before(c))
            continue;
        (void)fprintf(out, "  %.*s) compadd --", (int)n, c->name);
        for (const struct command *k = commands; k->name; k++) {
            if (strncmp(k->name, c->name, n) != 0 ||
                (k->name[n] && k->name[n] != ' '))
                continue;
            if (k->name[n])
                (void)fprintf(out, " %s", k->name + n + 1);
            option_words(out, k->options);
        }
        option_words(out, global_options);
        (void)fputs(" ;;\n", out);
    }
    (void)fputs("  esac\n  _files\n}\n_skene \"$@\"\n", out);
}

static void
fish_option(FILE *out, const char *when, const struct option_spec *o)
{
    (void)fprintf(out, "complete -c skene %s -l %s%s -d '", when, o->name,
                  o->kind == OPTION_FLAG ? "" : " -r");
    quoted(out, o->help);
    (void)fputs("'\n", out);
}

static void
fish(FILE *out)
{
    char when[128];

    for (const struct command *c = commands; c->name; c++) {
        int n = (int)strcspn(c->name, " ");
        if (!first_seen_before(c)) {
            (void)fprintf(out,
                          "complete -c skene -f -n __fish_use_subcommand"
                          " -a %.*s -d '",
                          n, c->name);
            quoted(out, c->summary);
            (void)fputs("'\n", out);
        }
        if (c->name[n])
            (void)fprintf(out,
                          "complete -c skene -n '__fish_seen_subcommand"
                          "_from %.*s' -a %s\n",
                          n, c->name, c->name + n + 1);
        (void)snprintf(when, sizeof(when),
                       "-n '__fish_seen_subcommand_from %.*s'", n, c->name);
        for (const struct option_spec *o = c->options; o && o->name; o++)
            fish_option(out, when, o);
    }
    for (const struct option_spec *o = global_options; o->name; o++)
        fish_option(out, "", o);
}

enum status
completions_write(FILE *out, const char *shell, struct error *err)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].write(out);
            return OK;
        }
    return fail(err, E_INPUT,
                "completions are for bash, zsh or fish, not "
                "'%s'",
                shell);
}
