#include "runtime/history.h"

#include <string.h>

#include "base/map.h"
#include "codec/json.h"
#include "core/decide.h"
#include "store/store.h"

enum { PAGE_ROWS = 1000, DETAIL_MAX_BYTES = 64 * 1024 * 1024 };

/* Values of one fact, or times of one run, in the order of time. */
struct point {
    int64_t at_us;
    const struct json *value;
};
struct points {
    struct point *items;
    size_t n, cap;
};

struct history {
    struct arena *a;
    struct map *facts;   /* key of the fact -> points */
    struct map *decided; /* event id -> points, one */
    struct map *looked;  /* event id or subject key -> points */
    struct map *began;   /* run id -> what `looked` is asked by */
    struct map *rows;    /* "table|key" -> points, one: the newest */
};

static enum status
point_add(struct arena *a, struct map *m, const char *key, int64_t at_us,
          const struct json *value, struct error *err)
{
    struct points *p = map_get(m, key);

    if (!p) {
        p = arena_alloc(a, sizeof(*p));
        const char *kept = arena_strdup(a, key);
        if (!p || !kept)
            return fail(err, E_TOOBIG, "the history is too long");
        enum status rc = map_put(m, kept, p, err);
        if (rc != OK)
            return rc;
    }
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 2;
        struct point *more = arena_array(a, cap, sizeof(*more));
        if (!more)
            return fail(err, E_TOOBIG, "the history is too long");
        if (p->n)
            memcpy(more, p->items, p->n * sizeof(*more));
        p->items = more;
        p->cap = cap;
    }
    p->items[p->n++] = (struct point){at_us, value};
    return OK;
}

/* First point at or after a time, or p->n. */
static size_t
lower(const struct points *p, int64_t at_us)
{
    size_t from = 0, to = p->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (p->items[mid].at_us < at_us)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static enum status
facts_add(struct history *h, const struct decision_row *d, struct error *err)
{
    struct json *detail = NULL;
    enum status rc = OK;

    /* Most details carry none: those are not parsed. */
    if (!d->detail || !strstr(d->detail, "\"facts\":"))
        return OK;
    rc = json_parse(h->a, d->detail, strlen(d->detail), DETAIL_MAX_BYTES,
                    &detail, err);
    const struct json *facts = rc == OK ? json_get(detail, "facts") : NULL;
    for (uint32_t i = 0;
         rc == OK && json_is(facts, JSON_OBJECT) && i < facts->n; i++)
        rc = point_add(h->a, h->facts, facts->members[i].key, d->at_us,
                       facts->members[i].value, err);
    return rc;
}

static enum status
decision_take(struct history *h, const struct decision_row *d,
              struct error *err)
{
    bool entered = strcmp(d->verdict, verdict_name(VERDICT_ENTERED)) == 0;
    const char *by = d->event_id ? d->event_id : d->subject_key;
    enum status rc = facts_add(h, d, err);

    if (rc == OK && d->event_id && !map_get(h->decided, d->event_id))
        rc = point_add(h->a, h->decided, d->event_id, d->at_us, NULL, err);
    if (rc != OK || !d->run_id || !by)
        return rc;
    if (entered) {
        char *run = arena_strdup(h->a, d->run_id);
        char *kept = arena_strdup(h->a, by);
        return run && kept ? map_put(h->began, run, kept, err)
                           : fail(err, E_TOOBIG, "the history is too long");
    }
    const char *began = map_get(h->began, d->run_id);
    if (d->event_id)
        return OK;
    return point_add(h->a, h->looked, began ? began : by, d->at_us, NULL, err);
}

enum status
history_load(struct runtime *rt, struct arena *a, const char *workspace_id,
             const char *feature_key, int64_t since_us, int64_t until_us,
             struct history **out, struct error *err)
{
    struct log_filter filter = {.workspace_id = workspace_id,
                                .feature_key = feature_key,
                                .since_us = since_us,
                                .until_us = until_us,
                                .after_id = "",
                                .limit = PAGE_ROWS};
    struct history *h = arena_alloc(a, sizeof(*h));
    AUTO_ARENA even = arena_new((size_t)256 * 1024 * 1024);
    AUTO_ARENA odd = arena_new((size_t)256 * 1024 * 1024);
    struct arena *pages[] = {even, odd};
    AUTO_TX tx = NULL;
    size_t n = PAGE_ROWS;

    if (!h || !even || !odd)
        return fail(err, E_NOMEM, "history");
    *h = (struct history){.a = a,
                          .facts = map_new(a),
                          .decided = map_new(a),
                          .looked = map_new(a),
                          .began = map_new(a),
                          .rows = map_new(a)};
    if (!h->facts || !h->decided || !h->looked || !h->began || !h->rows)
        return fail(err, E_NOMEM, "history");
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);
    for (int turn = 0; rc == OK && n == PAGE_ROWS; turn = 1 - turn) {
        struct decision_row *rows = NULL;
        arena_reset(pages[turn]); /* the cursor lives in the page before */
        rc = decisions_list(tx, pages[turn], &filter, &rows, &n, err);
        for (size_t i = 0; rc == OK && i < n; i++)
            rc = decision_take(h, &rows[i], err);
        if (rc == OK && n)
            filter.after_id = rows[n - 1].id;
    }
    *out = h;
    return rc;
}

int64_t
history_decided_us(const struct history *h, const char *event_id,
                   int64_t otherwise)
{
    const struct points *p = event_id ? map_get(h->decided, event_id) : NULL;

    return p ? p->items[0].at_us : otherwise;
}

int64_t
history_looked_us(const struct history *h, const char *event_id,
                  const char *subject_key, int64_t due_us)
{
    const struct points *p =
        map_get(h->looked, event_id ? event_id : subject_key);
    size_t i = p ? lower(p, due_us) : 0;

    return p && i < p->n ? p->items[i].at_us : due_us;
}

static const char *
row_name(struct arena *a, const char *table, const char *key)
{
    return arena_printf(a, "%s|%s", table, key);
}

enum status
history_row(struct history *h, const char *table, const char *key,
            const struct json *record, struct error *err)
{
    const char *name = row_name(h->a, table, key);
    struct points *p = name ? map_get(h->rows, name) : NULL;
    struct json *kept = json_clone(h->a, record);

    if (!name || !kept)
        return fail(err, E_TOOBIG, "the history is too long");
    if (!p)
        return point_add(h->a, h->rows, name, 0, kept, err);
    p->items[0].value = kept;
    return OK;
}

/* A column of a row that an event told of. */
static const struct json *
told(const struct history *h, const struct fact_need *need)
{
    AUTO_ARENA a = arena_new((size_t)1024 * 1024);

    if (need->kind != FACT_PATH || !need->row_key ||
        !path_is_local(need->path) || need->path->hops[0].json_key || !a)
        return NULL;
    const char *name = row_name(a, need->table, need->row_key);
    const struct points *p = name ? map_get(h->rows, name) : NULL;
    return p ? json_get(p->items[0].value, need->path->hops[0].column) : NULL;
}

const struct json *
history_answer(const struct history *h, const struct fact_need *need,
               int64_t at_us)
{
    const struct points *p = map_get(h->facts, need->key);
    size_t i = p ? lower(p, at_us + 1) : 0;

    if (p && i > 0)
        return p->items[i - 1].value;
    if (p && p->n)
        return p->items[0].value;
    return told(h, need);
}
