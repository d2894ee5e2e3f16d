/*
 * Properties of the machine, on random documents and random lives: whatever
 * the order, no two effects share a key; a run ends or waits for something
 * named; the same life tells the same story, also when the clock stops at
 * other instants on the way; a step decided twice decides the same.
 */
#include "saas.h"

#include "base/clock.h"
#include "base/map.h"
#include "codec/time.h"
#include "core/sim.h"

enum { SEEDS = 400, PEOPLE = 4, EVENTS = 24, STORY_BYTES = 1 << 20 };
#define START_US (1767603600 * US_PER_S)

static uint64_t
next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned
pick(uint64_t *seed, unsigned n)
{
    return (unsigned)(next(seed) % n);
}

/* ---- a random feature ---- */

static void
guard(struct buf *out, uint64_t *seed)
{
    static const char *const guards[] = {
        "",
        "guard: [{path: plan, op: eq, value: pro}], ",
        "guard: [{path: plan, op: neq, value: pro}], ",
        "guard: [{any: [{path: plan, op: is_null}, "
        "{path: plan, op: eq, value: free}]}], ",
    };

    buf_puts(out, guards[pick(seed, 4)]);
}

static void
transition(struct buf *out, uint64_t *seed, unsigned states)
{
    static const char *const when[] = {"", "after: PT1H, ", "after: P1D, ",
                                       "after: P3D, ", "'on': match, "};
    static const char *const effects[] = {
        "", "effects: [{type: track, event: a}], ",
        "effects: [{type: email, template: m}, {type: track, event: b}], "};
    unsigned target = pick(seed, states + 1);

    buf_printf(out, "        - {%s", when[pick(seed, 5)]);
    guard(out, seed);
    buf_puts(out, effects[pick(seed, 3)]);
    if (target == states)
        buf_puts(out, "target: done}\n");
    else
        buf_printf(out, "target: s%u}\n", target);
}

static struct feature *
random_feature(struct arena *a, uint64_t *seed)
{
    static const char *const modes[] = {"once", "every"};
    static const char *const timings[] = {
        "{}", "{cooldown: PT6H}", "{cap: {count: 1, per: P1D}}",
        "{quiet_hours: {from: '22:00', to: '08:00', tz: Europe/Berlin}}"};
    static const char *const exits[] = {"[]",
                                        "[{path: plan, op: eq, value: gone}]"};
    unsigned states = 1 + pick(seed, 4);
    AUTO_BUF text = buf_new(16384);
    struct feature *f = NULL;
    struct error err = {0};

    buf_printf(&text,
               "version: 1\nkey: k\nstage: onboarding\n"
               "trigger: {type: row, table: auth.users, op: %s}\n"
               "subject: {table: auth.users, id: id, email: email}\n"
               "entry: {mode: %s}\ntiming: %s\nexit: %s\n%s%s"
               "machine:\n  initial: s0\n  states:\n    done: {final: true}\n",
               pick(seed, 2) ? "insert" : "update", modes[pick(seed, 2)],
               timings[pick(seed, 4)], exits[pick(seed, 2)],
               pick(seed, 3) ? "" : "holdout: 0.3\n",
               pick(seed, 3) ? "" : "on_pause: exit\n");
    for (unsigned s = 0; s < states; s++) {
        buf_printf(&text, "    s%u:\n      transitions:\n", s);
        for (unsigned t = 0; t <= pick(seed, 3); t++)
            transition(&text, seed, states);
    }
    if (feature_parse_text(a, text.data, text.len, &f, &err) != OK)
        broken("%s\n%s", err.msg, text.data);
    return f;
}

/* ---- a random life ---- */

struct life {
    struct arena *a;
    const struct feature *f;
    const char *plans[PEOPLE]; /* now; NULL: null */
    struct map *keys;
    struct buf story;
};

static enum status
fetch(void *user, struct arena *a, struct facts *facts, int64_t at_us,
      struct error *err)
{
    struct life *l = user;
    const struct fact_need *const *needs;
    size_t n = facts_wanted(facts, &needs);
    enum status rc = OK;

    (void)at_us;
    for (size_t i = 0; rc == OK && i < n; i++) {
        const char *plan = l->plans[needs[i]->row_key[1] - '0'];
        bool mail = strcmp(needs[i]->path->text, "email") == 0;
        struct json *v = mail   ? json_string(a, "a@example.com")
                         : plan ? json_string(a, plan)
                                : json_null(a);
        rc = facts_put(facts, needs[i]->key, v, err);
    }
    return rc;
}

/* Deciding again, as after a crash before the commit, decides the same. */
static void
again(struct life *l, const struct run *run, int64_t at_us)
{
    struct facts *facts = facts_new(l->a);
    struct decide_env env = {
        .a = l->a, .facts = facts, .now_us = at_us, .want_trace = true};
    struct step steps[2];
    struct error err = {0};

    for (int i = 0; i < 2; i++) {
        do {
            if (run_step(&env, l->f, run, NULL, &steps[i], &err) != OK)
                return;
            if (steps[i].needs_facts)
                assert_int_equal(fetch(l, l->a, facts, at_us, &err), OK);
            facts_clear_wanted(facts);
        } while (steps[i].needs_facts);
    }
    assert_int_equal(steps[0].n_effects, steps[1].n_effects);
    assert_string_equal(steps[0].after.state, steps[1].after.state);
    assert_true(steps[0].after.due_us == steps[1].after.due_us);
    for (size_t i = 0; i < steps[0].n_effects; i++)
        assert_string_equal(steps[0].effects[i].key, steps[1].effects[i].key);
    assert_string_equal(json_text(l->a, steps[0].detail),
                        json_text(l->a, steps[1].detail));
}

