#include <string.h>

#include "codec/time.h"
#include "core/gates.h"
#include "runtime/dispatcher_parts.h"

enum { SETTINGS_MAX_BYTES = 256 * 1024 };

/* "22:00" -> 1320 */
static bool
clock_minutes(const char *text, int *out)
{
    if (!text || strlen(text) != 5 || text[2] != ':')
        return false;
    for (int i = 0; i < 5; i++)
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return false;
    int h = (text[0] - '0') * 10 + text[1] - '0';
    int m = (text[3] - '0') * 10 + text[4] - '0';
    *out = h * 60 + m;
    return h < 24 && m < 60;
}

static unsigned
days_of(const struct json *days)
{
    static const char *const names[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};
    unsigned bits = 0;

    for (uint32_t i = 0; json_is(days, JSON_ARRAY) && i < days->n; i++)
        for (unsigned day = 0; day < 7; day++)
            if (strcmp(json_str(days->items[i], ""), names[day]) == 0)
                bits |= 1U << day;
    return bits;
}

static enum status
cap_of(const struct json *cap, int64_t *count, int64_t *per_us,
       struct error *err)
{
    *count = json_int(json_get(cap, "count"), 0);
    if (*count <= 0)
        return OK;
    return duration_parse(json_get_str(cap, "per", ""), per_us, err);
}

/* The document's timing as the worker put it beside the action: the version
 * that decided is the one that is obeyed. */
static enum status
timing_of(const struct json *doc, struct timing *out, struct error *err)
{
    const struct json *quiet = json_get(doc, "quiet_hours");

    *out = (struct timing){.tz = json_get_str(quiet, "tz", "UTC"),
                           .days = days_of(json_get(doc, "days"))};
    if (json_is(quiet, JSON_OBJECT)) {
        out->quiet = true;
        if (!clock_minutes(json_get_str(quiet, "from", NULL),
                           &out->quiet_from_min) ||
            !clock_minutes(json_get_str(quiet, "to", NULL), &out->quiet_to_min))
            return fail(err, E_INPUT,
                        "timing.quiet_hours: from and to must "
                        "be times of day like 22:00");
    }
    return cap_of(json_get(doc, "cap"), &out->cap_count, &out->cap_per_us, err);
}

/* Columns that name a person's zone, when the row has one. */
static const char *
subject_zone(const struct json *payload)
{
    static const char *const names[] = {"timezone", "time_zone", "tz"};
    const struct json *record = json_get(json_get(payload, "event"), "record");
    const struct zone *zone = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = json_get_str(record, names[i], NULL);
        if (name && zone_get(name, &zone, NULL) == OK)
            return name;
    }
    return NULL;
}

/* Messages on their way, not in the store yet, count as sent. */
static int64_t
on_the_way(const struct flight *self, const char *feature_id)
{
    int64_t n = 0;

    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct flight *f = self->d->by_id[i]; f; f = f->next_hash)
            n += f != self && (f->host || f->succeeded) &&
                 effect_reaches_person(f->kind) &&
                 strcmp(f->action.subject_key, self->action.subject_key) == 0 &&
                 strcmp(f->action.workspace_id, self->action.workspace_id) ==
                     0 &&
                 (!feature_id || strcmp(f->action.feature_id, feature_id) == 0);
    return n;
}

struct window {
    const char *feature_id; /* NULL: the whole workspace */
    int64_t per_us;
    int64_t count, oldest_us; /* found in it */
};

static enum status
sent_in(const struct flight *f, struct store_tx *tx, int64_t now_us,
        struct window *w, struct error *err)
{
    enum status rc = sends_count(
        tx, f->action.workspace_id, f->action.subject_key, w->feature_id,
        now_us - w->per_us, &w->count, &w->oldest_us, err);
    if (rc != OK)
        return rc;
    int64_t more = on_the_way(f, w->feature_id);
    if (w->count == 0 && more)
        w->oldest_us = now_us;
    w->count += more;
    return OK;
}

static enum status
workspace_cap(struct flight *f, struct store_tx *tx, struct send_facts *facts,
              struct error *err)
{
    struct workspace ws = {0};
    struct json *settings = NULL;

    enum status rc =
        workspace_by_id(tx, f->a, f->action.workspace_id, &ws, err);
    if (rc == OK && ws.settings && *ws.settings)
        rc = json_parse(f->a, ws.settings, strlen(ws.settings),
                        SETTINGS_MAX_BYTES, &settings, err);
    if (rc == OK)
        rc = cap_of(json_get(settings, "cap"), &facts->workspace_cap,
                    &facts->workspace_per_us, err);
    return rc;
}

static enum status
caps_load(struct flight *f, struct store_tx *tx, const struct timing *t,
          struct send_facts *facts, struct error *err)
{
    enum status rc = workspace_cap(f, tx, facts, err);
    struct window own = {.feature_id = f->action.feature_id,
                         .per_us = t->cap_per_us};
    struct window all = {.per_us = facts->workspace_per_us};

    if (rc == OK && t->cap_count > 0)
        rc = sent_in(f, tx, facts->now_us, &own, err);
    if (rc == OK && facts->workspace_cap > 0)
        rc = sent_in(f, tx, facts->now_us, &all, err);
    facts->sent_feature = own.count;
    facts->oldest_feature_us = own.oldest_us;
    facts->sent_workspace = all.count;
    facts->oldest_workspace_us = all.oldest_us;
    return rc;
}

static void
gate_apply(struct flight *f, const struct send_gate *gate)
{
    const char *verdict = verdict_name(gate->verdict);

    if (gate->verdict == VERDICT_QUIET_DEFERRED ||
        gate->verdict == VERDICT_CAPPED)
        flight_defer(f, gate->until_us, verdict, NULL);
    else
        flight_skip(f, verdict, NULL);
}

enum status
gates_check(struct flight *f, struct store_tx *tx, bool exited, bool *pass,
            struct error *err)
{
    struct timing timing;
    struct send_gate gate = {0};
    const char *reason = NULL;
    struct send_facts facts = {.now_us = runtime_now_us(f->d->rt),
                               .exited = exited,
                               .subject_tz = subject_zone(f->payload)};

    enum status rc = timing_of(json_get(f->payload, "timing"), &timing, err);
    if (rc == OK && f->action.address)
        rc = suppression_find(tx, f->a, f->action.workspace_id,
                              f->action.address, &reason, err);
    if (rc == OK)
        rc = caps_load(f, tx, &timing, &facts, err);
    if (rc != OK)
        return rc;
    facts.suppressed = reason != NULL;
    rc = send_gate(f->a, &timing, &facts, &gate, err);
    if (rc != OK)
        return rc;
    f->action.gates = gate.detail ? json_text(f->a, gate.detail) : NULL;
    *pass = gate.verdict == VERDICT_ENTERED;
    if (!*pass)
        gate_apply(f, &gate);
    return OK;
}
