/*
 * Backtest: a feature over what has happened. From the event log it decides
 * with the facts that were recorded then; from a table, each row enters at
 * the time it was made, with the values it has now. Nothing is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "core/capture.h"
#include "core/sim.h"
#include "runtime/engine_batch.h"
#include "runtime/history.h"
#include "runtime/what_if.h"
#include "target/lookup.h"

enum {
    ITEMS_DEFAULT = 20000,
    ITEMS_MAX = 200000,
    TICKS_MAX = 1000,
    PAGE_ROWS = 1000,
    DECISIONS_MAX = 10000,
    SAMPLES_MAX = 20,
    SAMPLES_OF_VERDICT = 3,
    DAY_CHARS = 10,
    KEEP_MAX_BYTES = 512 * 1024 * 1024,
};

struct day {
    int64_t entries, effects[EFFECT_KIND_COUNT];
};

/* Something that happened: an event of the log, or a row of the table. */
struct past {
    int64_t at_us; /* rows: when it was made */
    struct event_row event;
    struct event row;
};

struct backtest {
    struct what_if w;
    struct arena *a; /* of the answer */
    struct history *h;
    const char *source;
    int64_t since_us, until_us, limit, decisions_max;
    struct past *items;
    size_t n;
    bool cut; /* there was more than the limit */
    int64_t verdicts[VERDICT_COUNT], dropped[VERDICT_COUNT], deferred;
    int64_t recorded, live;
    int64_t goals[2][2];        /* held back?, reached? */
    struct map *days, *entered; /* subject key -> itself */
    struct json *samples, *decisions;
};

/* ---- facts ---- */

static enum status
fetch(void *user, struct arena *a, struct facts *facts, int64_t at_us,
      struct error *err)
{
    struct backtest *b = user;
    const struct fact_need *const *needs;
    size_t n = facts_wanted(facts, &needs);
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        const struct json *v = history_answer(b->h, needs[i], at_us);
        if (!v)
            continue;
        rc = facts_put(facts, needs[i]->key, v, err);
        b->recorded++;
    }
    if (rc == OK)
        rc = facts_drop_answered(facts, err);
    if (rc != OK)
        return rc;
    b->live += (int64_t)facts_wanted(facts, &needs);
    return what_if_facts(&b->w, a, facts, err);
}

static int64_t
look_us(void *user, const struct run *run)
{
    const struct backtest *b = user;

    return history_looked_us(b->h, run->event_id, run->subject.key,
                             run->due_us);
}

/* ---- what is told ---- */

static struct day *
day_of(struct backtest *b, int64_t at_us)
{
    char iso[ISO_BYTES];

    (void)iso_write(at_us, iso);
    iso[DAY_CHARS] = '\0';
    struct day *d = map_get(b->days, iso);
    if (d)
        return d;
    d = arena_alloc(b->a, sizeof(*d));
    const char *key = arena_strdup(b->a, iso);
    return d && key && map_put(b->days, key, d, NULL) == OK ? d : NULL;
}

static struct json *
decision_line(struct backtest *b, const struct sim_told *t)
{
    struct json *o = json_object(b->a);

    o = op_put_time(b->a, o, "at", t->at_us);
    o = op_put_string(b->a, o, "verdict", verdict_name(t->verdict));
    o = op_put_string(b->a, o, "subject", t->subject ? t->subject->key : NULL);
    o = op_put_string(b->a, o, "event_id", t->event ? t->event->id : NULL);
    o = op_put_string(b->a, o, "row", t->event ? t->event->key : NULL);
    o = op_put_string(b->a, o, "state", t->run ? t->run->state : NULL);
    o = op_put_string(b->a, o, "status",
                      t->run ? run_status_name(t->run->status) : NULL);
    return t->reason ? op_put_string(b->a, o, "reason", t->reason) : o;
}

