#include "core/diagram.h"

#include <stdio.h>
#include <string.h>

#include "codec/text.h"
#include "codec/time.h"

static void
value_words(struct buf *out, const struct json *v)
{
    if (json_is(v, JSON_STRING))
        buf_printf(out, "'%s'", v->text);
    else
        json_write(out, v, false);
}

static const char *const op_signs[OP_COUNT] = {
    [OP_EQ] = "=",
    [OP_NEQ] = "<>",
    [OP_GT] = ">",
    [OP_GTE] = ">=",
    [OP_LT] = "<",
    [OP_LTE] = "<=",
    [OP_IN] = "in",
    [OP_NOT_IN] = "not in",
    [OP_IS_NULL] = "is null",
    [OP_NOT_NULL] = "is not null",
    [OP_CONTAINS] = "contains",
    [OP_STARTS_WITH] = "starts with",
    [OP_ENDS_WITH] = "ends with",
    [OP_OLDER_THAN] = "older than",
    [OP_NEWER_THAN] = "newer than",
    [OP_DUE_IN] = "due in",
    [OP_DUE_AGO] = "due ago",
};

void
predicate_words(struct buf *out, const struct predicate *p)
{
    char text[ISO_BYTES];

    switch (p->kind) {
    case PREDICATE_ANY:
        for (size_t i = 0; i < p->sub.n; i++) {
            if (i)
                buf_puts(out, " or ");
            predicate_words(out, &p->sub.items[i]);
        }
        break;
    case PREDICATE_COLUMN:
        buf_printf(out, "%s %s", p->path.text, op_signs[p->op]);
        if (p->value) {
            buf_putc(out, ' ');
            value_words(out, p->value);
        }
        break;
    case PREDICATE_COUNT:
        buf_printf(out, "count of %s %s %lld", p->table, op_signs[p->op],
                   (long long)p->count);
        if (p->within_entry)
            buf_puts(out, " since entry");
        else if (p->within_us)
            buf_printf(out, " within %s", duration_human(p->within_us, text));
        break;
    }
}

void
effect_words(struct buf *out, const struct effect *e)
{
    switch (e->kind) {
    case EFFECT_EMAIL:
        buf_puts(out, "email");
        if (e->template)
            buf_printf(out, " %s", e->template);
        break;
    case EFFECT_WEBHOOK:
        buf_printf(out, "webhook %s", e->url ? e->url : e->connection);
        break;
    case EFFECT_TRACK:
        buf_puts(out, "track");
        if (e->event)
            buf_printf(out, " %s", e->event);
        break;
    case EFFECT_SET_STAGE:
        buf_printf(out, "stage %s", stage_name(e->stage));
        break;
    case EFFECT_KIND_COUNT:
        break;
    }
}

void
transition_words(struct buf *out, const struct transition *t)
{
    char text[ISO_BYTES];

    if (t->on_match)
        buf_puts(out, "on match");
    else if (t->after_us)
        buf_printf(out, "after %s", duration_human(t->after_us, text));
    else
        buf_puts(out, "at once");
    if (t->branch)
        buf_printf(out, ", %s (%llu of %llu)", t->branch->name,
                   (unsigned long long)(t->branch->to - t->branch->from),
                   (unsigned long long)t->branch->total);
    for (size_t i = 0; i < t->guard.n; i++) {
        buf_puts(out, i ? " and " : ", if ");
        predicate_words(out, &t->guard.items[i]);
    }
    for (size_t i = 0; i < t->n_effects; i++) {
        buf_puts(out, i ? ", " : ": ");
        effect_words(out, &t->effects[i]);
    }
}

static void
trigger_words(struct buf *out, const struct feature *f)
{
    if (f->trigger == TRIGGER_SCHEDULE) {
        buf_printf(out, "schedule %s over %s", f->cron, f->table);
        return;
    }
    buf_printf(out, "%s of %s", row_op_name(f->op), f->table);
    if (f->column)
        buf_printf(out, ".%s", f->column);
}

void
diagram_text(struct buf *out, const struct feature *f)
{
    buf_puts(out, "(");
    trigger_words(out, f);
    buf_printf(out, ")\n  -> [%s]\n", f->initial);
    for (size_t i = 0; i < f->n_states; i++) {
        const struct state *s = &f->states[i];
        if (s->final)
            continue;
        buf_printf(out, "[%s]\n", s->name);
        for (size_t t = 0; t < s->n_transitions; t++) {
            const struct state *to = feature_state(f, s->transitions[t].target);
            buf_puts(out, "  -- ");
            transition_words(out, &s->transitions[t]);
            buf_printf(out, to->final ? " --> ((%s))\n" : " --> [%s]\n",
                       to->name);
        }
    }
    for (size_t i = 0; i < f->exit.n; i++) {
        buf_puts(out, "exit when ");
        predicate_words(out, &f->exit.items[i]);
        buf_putc(out, '\n');
    }
}

/* Mermaid labels break on these. */
static void
mermaid_label(struct buf *out, const char *s)
{
    for (; *s; s++)
        if (*s == '"' || *s == ';' || *s == ':' || *s == '#')
            buf_printf(out, "#%d;", *s);
        else if ((unsigned char)*s < ' ')
            buf_putc(out, ' ');
        else
            buf_putc(out, *s);
}

/* A label that did not fit, or found no memory, spoils the picture. */
static void
lost_label(struct buf *out, const struct buf *label)
{
    out->failed |= label->failed;
    out->no_memory |= label->no_memory;
}