static enum status
told(void *user, struct sim_told *t, struct error *err)
{
    struct life *l = user;
    char iso[ISO_BYTES];

    if (t->kind == SIM_DECISION && t->verdict == VERDICT_WRONG_STATE)
        return OK;
    buf_printf(&l->story, "%s %d %s %s %s\n", iso_write(t->at_us, iso),
               (int)t->kind, verdict_name(t->verdict),
               t->subject && t->subject->id ? t->subject->id : "-",
               t->effect ? t->effect->key
               : t->run  ? t->run->state
                         : "-");
    bool leaves = t->kind == SIM_SETTLED ||
                  (t->kind == SIM_SEND && t->verdict == VERDICT_ENTERED);
    if (!leaves)
        return OK;
    if (map_get(l->keys, t->effect->key))
        broken("two effects with key %s\n%s", t->effect->key, l->story.data);
    char *key = arena_strdup(l->a, t->effect->key);
    return map_put(l->keys, key, key, err);
}

static void
waits_or_ended(const struct life *l, const struct sim *sim)
{
    for (size_t i = 0; i < sim_runs(sim); i++) {
        const struct run *r = sim_run_at(sim, i);
        if (r->status != RUN_ACTIVE)
            continue;
        const struct state *s = feature_state(l->f, r->state);
        bool named = r->due_us > 0;
        for (size_t t = 0; s && t < s->n_transitions; t++)
            named = named || s->transitions[t].on_match;
        if (!named)
            broken("run %s waits in %s for nothing\n%s", r->id, r->state,
                   l->story.data);
    }
}

/* `stops`: the clock stops at many instants more on its way. */
static const char *
live(struct arena *a, const struct feature *f, uint64_t seed, bool stops)
{
    static const char *const plans[] = {"free", "pro", "gone", NULL};
    struct life l = {
        .a = a, .f = f, .keys = map_new(a), .story = buf_new(STORY_BYTES)};
    struct sim_config config = {.feature = f,
                                .feature_id = "f",
                                .version = 1,
                                .fetch = fetch,
                                .told = told,
                                .user = &l,
                                .max_bytes = TEST_BYTES};
    AUTO_SIM sim = NULL;
    struct error err = {0};
    int64_t now_us = START_US;

    assert_int_equal(sim_new(&config, &sim, &err), OK);
    for (int i = 0; i < EVENTS; i++) {
        unsigned who = pick(&seed, PEOPLE);
        const char *old = l.plans[who], *plan = plans[pick(&seed, 4)];
        struct json *record = json_object(a), *before = json_object(a);
        char key[8];
        now_us += pick(&seed, 50) * US_PER_H / 2;
        for (int64_t at = now_us - US_PER_DAY; stops && at < now_us;
             at += 7 * US_PER_MIN + 13 * US_PER_S)
            assert_int_equal(sim_until(sim, at, &err), OK);
        assert_int_equal(sim_until(sim, now_us - 1, &err), OK);
        (void)snprintf(key, sizeof(key), "u%u", who);
        l.plans[who] = plan;
        record = json_put(a, record, "id", json_string(a, key));
        record = json_put(a, record, "email", json_string(a, "a@example.com"));
        record = json_put(a, record, "plan",
                          plan ? json_string(a, plan) : json_null(a));
        before = json_put(a, before, "plan",
                          old ? json_string(a, old) : json_null(a));
        struct event e = {.id = arena_printf(a, "e%d", i),
                          .workspace = "w",
                          .integration = "i",
                          .table = "auth.users",
                          .op = pick(&seed, 2) ? ROW_INSERT : ROW_UPDATE,
                          .key = arena_strdup(a, key),
                          .record = record,
                          .old = before,
                          .occurred_us = now_us};
        if (sim_event(sim, &e, now_us, false, &err) != OK)
            broken("%s", err.msg);
        if (pick(&seed, 12) == 0)
            assert_int_equal(sim_pause(sim, pick(&seed, 2), now_us, &err), OK);
        assert_int_equal(sim_until(sim, now_us, &err), OK);
        waits_or_ended(&l, sim);
        for (size_t r = 0; r < sim_runs(sim); r++)
            if (sim_run_at(sim, r)->status == RUN_ACTIVE)
                again(&l, sim_run_at(sim, r), now_us + US_PER_DAY);
    }
    assert_int_equal(sim_pause(sim, false, now_us, &err), OK);
    assert_int_equal(sim_until(sim, now_us + 5 * US_PER_DAY, &err), OK);
    waits_or_ended(&l, sim);
    const char *story = arena_strdup(a, l.story.data ? l.story.data : "");
    buf_free(&l.story);
    return story;
}

static void
properties(void **state)
{
    size_t told_lines = 0;

    (void)state;
    for (uint64_t i = 1; i <= SEEDS; i++) {
        AUTO_ARENA a = arena_new((size_t)64 << 20);
        uint64_t seed = i * 0x9e3779b97f4a7c15ULL;
        const struct feature *f = random_feature(a, &seed);
        const char *story = live(a, f, seed, false);
        if (strcmp(story, live(a, f, seed, false)) != 0)
            broken("seed %llu: not the same twice", (unsigned long long)i);
        const char *other = live(a, f, seed, true);
        if (strcmp(story, other) != 0)
            broken("seed %llu: stopping the clock changed the story\n%s---\n%s",
                   (unsigned long long)i, story, other);
        for (const char *c = story; *c; c++)
            told_lines += *c == '\n';
    }
    /* The lives are worth telling: not all are refused at the door. */
    assert_true(told_lines > (size_t)SEEDS * EVENTS / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
