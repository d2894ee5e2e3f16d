/* Help from the command table. */
#include <string.h>

#include "cli/command.h"

static const char *const groups[][2] = {
    {"run", "Run"},     {"database", "Your database"}, {"features", "Features"},
    {"watch", "Watch"}, {"settings", "Settings"},
};

void
help_overview(FILE *out)
{
    (void)fputs("skene turns row changes in Postgres into growth "
                "automation.\n\nusage: skene COMMAND [options]\n",
                out);
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        (void)fprintf(out, "\n%s\n", groups[g][1]);
        for (const struct command *c = commands; c->name; c++)
            if (strcmp(c->group, groups[g][0]) == 0)
                (void)fprintf(out, "  %-18s %s\n", c->name, c->summary);
    }
    (void)fputs("\nskene help COMMAND tells more.\n", out);
}

static void
help_options(FILE *out, const struct option_spec *list)
{
    for (; list && list->name; list++) {
        char left[64];
        (void)snprintf(
            left, sizeof(left), "%c%c%s --%s%s%s", list->letter ? '-' : ' ',
            list->letter ? list->letter : ' ', list->letter ? "," : " ",
            list->name, list->value ? " " : "", list->value ? list->value : "");
        if (strlen(left) > 26)
            (void)fprintf(out, "  %s\n  %-26s  %s", left, "", list->help);
        else
            (void)fprintf(out, "  %-26s  %s", left, list->help);
        if (list->kind == OPTION_INT)
            (void)fprintf(out, " (%lld..%lld)", (long long)list->min,
                          (long long)list->max);
        (void)fputc('\n', out);
    }
}

/* Breaks a paragraph at 78 columns. */
static void
help_wrapped(FILE *out, const char *text)
{
    int column = 0;

    while (*text) {
        size_t n = strcspn(text, " ");
        if (column && column + 1 + (int)n > 78) {
            (void)fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%s%.*s", column ? " " : "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

void
help_command(FILE *out, const struct command *c)
{
    (void)fprintf(out, "usage: skene %s%s%s [options]\n\n", c->name,
                  *c->args ? " " : "", c->args);
    help_wrapped(out, c->summary);
    if (c->details) {
        (void)fputc('\n', out);
        help_wrapped(out, c->details);
    }
    if (c->options) {
        (void)fputs("\nOptions\n", out);
        help_options(out, c->options);
    }
    (void)fputs("\nOptions of every command\n", out);
    help_options(out, global_options);
}
