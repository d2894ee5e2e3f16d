/* Goals with their lift, and the way through the states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "core/conversion.h"
#include "core/decide.h"
#include "runtime/ops_parts.h"

enum {
    FUNNEL_DECISIONS = 200000,
    PAGE_ROWS = 1000,
    PAGE_MAX_BYTES = 256 * 1024 * 1024,
    DETAIL_MAX_BYTES = 64 * 1024 * 1024,
};

static struct json *
put_share(struct arena *a, struct json *o, const char *key, double v)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%.4f", v);
    return json_put(a, o, key, json_decimal(a, text));
}

/* ---- conversion ---- */

struct arm {
    int64_t version;
    const char *name;
    int64_t subjects, open, over, reached; /* reached: of those over */
};
enum { ARMS_MAX = 512 };

static struct arm *
arm_of(struct arm *arms, size_t *n, int64_t version, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (arms[i].version == version && strcmp(arms[i].name, name) == 0)
            return &arms[i];
    if (*n == ARMS_MAX)
        return NULL;
    arms[*n] = (struct arm){.version = version, .name = name};
    return &arms[(*n)++];
}

static void
arm_add(struct arm *x, const struct goal_count *c)
{
    x->subjects += c->n;
    x->over += c->over;
    if (strcmp(c->state, GOAL_OPEN) == 0)
        x->open += c->n;
    if (strcmp(c->state, GOAL_REACHED) == 0)
        x->reached += c->over;
}

static struct json *
arm_json(struct arena *a, const struct arm *x)
{
    struct share s = share_of(x->reached, x->over);
    struct json *o = json_object(a);

    if (x->version)
        o = op_put_int(a, o, "version", x->version);
    o = op_put_string(a, o, "arm", x->name);
    o = op_put_int(a, o, "subjects", x->subjects);
    o = op_put_int(a, o, "open", x->open);
    o = op_put_int(a, o, "over", x->over);
    o = op_put_int(a, o, "reached", x->reached);
    o = put_share(a, o, "rate", s.rate);
    o = put_share(a, o, "low", s.low);
    return put_share(a, o, "high", s.high);
}

static struct json *
lift_json(struct arena *a, const struct arm *in, const struct arm *base)
{
    struct lift l = lift_of(in->reached, in->over, base->reached, base->over);
    struct json *o = json_object(a);

    if (in->over == 0 || base->over == 0)
        return json_null(a);
    o = put_share(a, o, "difference", l.difference);
    o = put_share(a, o, "low", l.low);
    o = put_share(a, o, "high", l.high);
    return op_put_bool(a, o, "significant", l.significant);
}

/* By version and arm, and over all versions: totals[1] are those held back. */
static void
sum(struct arm *arms, size_t *n_arms, struct arm totals[2],
    const struct goal_count *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arm *x = arm_of(arms, n_arms, counts[i].version, counts[i].arm);
        if (x)
            arm_add(x, &counts[i]);
        arm_add(&totals[strcmp(counts[i].arm, totals[1].name) == 0],
                &counts[i]);
    }
}

enum status
op_conversion(struct runtime *rt, struct arena *a, const char *workspace_id,
              const char *key, struct json **out, struct error *err)
{
    struct arm *arms = arena_array(a, ARMS_MAX, sizeof(*arms));
    struct arm totals[] = {{.name = verdict_name(VERDICT_ENTERED)},
                           {.name = verdict_name(VERDICT_HOLDOUT)}};
    struct goal_count *counts = NULL;
    struct json *versions = json_array(a), *all = json_array(a);
    size_t n = 0, n_arms = 0;
    struct feature *f = NULL;
    struct feature_row row;
    AUTO_TX tx = NULL;

    enum status rc = arms ? store_begin(runtime_store(rt), false, &tx, err)
                          : fail(err, E_NOMEM, "conversion");
    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc == OK)
        rc = feature_parse_text(a, row.document, strlen(row.document), &f, err);
    if (rc == OK && f->goal.n == 0) {
        (void)error_hint(err, "goal: {when: [predicates], within: P14D}");
        rc = fail(err, E_INVALID, "%s has no goal", key);
    }
    if (rc == OK)
        rc = goals_count(tx, a, workspace_id, row.id,
                         runtime_now_us(rt) - f->goal_within_us, &counts, &n,
                         err);
    if (rc != OK)
        return rc;
    sum(arms, &n_arms, totals, counts, n);
    for (size_t i = 0; i < n_arms; i++)
        versions = json_push(a, versions, arm_json(a, &arms[i]));
    for (size_t i = 0; i < 2; i++)
        all = json_push(a, all, arm_json(a, &totals[i]));
    struct json *o = op_put_string(a, json_object(a), "feature", key);
    o = json_put(a, o, "goal",
                 json_clone(a, json_get(feature_to_json(a, f, NULL), "goal")));
    o = json_put(a, o, "arms", all);
    o = json_put(a, o, "versions", versions);
    *out = json_put(a, o, "lift", lift_json(a, &totals[0], &totals[1]));
    return *out ? OK : fail(err, E_NOMEM, "conversion");
}

