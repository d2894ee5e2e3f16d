#include "core/explain_parts.h"

#include <string.h>

#include "codec/time.h"

const char *
paint(const struct printing *p, const char *code)
{
    return p->color ? code : "";
}

/* A customer's text may hold what steers a terminal. */
static void
quoted(struct buf *out, const char *s)
{
    buf_putc(out, '\'');
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            buf_putc(out, ' ');
        else
            buf_putc(out, *s);
    buf_putc(out, '\'');
}

static void
value(struct buf *out, const struct json *v)
{
    if (!v)
        buf_puts(out, "?");
    else if (json_is(v, JSON_STRING))
        quoted(out, v->text);
    else
        json_write(out, v, false);
}

static void
trace(const struct printing *p, const struct json *t, int depth)
{
    const struct json *holds = json_get(t, "holds");
    const char *path = json_get_str(t, "path", NULL);
    const char *count = json_get_str(t, "count", NULL);
    bool known = json_is(holds, JSON_BOOL), yes = json_bool(holds, false);

    buf_printf(p->out, "%*s%s%s%s ", depth * 2 + 4, "",
               paint(p, !known ? "\033[2m"
                        : yes  ? "\033[32m"
                               : "\033[31m"),
               !known ? "·"
               : yes  ? "✔"
                      : "✘",
               paint(p, "\033[0m"));
    if (path)
        buf_printf(p->out, "%s ", path);
    else if (count)
        buf_printf(p->out, "count of %s ", count);
    else
        buf_puts(p->out, "any of ");
    buf_puts(p->out, json_get_str(t, "op", ""));
    if (json_get(t, "expected")) {
        buf_putc(p->out, ' ');
        value(p->out, json_get(t, "expected"));
    }
    if (json_get(t, "actual")) {
        buf_puts(p->out, "   it was ");
        value(p->out, json_get(t, "actual"));
    } else if (!known) {
        buf_puts(p->out, "   not evaluated");
    }
    buf_putc(p->out, '\n');
    const struct json *sub = json_get(t, "sub");
    for (uint32_t i = 0; json_is(sub, JSON_ARRAY) && i < sub->n; i++)
        trace(p, sub->items[i], depth + 1);
}

static void
traces(const struct printing *p, const char *title, const struct json *list)
{
    if (!json_is(list, JSON_ARRAY) || list->n == 0)
        return;
    buf_printf(p->out, "    %s\n", title);
    for (uint32_t i = 0; i < list->n; i++) {
        if (json_is(list->items[i], JSON_ARRAY)) {
            for (uint32_t k = 0; k < list->items[i]->n; k++)
                trace(p, list->items[i]->items[k], 1);
        } else {
            trace(p, list->items[i], 1);
        }
    }
}

static void
gates(const struct printing *p, const char *title, const struct json *list)
{
    if (!json_is(list, JSON_ARRAY) || list->n == 0)
        return;
    buf_printf(p->out, "    %s", title);
    for (uint32_t i = 0; i < list->n; i++) {
        const char *result = json_get_str(list->items[i], "result", "");
        bool pass = strcmp(result, "pass") == 0;
        bool fails = strcmp(result, "fail") == 0;
        buf_printf(p->out, "%s %s %s", i ? " ·" : "",
                   json_get_str(list->items[i], "gate", ""),
                   pass    ? "✔"
                   : fails ? "✘"
                           : "–");
    }
    buf_putc(p->out, '\n');
}

/* "match", or the duration of a timer. */
static void
why(struct buf *out, const char *text)
{
    char human[ISO_BYTES];
    int64_t us;

    if (duration_parse(text, &us, NULL) != OK)
        buf_puts(out, "on match\n");
    else if (us == 0)
        buf_puts(out, "at once\n");
    else
        buf_printf(out, "after %s\n", duration_human(us, human));
}

static void
steps(const struct printing *p, const struct json *step)
{
    const struct json *list = json_get(step, "steps");
    const char *until = json_get_str(step, "waits_until", NULL);

    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
        const struct json *s = list->items[i];
        buf_printf(p->out, "    %s → %s, ", json_get_str(s, "from", ""),
                   json_get_str(s, "to", ""));
        why(p->out, json_get_str(s, "why", ""));
        traces(p, "guard", json_get(s, "guard"));
    }
    traces(p, "guards that did not hold", json_get(step, "guards"));
    traces(p, "exit", json_get(step, "exit"));
    if (until)
        buf_printf(p->out, "    in %s, waits until %s\n",
                   json_get_str(step, "state", ""), until);
}