void
diagram_mermaid(struct buf *out, const struct feature *f)
{
    AUTO_BUF label = buf_new(16384);

    buf_puts(out, "stateDiagram-v2\n    direction LR\n    [*] --> ");
    buf_printf(out, "%s: ", f->initial);
    trigger_words(&label, f);
    mermaid_label(out, label.data);
    lost_label(out, &label);
    buf_putc(out, '\n');
    for (size_t i = 0; i < f->n_states; i++) {
        const struct state *s = &f->states[i];
        if (s->final)
            buf_printf(out, "    %s --> [*]\n", s->name);
        for (size_t t = 0; t < s->n_transitions; t++) {
            buf_reset(&label);
            transition_words(&label, &s->transitions[t]);
            buf_printf(out, "    %s --> %s: ", s->name,
                       s->transitions[t].target);
            mermaid_label(out, label.data);
            lost_label(out, &label);
            buf_putc(out, '\n');
        }
    }
}

/* ---- SVG: one column a layer, states of a layer below each other ---- */

enum { COLUMN_W = 260, ROW_H = 90, BOX_W = 130, BOX_H = 44, LABEL_BYTES = 40 };

struct place {
    int layer, row;
};

/* Longest-path layers would stretch loops; breadth first is stable. */
static int
layout(const struct feature *f, struct place *places)
{
    size_t queue[STATES_MAX], head = 0, tail = 0;
    int rows[STATES_MAX + 1] = {0}, layers = 0;
    bool seen[STATES_MAX] = {false};

    queue[tail++] = (size_t)(feature_state(f, f->initial) - f->states);
    seen[queue[0]] = true;
    places[queue[0]].layer = 1;
    while (head < tail) {
        size_t i = queue[head++];
        struct place *p = &places[i];
        p->row = rows[p->layer]++;
        layers = p->layer > layers ? p->layer : layers;
        for (size_t t = 0; t < f->states[i].n_transitions; t++) {
            const struct state *to =
                feature_state(f, f->states[i].transitions[t].target);
            size_t k = (size_t)(to - f->states);
            if (seen[k])
                continue;
            seen[k] = true;
            places[k].layer = p->layer + 1;
            queue[tail++] = k;
        }
    }
    return layers;
}

static int
x_of(struct place p)
{
    return 20 + p.layer * COLUMN_W;
}

static int
y_of(struct place p)
{
    return 30 + p.row * ROW_H;
}

static void
svg_box(struct buf *out, struct place p, const char *name, bool final)
{
    buf_printf(out,
               "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
               "rx=\"%d\" class=\"%s\"/><text x=\"%d\" y=\"%d\" "
               "class=\"name\">",
               x_of(p), y_of(p), BOX_W, BOX_H, final ? BOX_H / 2 : 8,
               final ? "final" : "state", x_of(p) + BOX_W / 2,
               y_of(p) + BOX_H / 2 + 5);
    html_escape(out, name, strlen(name));
    buf_puts(out, "</text>\n");
}

static void
svg_edge(struct buf *out, struct place from, struct place to, const char *label,
         size_t nth)
{
    int x1 = x_of(from) + BOX_W, y1 = y_of(from) + BOX_H / 2;
    int x2 = x_of(to), y2 = y_of(to) + BOX_H / 2;
    size_t shown = strlen(label);

    if (shown > LABEL_BYTES)
        for (shown = LABEL_BYTES; ((unsigned char)label[shown] & 0xc0) == 0x80;)
            shown--; /* not inside a character */
    buf_printf(out,
               "<path d=\"M%d %d C%d %d %d %d %d %d\" class=\"edge\" "
               "marker-end=\"url(#a)\"><title>",
               x1, y1, x1 + 60, y1, x2 - 60, y2, x2 - 4, y2);
    html_escape(out, label, strlen(label));
    buf_printf(out, "</title></path><text x=\"%d\" y=\"%d\" class=\"label\">",
               (x1 + x2) / 2, (y1 + y2) / 2 - 8 - (int)nth * 14);
    html_escape(out, label, shown);
    buf_puts(out, label[shown] ? "…</text>\n" : "</text>\n");
}

void
diagram_svg(struct buf *out, const struct feature *f)
{
    struct place places[STATES_MAX] = {{0}};
    struct place start = {0};
    AUTO_BUF label = buf_new(16384);
    int layers = layout(f, places), rows = 1;

    for (size_t i = 0; i < f->n_states; i++)
        rows = places[i].row + 1 > rows ? places[i].row + 1 : rows;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d "
               "%d\" role=\"img\"><title>",
               (layers + 1) * COLUMN_W - 60, rows * ROW_H + 30);
    html_escape(out, f->name, strlen(f->name));
    buf_puts(out,
             "</title><style>text{font:13px sans-serif;text-anchor:middle;"
             "fill:currentColor}.label{font-size:10px;opacity:.75}"
             ".state,.final,.start{fill:none;stroke:currentColor}"
             ".final{stroke-width:2.5}.start{stroke-dasharray:4 3}"
             ".edge{fill:none;stroke:currentColor;opacity:.6}</style>"
             "<defs><marker id=\"a\" markerWidth=\"8\" markerHeight=\"8\" "
             "refX=\"7\" refY=\"4\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 "
             "8z\" fill=\"currentColor\"/></marker></defs>\n");
    svg_box(out, start, "trigger", false);
    trigger_words(&label, f);
    svg_edge(out, start, places[feature_state(f, f->initial) - f->states],
             label.data, 0);
    lost_label(out, &label);
    for (size_t i = 0; i < f->n_states; i++) {
        const struct state *s = &f->states[i];
        svg_box(out, places[i], s->name, s->final);
        for (size_t t = 0; t < s->n_transitions; t++) {
            const struct state *to = feature_state(f, s->transitions[t].target);
            buf_reset(&label);
            transition_words(&label, &s->transitions[t]);
            svg_edge(out, places[i], places[to - f->states], label.data, t);
            lost_label(out, &label);
        }
    }
    buf_puts(out, "</svg>\n");
}