static enum status
decision_told(struct backtest *b, const struct sim_told *t, struct error *err)
{
    bool entered = t->verdict == VERDICT_ENTERED;
    int64_t n = ++b->verdicts[t->verdict];
    struct day *day = day_of(b, t->at_us);
    bool sample = b->samples->n < SAMPLES_MAX &&
                  n <= (entered ? SAMPLES_MAX / 2 : SAMPLES_OF_VERDICT);

    if (!day)
        return fail(err, E_TOOBIG, "the backtest is too long");
    day->entries += entered;
    if (entered && !map_get(b->entered, t->subject->key)) {
        char *key = arena_strdup(b->a, t->subject->key);
        enum status rc = key ? map_put(b->entered, key, key, err)
                             : fail(err, E_TOOBIG, "the backtest is too long");
        if (rc != OK)
            return rc;
    }
    if (sample)
        (void)json_push(b->a, b->samples, decision_line(b, t));
    if (b->decisions->n < b->decisions_max)
        (void)json_push(b->a, b->decisions, decision_line(b, t));
    return OK;
}

static enum status
told(void *user, struct sim_told *t, struct error *err)
{
    struct backtest *b = user;

    if (t->kind == SIM_GOAL) {
        b->goals[strcmp(t->run->goal, verdict_name(VERDICT_HOLDOUT)) == 0]
                [strcmp(t->run->state, GOAL_REACHED) == 0]++;
        return OK;
    }
    if (t->kind == SIM_DECISION)
        return t->verdict == VERDICT_WRONG_STATE ? OK
                                                 : decision_told(b, t, err);
    if (t->verdict != VERDICT_ENTERED) {
        if (t->until_us)
            b->deferred++;
        else
            b->dropped[t->verdict]++;
        return OK;
    }
    struct day *day = day_of(b, t->at_us);
    if (!day)
        return fail(err, E_TOOBIG, "the backtest is too long");
    day->effects[t->effect->effect->kind]++;
    return OK;
}

/* ---- what happened ---- */

static int
by_id(const void *x, const void *y)
{
    const struct past *a = x, *b = y;

    return strcmp(a->event.id, b->event.id);
}

static int
by_time(const void *x, const void *y)
{
    const struct past *a = x, *b = y;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return strcmp(a->row.key, b->row.key);
}

static enum status
items_new(struct backtest *b, struct error *err)
{
    b->items = arena_array(b->w.a, (size_t)b->limit + 1, sizeof(*b->items));
    return b->items ? OK : fail(err, E_NOMEM, "backtest");
}

static enum status
events_of_type(struct backtest *b, struct store_tx *tx, const char *type,
               struct error *err)
{
    struct log_filter filter = {.workspace_id = b->w.workspace_id,
                                .type = type,
                                .since_us = b->since_us,
                                .until_us = b->until_us,
                                .after_id = "",
                                .limit = PAGE_ROWS};
    size_t n = PAGE_ROWS;
    enum status rc = OK;

    while (rc == OK && n == PAGE_ROWS && !b->cut) {
        struct event_row *rows = NULL;
        rc = events_list(tx, b->w.a, &filter, &rows, &n, err);
        for (size_t i = 0; rc == OK && i < n && !b->cut; i++) {
            b->cut = b->n == (size_t)b->limit;
            if (!b->cut && strcmp(rows[i].integration_id, b->w.in.id) == 0)
                b->items[b->n++].event = rows[i];
        }
        if (rc == OK && n)
            filter.after_id = rows[n - 1].id;
    }
    return rc;
}

/* Events of the trigger and of what may end or advance a run. */
static enum status
events_load(struct backtest *b, struct error *err)
{
    const struct feature *f = b->w.f;
    struct watch *watches = NULL;
    size_t n = 0;
    AUTO_TX tx = NULL;
    struct map *types = map_new(b->w.a);
    const char *type =
        arena_printf(b->w.a, "%s.%s", f->table, row_op_name(f->op));

    enum status rc = items_new(b, err);
    if (rc == OK && (!types || !type))
        rc = fail(err, E_NOMEM, "backtest");
    if (rc == OK)
        rc = feature_watches(b->w.a, f, &watches, &n, err);
    if (rc == OK)
        rc = store_begin(runtime_store(b->w.rt), false, &tx, err);
    for (size_t i = 0; rc == OK && i <= n; i++) {
        if (i > 0)
            type = arena_printf(b->w.a, "%s.%s", watches[i - 1].table,
                                row_op_name(watches[i - 1].op));
        if (!type || map_get(types, type))
            continue;
        rc = map_put(types, type, types, err);
        if (rc == OK)
            rc = events_of_type(b, tx, type, err);
    }
    if (rc == OK && b->n)
        qsort(b->items, b->n, sizeof(*b->items), by_id);
    return rc;
}

