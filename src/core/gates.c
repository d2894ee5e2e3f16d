#include "core/gates.h"

#include <string.h>

#include "codec/time.h"

static bool
in_quiet_hours(const struct timing *t, int minute)
{
    if (!t->quiet)
        return false;
    if (t->quiet_from_min < t->quiet_to_min)
        return minute >= t->quiet_from_min && minute < t->quiet_to_min;
    return minute >= t->quiet_from_min || minute < t->quiet_to_min;
}

static enum status
zone_of(const struct timing *t, const char *subject_tz, const struct zone **out,
        struct error *err)
{
    const char *name = t->tz ? t->tz : "UTC";

    if (strcmp(name, "subject") == 0)
        name = subject_tz ? subject_tz : "UTC";
    return zone_get(name, out, err);
}

/* The end of the quiet hours, or the next midnight. In the hour that a change
 * of the clocks repeats, local time names an instant that may have passed:
 * then it is the second of its name. */
static int64_t
next_opening(const struct timing *t, const struct zone *zone, int64_t us,
             bool day_off)
{
    struct civil c = zone_civil(zone, us), next = c;
    int minute = c.hour * 60 + c.minute;
    int to = day_off ? 24 * 60 : t->quiet_to_min;
    int left = to > minute ? to - minute : to + 24 * 60 - minute;

    next.second = 0;
    next.day += day_off || minute >= to;
    next.hour = day_off ? 0 : to / 60;
    next.minute = day_off ? 0 : to % 60;
    int64_t at_us = zone_instant(zone, &next);
    return at_us > us
               ? at_us
               : us - us % US_PER_S + left * US_PER_MIN - c.second * US_PER_S;
}

enum status
quiet_until(const struct timing *t, const char *subject_tz, int64_t now_us,
            int64_t *out, struct error *err)
{
    const struct zone *zone = NULL;

    *out = now_us;
    if (!t->quiet && !t->days)
        return OK;
    enum status rc = zone_of(t, subject_tz, &zone, err);
    /* Each round passes a night or a day; a week has an allowed day. */
    for (int i = 0; rc == OK && i < 20; i++) {
        struct civil c = zone_civil(zone, *out);
        bool day_off = t->days && !(t->days >> c.weekday & 1);
        int minute = c.hour * 60 + c.minute;
        if (!day_off && !in_quiet_hours(t, minute))
            return OK;
        *out = next_opening(t, zone, *out, day_off);
    }
    return rc == OK ? fail(err, E_BUG, "no allowed time within a week") : rc;
}

static void
note(struct arena *a, struct json *list, const char *gate, bool pass,
     int64_t until_us)
{
    char text[ISO_BYTES];
    struct json *o = json_object(a);

    o = json_put(a, o, "gate", json_string(a, gate));
    o = json_put(a, o, "result", json_string(a, pass ? "pass" : "fail"));
    if (until_us)
        o = json_put(a, o, "until", json_string(a, iso_write(until_us, text)));
    (void)json_push(a, list, o);
}

static bool
capped(int64_t cap, int64_t per_us, int64_t sent, int64_t oldest_us,
       int64_t *until_us)
{
    if (cap == 0 || sent < cap)
        return false;
    int64_t at = oldest_us + per_us;
    if (at > *until_us)
        *until_us = at;
    return true;
}

enum status
send_gate(struct arena *a, const struct timing *t, const struct send_facts *s,
          struct send_gate *out, struct error *err)
{
    int64_t open_us = 0, free_us = s->now_us + US_PER_S;
    struct json *list = json_array(a);

    *out = (struct send_gate){.verdict = VERDICT_ENTERED, .detail = list};
    enum status rc = quiet_until(t, s->subject_tz, s->now_us, &open_us, err);
    if (rc != OK || !list)
        return rc != OK ? rc : fail(err, E_NOMEM, "gates");
    note(a, list, "exit", !s->exited, 0);
    if (s->exited) {
        out->verdict = VERDICT_COMPLETED;
        return OK;
    }
    note(a, list, "suppression", !s->suppressed, 0);
    if (s->suppressed) {
        out->verdict = VERDICT_SUPPRESSED;
        return OK;
    }
    bool quiet = open_us > s->now_us;
    note(a, list, "quiet_hours", !quiet, quiet ? open_us : 0);
    if (quiet) {
        out->verdict = VERDICT_QUIET_DEFERRED;
        out->until_us = open_us;
        return OK;
    }
    bool over = capped(t->cap_count, t->cap_per_us, s->sent_feature,
                       s->oldest_feature_us, &free_us);
    over |= capped(s->workspace_cap, s->workspace_per_us, s->sent_workspace,
                   s->oldest_workspace_us, &free_us);
    note(a, list, "cap", !over, over ? free_us : 0);
    if (over) {
        out->verdict = VERDICT_CAPPED;
        out->until_us = free_us;
    }
    return OK;
}
