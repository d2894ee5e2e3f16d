#include "core/why_not.h"

#include "codec/time.h"
#include "core/diagram.h"

enum { SENTENCE_MAX_BYTES = 8192 };

static void
match_words(struct buf *out, const char *link, const struct match *m)
{
    if (!m->set)
        return;
    buf_printf(out, " %s %s", link,
               m->op == OP_EQ && m->value ? "" : op_name(m->op));
    if (m->value) {
        if (m->op != OP_EQ)
            buf_putc(out, ' ');
        json_write(out, m->value, false);
    }
}

void
trigger_words(struct buf *out, const struct feature *f)
{
    if (f->trigger == TRIGGER_SCHEDULE) {
        buf_printf(out, "the schedule %s (%s) finds a row of %s", f->cron,
                   f->cron_tz ? f->cron_tz : "UTC", f->table);
        return;
    }
    switch (f->op) {
    case ROW_INSERT:
        buf_printf(out, "a row is inserted into %s", f->table);
        return;
    case ROW_DELETE:
        buf_printf(out, "a row is deleted from %s", f->table);
        return;
    case ROW_UPDATE:
    case ROW_OP_COUNT:
        break;
    }
    buf_printf(out, "%s of %s changes", f->column ? f->column : "a column",
               f->table);
    match_words(out, "from", &f->from);
    match_words(out, "to", &f->to);
}

static struct json *
sentence(struct arena *a, struct json *list, struct buf *text)
{
    struct json *s =
        buf_ok(text) ? json_string_n(a, text->data, text->len) : NULL;

    buf_free(text);
    return s ? json_push(a, list, s) : NULL;
}

static void
actual_words(struct buf *out, const struct json *trace)
{
    const struct json *actual = json_get(trace, "actual");

    if (!actual)
        return;
    buf_puts(out, "; it is ");
    json_write(out, actual, false);
}

/* The trace follows the predicates item by item. */
static struct json *
conditions(struct arena *a, const struct feature *f, const struct json *trace,
           struct json *list)
{
    for (size_t i = 0; trace && i < f->conditions.n && i < trace->n; i++) {
        const struct json *holds = json_get(trace->items[i], "holds");
        struct buf text = buf_new(SENTENCE_MAX_BYTES);
        if (json_is(holds, JSON_BOOL) && holds->boolean)
            continue;
        buf_puts(&text, json_is(holds, JSON_BOOL) ? "needed: " : "also: ");
        predicate_words(&text, &f->conditions.items[i]);
        actual_words(&text, trace->items[i]);
        list = sentence(a, list, &text);
    }
    return list;
}

/* For a trigger on an update, that the row is as it is does not make it fire:
 * the change itself must happen. */
static struct json *
trigger(struct arena *a, const struct feature *f, const struct json *row,
        struct json *list)
{
    struct buf text = buf_new(SENTENCE_MAX_BYTES);
    const struct json *now = f->column ? json_get(row, f->column) : NULL;

    buf_puts(&text, "it enters when ");
    trigger_words(&text, f);
    if (now && f->op == ROW_UPDATE) {
        buf_printf(&text, "; %s is ", f->column);
        json_write(&text, now, false);
        buf_puts(&text, " now");
    }
    return sentence(a, list, &text);
}

struct json *
why_not_changes(struct arena *a, const struct feature *f,
                const struct decision *d, const struct enrolment *enrolment,
                const struct json *row)
{
    struct json *list = json_array(a);
    struct buf text = buf_new(SENTENCE_MAX_BYTES);
    char iso[ISO_BYTES];

    switch (d->verdict) {
    case VERDICT_GUARD_FALSE:
        buf_free(&text);
        return conditions(a, f, json_get(d->detail, "conditions"), list);
    case VERDICT_ENTERED:
        buf_free(&text);
        return trigger(a, f, row, list);
    case VERDICT_NO_SUBJECT:
        buf_printf(&text, "%s of the row must lead to a subject; it is null",
                   f->subject_id.text);
        break;
    case VERDICT_PAUSED:
        buf_puts(&text, "the feature must be active");
        break;
    case VERDICT_ALREADY_ENTERED:
        buf_printf(&text,
                   f->mode == ENTRY_REMATCH
                       ? "a scan must find the conditions false in between; "
                         "it entered last at %s"
                       : "nothing: it enters once only, and did at %s",
                   iso_write(enrolment->last_entered_us, iso));
        break;
    case VERDICT_COOLDOWN:
        buf_printf(
            &text, "the cooldown ends at %s",
            iso_write(enrolment->last_entered_us + f->timing.cooldown_us, iso));
        break;
    case VERDICT_HOLDOUT:
        buf_puts(&text, "nothing: the subject is kept back for ever, to "
                        "compare with");
        break;
    case VERDICT_ADVANCED:
    case VERDICT_COMPLETED:
    case VERDICT_WRONG_STATE:
    case VERDICT_CAPPED:
    case VERDICT_QUIET_DEFERRED:
    case VERDICT_SUPPRESSED:
    case VERDICT_DUPLICATE:
    case VERDICT_SEMANTIC_NO:
    case VERDICT_NOT_EVALUATED:
    case VERDICT_ERROR:
    case VERDICT_COUNT:
        buf_printf(&text, "%s", verdict_meaning(d->verdict));
        break;
    }
    return sentence(a, list, &text);
}
