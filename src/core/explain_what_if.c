/* Simulations, backtests and "why not" as text a person reads. */
#include <string.h>

#include "core/explain_parts.h"

static void
mark(const struct printing *p, bool good)
{
    buf_printf(p->out, "%s%s%s", paint(p, good ? "\033[32m" : "\033[33m"),
               good ? "✔" : "✘", paint(p, "\033[0m"));
}

static bool
is_good(const char *verdict)
{
    return strcmp(verdict, "entered") == 0 ||
           strcmp(verdict, "advanced") == 0 ||
           strcmp(verdict, "completed") == 0;
}

static void
effect_line(const struct printing *p, const struct json *s)
{
    const struct json *e = json_get(s, "effect");
    const char *until = json_get_str(s, "until", NULL);
    const char *to = json_get_str(s, "address", NULL);
    const char *what = json_get_str(e, "template", NULL);

    if (!what)
        what = json_get_str(e, "event", json_get_str(e, "stage", NULL));
    if (!to)
        to = json_get_str(e, "url", json_get_str(e, "connection", NULL));
    buf_printf(p->out, "    %s%s%s%s%s: ", json_get_str(e, "type", ""),
               what ? " " : "", what ? what : "", to ? " to " : "",
               to ? to : "");
    if (is_good(json_get_str(s, "verdict", "")))
        buf_puts(p->out, "it would be done now\n");
    else
        buf_printf(p->out, "%s%s%s\n", json_get_str(s, "meaning", ""),
                   until ? ", until " : "", until ? until : "");
}

static void
step_text(const struct printing *p, const struct json *s)
{
    const struct json *detail = json_get(s, "detail");
    const char *verdict = json_get_str(s, "verdict", "");

    if (json_get(s, "effect")) {
        effect_line(p, s);
        return;
    }
    buf_printf(p->out, "%s  ", json_get_str(s, "at", ""));
    if (strcmp(json_get_str(s, "kind", ""), "goal") == 0) {
        buf_printf(p->out, "the goal is %s\n", json_get_str(s, "state", ""));
        return;
    }
    mark(p, is_good(verdict));
    buf_printf(p->out, " %s: %s", verdict, json_get_str(s, "meaning", ""));
    if (json_get_str(s, "state", NULL))
        buf_printf(p->out, "   %s in %s", json_get_str(s, "status", ""),
                   json_get_str(s, "state", ""));
    buf_putc(p->out, '\n');
    if (json_get_str(s, "reason", NULL))
        buf_printf(p->out, "    %s\n", json_get_str(s, "reason", ""));
    explain_detail(p, detail);
}

void
simulation_text(struct buf *out, const struct json *answer, bool color)
{
    struct printing p = {.out = out, .color = color};
    const struct json *steps = json_get(answer, "steps");
    size_t from = out->len;

    buf_printf(out, "%s%s%s  row ", paint(&p, "\033[1m"),
               json_get_str(answer, "feature", ""), paint(&p, "\033[0m"));
    json_write(out, json_get(answer, "record"), false);
    buf_putc(out, '\n');
    if (!json_bool(json_get(answer, "trigger_fires"), true))
        buf_puts(out, "  the trigger does not fire for this change\n");
    else if (!json_is(steps, JSON_ARRAY) || steps->n == 0)
        buf_puts(out, "  nothing happens: the conditions do not hold\n");
    for (uint32_t i = 0; json_is(steps, JSON_ARRAY) && i < steps->n; i++)
        step_text(&p, steps->items[i]);
    if (json_get_str(answer, "status", NULL))
        buf_printf(out, "%s at %s: %s in %s\n",
                   strcmp(json_get_str(answer, "status", ""), "active") == 0
                       ? "still waiting"
                       : "over",
                   json_get_str(answer, "until", ""),
                   json_get_str(answer, "status", ""),
                   json_get_str(answer, "state", ""));
    explain_tame(out, from, color);
}