static enum status
with_created(struct backtest *b, const char ***columns, size_t *n,
             const char **created, struct error *err)
{
    const struct table *t = catalog_table(b->w.catalog, b->w.f->table);
    const char **list = NULL;
    enum status rc = scan_columns(b->w.a, b->w.catalog, b->w.f, &list, n, err);

    *created = t ? table_created_column(t) : NULL;
    if (rc != OK)
        return rc;
    if (!*created) {
        (void)error_hint(err, "use source events");
        return fail(err, E_INVALID,
                    "%s has no column that tells when a row was made",
                    b->w.f->table);
    }
    *columns = arena_array(b->w.a, *n + 1, sizeof(char *));
    if (!*columns)
        return fail(err, E_NOMEM, "backtest");
    bool there = false;
    for (size_t i = 0; i < *n; i++) {
        (*columns)[i] = list[i];
        there = there || strcmp(list[i], *created) == 0;
    }
    if (!there)
        (*columns)[(*n)++] = *created;
    return OK;
}

static void
row_take(struct backtest *b, const struct scanned_row *row, const char *created)
{
    const char *text = json_get_str(row->record, created, NULL);
    int64_t at_us = 0;
    bool scheduled = b->w.f->trigger == TRIGGER_SCHEDULE;

    if (!text || iso_parse(text, strlen(text), &at_us, NULL) != OK ||
        at_us >= b->until_us || (at_us < b->since_us && !scheduled))
        return;
    b->cut = b->cut || b->n == (size_t)b->limit;
    if (b->cut)
        return;
    b->items[b->n++] = (struct past){.at_us = at_us,
                                     .row = {.workspace = b->w.workspace_id,
                                             .integration = b->w.in.id,
                                             .table = b->w.f->table,
                                             .op = b->w.f->op,
                                             .key = row->key,
                                             .record = row->record,
                                             .occurred_us = at_us}};
}

static enum status
rows_load(struct backtest *b, struct error *err)
{
    const char **columns = NULL, *created = NULL, *after = NULL;
    size_t n_columns = 0, n = PAGE_ROWS;

    enum status rc = items_new(b, err);
    if (rc == OK)
        rc = with_created(b, &columns, &n_columns, &created, err);
    if (rc == OK)
        rc = what_if_target(&b->w, err);
    while (rc == OK && n == PAGE_ROWS && !b->cut) {
        struct scanned_row *rows = NULL;
        rc = lookup_scan(b->w.t, b->w.a, b->w.catalog, b->w.f->table, columns,
                         n_columns, after, PAGE_ROWS, &rows, &n, err);
        for (size_t i = 0; rc == OK && i < n; i++)
            row_take(b, &rows[i], created);
        if (rc == OK && n)
            after = rows[n - 1].key;
    }
    if (rc == OK && b->n)
        qsort(b->items, b->n, sizeof(*b->items), by_time);
    return rc;
}

/* ---- going through it ---- */

static enum status
run_events(struct backtest *b, struct sim *sim, struct error *err)
{
    AUTO_ARENA a = arena_new(KEEP_MAX_BYTES);
    enum status rc = a ? OK : fail(err, E_NOMEM, "backtest");

    for (size_t i = 0; rc == OK && i < b->n; i++) {
        const struct event_row *row = &b->items[i].event;
        struct event e;
        arena_reset(a);
        rc = event_from_row(a, row, &e, err);
        int64_t at_us = history_decided_us(b->h, row->id, row->received_us);
        /* What is due at the same time comes after, as in a batch. */
        if (rc == OK)
            rc = sim_until(sim, at_us - 1, err);
        if (rc == OK && e.key && e.op != ROW_DELETE)
            rc = history_row(b->h, e.table, e.key, e.record, err);
        if (rc == OK)
            rc = sim_event(sim, &e, at_us, false, err);
    }
    return rc;
}

static enum status
run_rows(struct backtest *b, struct sim *sim, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < b->n; i++) {
        struct past *p = &b->items[i];
        p->row.id = arena_printf(b->w.a, "row %s", p->row.key);
        if (!p->row.id)
            return fail(err, E_NOMEM, "backtest");
        rc = sim_until(sim, p->at_us - 1, err);
        if (rc == OK)
            rc = sim_event(sim, &p->row, p->at_us, false, err);
    }
    return rc;
}