/* ---- funnel ---- */

struct stay {
    int64_t *times; /* us */
    size_t n, cap;
    int64_t entered, left;
};

struct place {
    const char *state;
    int64_t since_us;
};

struct funnel {
    struct arena *a;
    const struct feature *f;
    struct map *stays;  /* state -> stay */
    struct map *places; /* run -> place */
    struct map *ways;   /* "from → to" -> int64_t */
    struct json *ended;
};

static struct stay *
stay_of(struct funnel *x, const char *state)
{
    struct stay *s = map_get(x->stays, state);

    if (s)
        return s;
    s = arena_alloc(x->a, sizeof(*s));
    const char *key = arena_strdup(x->a, state);
    return s && key && map_put(x->stays, key, s, NULL) == OK ? s : NULL;
}

static void
time_add(struct funnel *x, struct stay *s, int64_t us)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        int64_t *more = arena_array(x->a, cap, sizeof(*more));
        if (!more)
            return; /* the median is of those before */
        if (s->n)
            memcpy(more, s->times, s->n * sizeof(*more));
        s->times = more;
        s->cap = cap;
    }
    s->times[s->n++] = us;
}

static bool
way_add(struct funnel *x, const char *from, const char *to)
{
    const char *key = arena_printf(x->a, "%s\n%s", from, to);
    int64_t *n = key ? map_get(x->ways, key) : NULL;

    if (!n) {
        n = arena_alloc(x->a, sizeof(*n));
        if (!n || !key || map_put(x->ways, key, n, NULL) != OK)
            return false;
    }
    ++*n;
    return true;
}

/* The run is in `state` from now on. */
static bool
come(struct funnel *x, const char *run_id, const char *state, int64_t at_us)
{
    struct place *p = map_get(x->places, run_id);
    struct stay *s = stay_of(x, state);

    if (!s)
        return false;
    s->entered++;
    if (p) {
        struct stay *before = stay_of(x, p->state);
        if (!before || !way_add(x, p->state, state))
            return false;
        before->left++;
        time_add(x, before, at_us - p->since_us);
    } else {
        p = arena_alloc(x->a, sizeof(*p));
        const char *key = arena_strdup(x->a, run_id);
        if (!p || !key || map_put(x->places, key, p, NULL) != OK)
            return false;
    }
    *p = (struct place){arena_strdup(x->a, state), at_us};
    return p->state != NULL;
}

static enum status
take(struct funnel *x, const struct decision_row *d, struct error *err)
{
    AUTO_ARENA work = arena_new(DETAIL_MAX_BYTES);
    struct json *detail = NULL;
    bool entered = strcmp(d->verdict, verdict_name(VERDICT_ENTERED)) == 0;
    bool ok = true;

    /* Runs that began before are not followed: how long they stayed is not
     * known. */
    if (!d->run_id || (!entered && !map_get(x->places, d->run_id)))
        return OK;
    enum status rc = work ? json_parse(work, d->detail, strlen(d->detail),
                                       DETAIL_MAX_BYTES, &detail, err)
                          : fail(err, E_NOMEM, "funnel");
    if (rc != OK)
        return rc;
    const struct json *step = entered ? json_get(detail, "step") : detail;
    const struct json *steps = json_get(step, "steps");
    const char *status = json_get_str(step, "status", NULL);
    if (entered)
        ok = come(x, d->run_id, x->f->initial, d->at_us);
    for (uint32_t i = 0; ok && json_is(steps, JSON_ARRAY) && i < steps->n; i++)
        ok = come(x, d->run_id, json_get_str(steps->items[i], "to", ""),
                  d->at_us);
    if (!status && !entered)
        status = run_status_name(RUN_EXITED); /* ended from outside */
    if (ok && status && strcmp(status, run_status_name(RUN_ACTIVE)) != 0) {
        const char *key = arena_strdup(x->a, status);
        int64_t n = json_int(json_get(x->ended, status), 0);
        x->ended = key ? op_put_int(x->a, x->ended, key, n + 1) : NULL;
    }
    return ok && x->ended ? OK : fail(err, E_TOOBIG, "the funnel is too long");
}