static void
attempts(const struct printing *p, const struct json *list)
{
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
        const struct json *t = list->items[i];
        int64_t code = json_int(json_get(t, "code"), 0);
        buf_printf(p->out, "      try %lld: %s",
                   (long long)json_int(json_get(t, "number"), 0),
                   json_get_str(t, "outcome", ""));
        if (code)
            buf_printf(p->out, " %lld", (long long)code);
        buf_printf(p->out, " %s\n", json_get_str(t, "message", ""));
    }
}

static void
actions(const struct printing *p, const struct json *list)
{
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
        const struct json *x = list->items[i];
        const char *address = json_get_str(x, "address", NULL);
        const char *verdict = json_get_str(x, "verdict", NULL);
        const char *error = json_get_str(x, "last_error", NULL);
        buf_printf(p->out, "    %s%s%s: %s\n", json_get_str(x, "kind", ""),
                   address ? " to " : "", address ? address : "",
                   json_get_str(x, "status", ""));
        if (verdict || error)
            buf_printf(p->out, "      %s%s%s\n", verdict ? verdict : "",
                       verdict && error ? ": " : "", error ? error : "");
        gates(p, "  last look:", json_get(x, "gates"));
        attempts(p, json_get(x, "attempts"));
    }
}

static void
match(const struct printing *p, const struct json *m)
{
    if (!m)
        return;
    buf_puts(p->out, "    match ");
    value(p->out, json_get(m, "intent"));
    buf_printf(p->out, ": %s, confidence ", json_get_str(m, "verdict", ""));
    value(p->out, json_get(m, "score"));
    buf_puts(p->out, " of ");
    value(p->out, json_get(m, "threshold"));
    buf_printf(p->out, " (%s; %s)\n", json_get_str(m, "provider", ""),
               json_get_str(m, "reason", ""));
}

void
explain_detail(const struct printing *p, const struct json *detail)
{
    gates(p, "gates:", json_get(detail, "gates"));
    traces(p, "conditions", json_get(detail, "conditions"));
    match(p, json_get(detail, "match"));
    steps(p, json_get(detail, "step") ? json_get(detail, "step") : detail);
}

static void
decision(const struct printing *p, const struct json *d)
{
    const struct json *detail = json_get(d, "detail");
    const char *verdict = json_get_str(d, "verdict", "");
    bool good = strcmp(verdict, "entered") == 0 ||
                strcmp(verdict, "advanced") == 0 ||
                strcmp(verdict, "completed") == 0;

    buf_printf(p->out, "%s%s%s %s v%lld  %s: %s\n",
               paint(p, good ? "\033[32m" : "\033[33m"), good ? "✔" : "✘",
               paint(p, "\033[0m"), json_get_str(d, "feature", ""),
               (long long)json_int(json_get(d, "version"), 0), verdict,
               json_get_str(d, "meaning", ""));
    if (json_get_str(d, "subject", NULL))
        buf_printf(p->out, "    subject %s\n", json_get_str(d, "subject", ""));
    if (json_get_str(detail, "reason", NULL))
        buf_printf(p->out, "    %s\n", json_get_str(detail, "reason", ""));
    explain_detail(p, detail);
    actions(p, json_get(d, "actions"));
}

void
explain_tame(struct buf *out, size_t from, bool color)
{
    for (size_t i = from; i < out->len; i++) {
        char *c = &out->data[i];
        if ((unsigned char)*c >= ' ' && *c != 0x7f)
            continue;
        size_t code = color && *c == '\033' && c[1] == '['
                          ? strspn(c + 2, "0123456789")
                          : 0;
        if (code && c[2 + code] == 'm')
            i += code + 2;
        else if (*c != '\n')
            *c = ' ';
    }
}

void
explain_text(struct buf *out, const struct json *explanation, bool color)
{
    struct printing p = {.out = out, .color = color};
    const struct json *e = json_get(explanation, "event");
    const struct json *list = json_get(explanation, "decisions");
    const struct json *old = json_get(e, "old");
    size_t from = out->len;

    buf_printf(out, "%s%s%s  %s  %s\n", paint(&p, "\033[1m"),
               json_get_str(e, "type", ""), paint(&p, "\033[0m"),
               json_get_str(e, "id", ""), json_get_str(e, "occurred_at", ""));
    buf_printf(out, "  row %s ", json_get_str(e, "key", "(no key)"));
    json_write(out, json_get(e, "record"), false);
    buf_putc(out, '\n');
    if (json_is(old, JSON_OBJECT)) {
        buf_puts(out, "  before ");
        json_write(out, old, false);
        buf_putc(out, '\n');
    }
    if (!json_is(list, JSON_ARRAY) || list->n == 0)
        buf_puts(out, "  no feature asks for this change\n");
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
        decision(&p, list->items[i]);
    explain_tame(out, from, color);
}