static enum status
run_schedule(struct backtest *b, struct sim *sim, struct error *err)
{
    const struct feature *f = b->w.f;
    const struct zone *zone = NULL;
    struct cron cron;
    int ticks = 0;
    enum status rc = cron_parse(f->cron, &cron, err);

    if (rc == OK)
        rc = zone_get(f->cron_tz ? f->cron_tz : "UTC", &zone, err);
    if (rc != OK)
        return rc;
    for (int64_t at_us = cron_next(&cron, zone, b->since_us - 1);
         rc == OK && at_us < b->until_us;
         at_us = cron_next(&cron, zone, at_us)) {
        if (++ticks > TICKS_MAX)
            return fail(err, E_TOOBIG,
                        "the schedule starts over %d times in that range: "
                        "look at a shorter one",
                        TICKS_MAX);
        rc = sim_until(sim, at_us - 1, err);
        for (size_t i = 0; rc == OK && i < b->n && b->items[i].at_us <= at_us;
             i++) {
            b->items[i].row.occurred_us = at_us;
            rc = sim_event(sim, &b->items[i].row, at_us, true, err);
        }
    }
    return rc;
}

/* ---- the answer ---- */

static struct json *
counts_json(struct arena *a, const int64_t counts[VERDICT_COUNT])
{
    struct json *o = json_object(a);

    for (size_t i = 0; i < VERDICT_COUNT; i++)
        if (counts[i])
            o = op_put_int(a, o, verdict_name((enum verdict)i), counts[i]);
    return o;
}

static int
by_name(const void *x, const void *y)
{
    const struct json *const *a = x, *const *b = y;

    return strcmp(json_get_str(*a, "day", ""), json_get_str(*b, "day", ""));
}

static struct json *
days_json(struct backtest *b, int64_t totals[EFFECT_KIND_COUNT])
{
    struct json *list = json_array(b->a);
    const char *key;
    void *value;

    for (size_t i = 0; map_at(b->days, i, &key, &value); i++) {
        const struct day *d = value;
        struct json *o = op_put_string(b->a, json_object(b->a), "day", key);
        o = op_put_int(b->a, o, "entries", d->entries);
        int64_t any = d->entries;
        for (size_t k = 0; k < EFFECT_KIND_COUNT; k++) {
            totals[k] += d->effects[k];
            any += d->effects[k];
            o = op_put_int(b->a, o, effect_kind_name((enum effect_kind)k),
                           d->effects[k]);
        }
        if (any)
            list = json_push(b->a, list, o);
    }
    if (list && list->n)
        qsort(list->items, list->n, sizeof(struct json *), by_name);
    return list;
}

static struct json *
runs_json(struct backtest *b, const struct sim *sim)
{
    struct json *o = json_object(b->a);

    for (size_t i = 0; i < sim_runs(sim); i++) {
        const struct run *r = sim_run_at(sim, i);
        if (r->goal)
            continue;
        const char *key = r->status == RUN_ACTIVE
                              ? r->state
                              : arena_printf(b->a, "%s:%s", r->state,
                                             run_status_name(r->status));
        if (key)
            o = op_put_int(b->a, o, key, json_int(json_get(o, key), 0) + 1);
    }
    return o;
}

static enum status
report(struct backtest *b, const struct sim *sim, struct json **out,
       struct error *err)
{
    struct arena *a = b->a;
    int64_t totals[EFFECT_KIND_COUNT] = {0};
    struct json *days = days_json(b, totals), *effects = json_object(a);
    struct json *o = json_object(a), *facts = json_object(a);