void
why_not_text(struct buf *out, const struct json *answer, bool color)
{
    struct printing p = {.out = out, .color = color};
    const struct json *rows = json_get(answer, "rows");
    const struct json *runs = json_get(answer, "runs");
    size_t from = out->len;

    buf_printf(out, "%s%s%s in %s (%s), which begins when %s\n",
               paint(&p, "\033[1m"), json_get_str(answer, "subject", ""),
               paint(&p, "\033[0m"), json_get_str(answer, "feature", ""),
               json_get_str(answer, "status", ""),
               json_get_str(answer, "trigger", ""));
    for (uint32_t i = 0; json_is(runs, JSON_ARRAY) && i < runs->n; i++)
        buf_printf(out, "  it has a run: %s in %s, entered %s\n",
                   json_get_str(runs->items[i], "status", ""),
                   json_get_str(runs->items[i], "state", ""),
                   json_get_str(runs->items[i], "entered_at", ""));
    if (!json_is(rows, JSON_ARRAY) || rows->n == 0)
        buf_printf(out, "  no row of %s leads to it\n",
                   json_get_str(answer, "table", ""));
    for (uint32_t i = 0; json_is(rows, JSON_ARRAY) && i < rows->n; i++) {
        const struct json *r = rows->items[i];
        const struct json *changes = json_get(r, "changes");
        bool enters = strcmp(json_get_str(r, "verdict", ""), "entered") == 0;
        mark(&p, enters);
        buf_printf(out, " row %s: %s\n", json_get_str(r, "row", ""),
                   enters ? "all gates are open"
                          : json_get_str(r, "meaning", ""));
        explain_detail(&p, json_get(r, "detail"));
        for (uint32_t k = 0; json_is(changes, JSON_ARRAY) && k < changes->n;
             k++)
            buf_printf(out, "  → %s\n", json_str(changes->items[k], ""));
    }
    explain_tame(out, from, color);
}

/* ---- backtest ---- */

static void
members(struct buf *out, const char *title, const struct json *o)
{
    bool any = false;

    for (uint32_t i = 0; json_is(o, JSON_OBJECT) && i < o->n; i++) {
        int64_t n = json_int(o->members[i].value, 0);
        if (n == 0)
            continue;
        buf_printf(out, "%s%s %lld", any ? ", " : title, o->members[i].key,
                   (long long)n);
        any = true;
    }
    if (any)
        buf_putc(out, '\n');
}

static void
report_text(const struct printing *p, const struct json *r)
{
    struct buf *out = p->out;
    const struct json *days = json_get(r, "days");
    const struct json *facts = json_get(r, "facts");
    long long live = json_int(json_get(facts, "live"), 0);

    buf_printf(out, "%s%s%s", paint(p, "\033[1m"),
               json_get_str(r, "feature", ""), paint(p, "\033[0m"));
    if (json_int(json_get(r, "version"), 0))
        buf_printf(out, " v%lld",
                   (long long)json_int(json_get(r, "version"), 0));
    buf_printf(out, " over %lld %s from %.16s to %.16s\n",
               (long long)json_int(json_get(r, "items"), 0),
               strcmp(json_get_str(r, "source", ""), "table") == 0
                   ? "rows of the table"
                   : "events",
               json_get_str(r, "since", ""), json_get_str(r, "until", ""));
    if (json_bool(json_get(r, "cut"), false))
        buf_puts(out, "  there is more than --limit: this is the first part\n");
    buf_printf(out, "  %lld entries of %lld subjects\n",
               (long long)json_int(json_get(r, "entries"), 0),
               (long long)json_int(json_get(r, "subjects"), 0));
    members(out, "  verdicts  ", json_get(r, "verdicts"));
    members(out, "  effects   ", json_get(r, "effects"));
    members(out, "  skipped   ", json_get(r, "skipped"));
    members(out, "  runs      ", json_get(r, "runs"));
    members(out, "  goal      ", json_get(r, "goal"));
    for (uint32_t i = 0; json_is(days, JSON_ARRAY) && i < days->n; i++) {
        const struct json *d = days->items[i];
        buf_printf(out, "  %s  entries %5lld  mails %5lld  webhooks %5lld\n",
                   json_get_str(d, "day", ""),
                   (long long)json_int(json_get(d, "entries"), 0),
                   (long long)json_int(json_get(d, "email"), 0),
                   (long long)json_int(json_get(d, "webhook"), 0));
    }
    if (live)
        buf_printf(out,
                   "  %lld values were not recorded then: they are as the "
                   "database has them now\n",
                   live);
}

void
backtest_text(struct buf *out, const struct json *answer, bool color)
{
    struct printing p = {.out = out, .color = color};
    const struct json *a = json_get(answer, "a");
    size_t from = out->len;

    if (!a) {
        report_text(&p, answer);
    } else {
        report_text(&p, a);
        buf_putc(out, '\n');
        report_text(&p, json_get(answer, "b"));
        buf_printf(out,
                   "\n  entered in both %lld, only in the first %lld, "
                   "only in the second %lld\n",
                   (long long)json_int(json_get(answer, "both"), 0),
                   (long long)json_int(json_at(answer, "only_a.subjects"), 0),
                   (long long)json_int(json_at(answer, "only_b.subjects"), 0));
    }
    explain_tame(out, from, color);
}