static int
by_value(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;

    return *a < *b ? -1 : *a > *b;
}

static struct json *
states_json(struct funnel *x)
{
    struct json *list = json_array(x->a);
    const char *key;
    void *value;

    for (size_t i = 0; map_at(x->stays, i, &key, &value); i++) {
        struct stay *s = value;
        struct json *o = op_put_string(x->a, json_object(x->a), "state", key);
        o = op_put_int(x->a, o, "entered", s->entered);
        o = op_put_int(x->a, o, "left", s->left);
        o = op_put_int(x->a, o, "here", s->entered - s->left);
        if (s->n)
            qsort(s->times, s->n, sizeof(*s->times), by_value);
        o = s->n ? op_put_int(x->a, o, "median_s",
                              s->times[(s->n - 1) / 2] / US_PER_S)
                 : op_put_string(x->a, o, "median_s", NULL);
        list = json_push(x->a, list, o);
    }
    return list;
}

static struct json *
ways_json(struct funnel *x)
{
    struct json *list = json_array(x->a);
    const char *key;
    void *value;

    for (size_t i = 0; map_at(x->ways, i, &key, &value); i++) {
        const int64_t *n = value;
        size_t from = strcspn(key, "\n");
        struct json *o = json_object(x->a);
        o = json_put(x->a, o, "from", json_string_n(x->a, key, from));
        o = op_put_string(x->a, o, "to", key + from + 1);
        list = json_push(x->a, list, op_put_int(x->a, o, "n", *n));
    }
    return list;
}

static enum status
walk(struct funnel *x, struct store_tx *tx, struct log_filter *filter,
     bool *cut, struct error *err)
{
    AUTO_ARENA even = arena_new(PAGE_MAX_BYTES);
    AUTO_ARENA odd = arena_new(PAGE_MAX_BYTES);
    struct arena *pages[] = {even, odd};
    size_t n = PAGE_ROWS, seen = 0;
    enum status rc = even && odd ? OK : fail(err, E_NOMEM, "funnel");

    for (int turn = 0; rc == OK && n == PAGE_ROWS && seen < FUNNEL_DECISIONS;
         turn = 1 - turn) {
        struct decision_row *rows = NULL;
        arena_reset(pages[turn]); /* the cursor lives in the page before */
        rc = decisions_list(tx, pages[turn], filter, &rows, &n, err);
        for (size_t i = 0; rc == OK && i < n; i++)
            rc = take(x, &rows[i], err);
        if (rc == OK && n)
            filter->after_id = rows[n - 1].id;
        seen += n;
    }
    *cut = seen >= FUNNEL_DECISIONS;
    return rc;
}

enum status
op_funnel(struct runtime *rt, struct arena *a, const char *workspace_id,
          const char *key, int64_t since_us, int64_t until_us,
          struct json **out, struct error *err)
{
    struct funnel x = {.a = a,
                       .stays = map_new(a),
                       .places = map_new(a),
                       .ways = map_new(a),
                       .ended = json_object(a)};
    struct log_filter filter = {.workspace_id = workspace_id,
                                .feature_key = key,
                                .since_us = since_us,
                                .until_us = until_us,
                                .after_id = "",
                                .limit = PAGE_ROWS};
    struct feature *f = NULL;
    struct feature_row row;
    bool cut = false;
    AUTO_TX tx = NULL;

    enum status rc = x.stays && x.places && x.ways
                         ? store_begin(runtime_store(rt), false, &tx, err)
                         : fail(err, E_NOMEM, "funnel");
    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc == OK)
        rc = feature_parse_text(a, row.document, strlen(row.document), &f, err);
    x.f = f;
    if (rc == OK)
        rc = walk(&x, tx, &filter, &cut, err);
    if (rc != OK)
        return rc;
    struct json *o = op_put_string(a, json_object(a), "feature", key);
    o = op_put_time(a, o, "since", since_us);
    o = op_put_time(a, o, "until", until_us);
    o = json_put(a, o, "states", states_json(&x));
    o = json_put(a, o, "transitions", ways_json(&x));
    o = json_put(a, o, "ended", x.ended);
    *out = op_put_bool(a, o, "cut", cut);
    return *out ? OK : fail(err, E_NOMEM, "funnel");
}