    for (size_t k = 0; k < EFFECT_KIND_COUNT; k++)
        effects = op_put_int(a, effects, effect_kind_name((enum effect_kind)k),
                             totals[k]);
    facts = op_put_int(a, facts, "recorded", b->recorded);
    facts = op_put_int(a, facts, "live", b->live);
    o = op_put_string(a, o, "feature", b->w.f->key);
    o = op_put_int(a, o, "version", b->w.row.version);
    o = op_put_string(a, o, "source", b->source);
    o = op_put_time(a, o, "since", b->since_us);
    o = op_put_time(a, o, "until", b->until_us);
    o = op_put_int(a, o, "items", (int64_t)b->n);
    o = op_put_bool(a, o, "cut", b->cut);
    o = op_put_int(a, o, "entries", b->verdicts[VERDICT_ENTERED]);
    o = op_put_int(a, o, "subjects", (int64_t)map_count(b->entered));
    o = json_put(a, o, "verdicts", counts_json(a, b->verdicts));
    o = json_put(a, o, "effects", effects);
    o = json_put(a, o, "skipped", counts_json(a, b->dropped));
    o = op_put_int(a, o, "deferred", b->deferred);
    o = json_put(a, o, "runs", runs_json(b, sim));
    if (b->w.f->goal.n) {
        struct json *g = json_object(a);
        g = op_put_int(a, g, "entered_reached", b->goals[0][1]);
        g = op_put_int(a, g, "entered_missed", b->goals[0][0]);
        g = op_put_int(a, g, "holdout_reached", b->goals[1][1]);
        g = op_put_int(a, g, "holdout_missed", b->goals[1][0]);
        o = json_put(a, o, "goal", g);
    }
    o = json_put(a, o, "days", days);
    o = json_put(a, o, "facts", facts);
    o = json_put(a, o, "samples", b->samples);
    if (b->decisions_max)
        o = json_put(a, o, "decisions", b->decisions);
    *out = o;
    return o ? OK : fail(err, E_TOOBIG, "the backtest is too long");
}

static enum status
go(struct backtest *b, struct json **out, struct error *err)
{
    struct sim_config config = {.feature = b->w.f,
                                .feature_id = "backtest",
                                .version = b->w.row.version,
                                .fetch = fetch,
                                .holdout = b->w.holdout,
                                .told = told,
                                .look_us = look_us,
                                .user = b,
                                .past = true,
                                .max_bytes = KEEP_MAX_BYTES};
    bool scheduled = b->w.f->trigger == TRIGGER_SCHEDULE;
    bool events = strcmp(b->source, "events") == 0;
    const char *key = b->w.row.key ? b->w.row.key : b->w.f->key;
    AUTO_SIM sim = NULL;

    b->days = map_new(b->a);
    b->entered = map_new(b->a);
    b->samples = json_array(b->a);
    b->decisions = json_array(b->a);
    if (!b->days || !b->entered || !b->samples || !b->decisions)
        return fail(err, E_NOMEM, "backtest");
    enum status rc = history_load(b->w.rt, b->w.a, b->w.workspace_id, key,
                                  b->since_us, b->until_us, &b->h, err);
    if (rc == OK)
        rc = events ? events_load(b, err) : rows_load(b, err);
    if (rc == OK)
        rc = sim_new(&config, &sim, err);
    if (rc == OK)
        rc = events      ? run_events(b, sim, err)
             : scheduled ? run_schedule(b, sim, err)
                         : run_rows(b, sim, err);
    if (rc == OK)
        rc = sim_until(sim, b->until_us, err);
    return rc == OK ? report(b, sim, out, err) : rc;
}

/* ---- what is asked ---- */

static enum status
body_time(const struct json *body, const char *key, int64_t now_us,
          int64_t fallback, int64_t *out, struct error *err)
{
    const char *text = json_get_str(body, key, NULL);
    int64_t ago_us = 0;

    *out = fallback;
    if (!text)
        return OK;
    if (duration_parse(text, &ago_us, NULL) == OK) {
        *out = now_us - ago_us;
        return OK;
    }
    enum status rc = iso_parse(text, strlen(text), out, err);
    if (rc != OK)
        (void)error_field(err, "%s", key);
    return rc == E_INPUT ? (err->code = E_INVALID) : rc;
}

static enum status
ask(struct backtest *b, const struct json *body, struct error *err)
{
    int64_t now_us = runtime_now_us(b->w.rt);
    const char *source = json_get_str(body, "source", NULL);
    bool inserts = b->w.f->trigger == TRIGGER_ROW && b->w.f->op == ROW_INSERT;

    b->limit = json_int(json_get(body, "limit"), ITEMS_DEFAULT);
    b->decisions_max = json_int(json_get(body, "decisions"), 0);
    if (b->limit < 1 || b->limit > ITEMS_MAX || b->decisions_max < 0 ||
        b->decisions_max > DECISIONS_MAX)
        return fail(err, E_INVALID, "limit is 1 to %d, decisions 0 to %d",
                    ITEMS_MAX, DECISIONS_MAX);
    enum status rc = body_time(body, "since", now_us, now_us - 30 * US_PER_DAY,
                               &b->since_us, err);
    if (rc == OK)
        rc = body_time(body, "until", now_us, now_us, &b->until_us, err);
    if (rc != OK)
        return rc;
    if (b->since_us >= b->until_us)
        return fail(err, E_INVALID, "since must be before until");
    b->source = source                                           ? source
                : b->w.f->trigger == TRIGGER_SCHEDULE || inserts ? "table"
                                                                 : "events";
    if (strcmp(b->source, "events") != 0 && strcmp(b->source, "table") != 0) {
        rc = fail(err, E_INVALID, "source is events or table");
        (void)error_field(err, "source");
        return rc;
    }
    if (b->w.f->trigger == TRIGGER_SCHEDULE && strcmp(b->source, "events") == 0)
        return fail(err, E_INVALID,
                    "a schedule makes no events: use source table");
    if (b->w.f->trigger == TRIGGER_ROW && !inserts &&
        strcmp(b->source, "table") == 0)
        return fail(err, E_INVALID,
                    "a table does not tell of %ss: use source events",
                    row_op_name(b->w.f->op));
    return OK;
}

/* An older version of the feature. */
static enum status
version_document(struct runtime *rt, struct arena *a, const char *workspace_id,
                 const char *key, int64_t version, struct json **out,
                 struct error *err)
{
    struct feature_row row;
    const char *text = NULL;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc == OK)
        rc = feature_version_get(tx, a, row.id, version, &text, err);
    if (rc == OK)
        *out = json_string(a, text);
    return rc == OK
               ? OK
               : error_wrap(err, "version %lld of %s", (long long)version, key);
}

static enum status
one(struct runtime *rt, struct arena *a, const char *workspace_id,
    const char *key, const struct json *body, const struct json *document,
    int64_t version, struct json **out, struct map **entered, struct error *err)
{
    AUTO_ARENA work = arena_new((size_t)2 * KEEP_MAX_BYTES);
    struct backtest b = {.a = a};
    struct json *old = NULL;
    enum status rc = work ? OK : fail(err, E_NOMEM, "backtest");

    if (rc == OK && version && key)
        rc = version_document(rt, work, workspace_id, key, version, &old, err);
    if (rc == OK)
        rc = what_if_load(rt, work, workspace_id, key, old ? old : document,
                          &b.w, err);
    if (rc == OK && version)
        b.w.row.version = version;
    else if (rc == OK && document)
        b.w.row.version = 0;
    if (rc == OK)
        rc = ask(&b, body, err);
    if (rc == OK)
        rc = go(&b, out, err);
    *entered = b.entered;
    what_if_close(&b.w);
    return rc;
}

static struct json *
difference(struct arena *a, const struct map *x, const struct map *y,
           int64_t *both)
{
    struct json *o = json_object(a), *samples = json_array(a);
    int64_t n = 0;
    const char *key;
    void *value;

    *both = 0;
    for (size_t i = 0; map_at(x, i, &key, &value); i++) {
        bool shared = map_get(y, key) != NULL;
        *both += shared;
        n += !shared;
        if (!shared && n <= SAMPLES_MAX)
            samples = json_push(a, samples, json_string(a, key));
    }
    o = op_put_int(a, o, "subjects", n);
    return json_put(a, o, "samples", samples);
}

enum status
op_backtest(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *key, const struct json *body, struct json **out,
            struct error *err)
{
    const struct json *with = json_get(body, "compare");
    struct map *left = NULL, *right = NULL;
    struct json *x = NULL, *y = NULL, *o = json_object(a);
    int64_t both = 0;

    enum status rc =
        one(rt, a, workspace_id, key, body, json_get(body, "document"),
            json_int(json_get(body, "version"), 0), &x, &left, err);
    if (rc != OK || !with) {
        *out = x;
        return rc;
    }
    rc = one(rt, a, workspace_id, key, body, json_get(with, "document"),
             json_int(json_get(with, "version"), 0), &y, &right, err);
    if (rc != OK)
        return error_wrap(err, "compare");
    o = json_put(a, o, "a", x);
    o = json_put(a, o, "b", y);
    o = json_put(a, o, "only_a", difference(a, left, right, &both));
    o = json_put(a, o, "only_b", difference(a, right, left, &both));
    *out = op_put_int(a, o, "both", both);
    return *out ? OK : fail(err, E_TOOBIG, "the backtest is too long");
}
