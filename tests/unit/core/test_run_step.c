/* What a run does at an instant (docs/spec.md M4, M5, M8). */
#include "world.h"

#define RUN(exit, states)                                               \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS     \
    "},'subject':{" OWNER ",'email':'email'},'entry':{'mode':'every'}," \
    "'exit':[" exit "],'machine':{'initial':'a','states':{" states      \
    ",'done':{'final':true}}}}"
#define SEND      "'effects':[{'type':'email','template':'t'}],"
#define IS(value) "{'path':'status','op':'eq','value':'" value "'}"
#define STATUS    "path|public.tasks|7|status"

struct trial {
    struct world w;
    const struct feature *f;
    struct run run;
    struct step step;
};

static struct trial
trial_new(struct arena *a, const char *doc)
{
    struct trial t = {.w = world_new(a), .f = feature_of(a, doc)};
    struct event e = task_event(
        a, ROW_INSERT,
        "{'id':7,'status':'todo','email':'a@b.c','creator_id':'u1'}", NULL);
    struct subject s = {"auth.users", "u1", "auth.users/u1"};
    struct error err = {0};

    assert_int_equal(
        run_begin(&t.w.env, t.f, "f1", 3, &e, &s, "r1", &t.run, &err), OK);
    return t;
}

static void
step(struct trial *t, const struct event *e)
{
    struct error err = {0};

    if (run_step(&t->w.env, t->f, &t->run, e, &t->step, &err) != OK)
        broken("%s", err.msg);
    if (!t->step.needs_facts)
        t->run = t->step.after;
}

static void
pass(struct trial *t, int64_t us)
{
    t->w.env.now_us += us;
}

static void
begins(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{'target':'done'}]}"));

    (void)state;
    assert_string_equal(t.run.state, "a");
    assert_string_equal(t.run.event_type, "public.tasks.insert");
    assert_int_equal(t.run.status, RUN_ACTIVE);
    assert_int_equal(t.run.due_us, NOW_US);
    assert_int_equal(t.run.entered_us, NOW_US - US_PER_S);
    assert_int_equal(t.run.version, 3);
}

static void
drip(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{" SEND "'target':'b'}]},"
                             "'b':{'transitions':[{'after':'P2D'," SEND
                             "'target':'done'}]}"));

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_ADVANCED);
    assert_string_equal(t.run.state, "b");
    assert_int_equal(t.run.due_us, NOW_US + 2 * US_PER_DAY);
    assert_int_equal(t.step.n_effects, 1);
    assert_string_equal(t.step.effects[0].key, "r1_1_0");
    assert_string_equal(t.step.effects[0].address, "a@b.c");
    assert_string_equal(t.step.effects[0].state, "a");
    assert_string_equal(json_str(json_at(t.step.detail, "steps.0.why"), ""),
                        "PT0S");

    pass(&t, 2 * US_PER_DAY - 1);
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_WRONG_STATE);
    assert_int_equal(t.step.n_effects, 0);
    assert_int_equal(t.run.due_us, NOW_US + 2 * US_PER_DAY);

    pass(&t, 1);
    step(&t, NULL);
    assert_true(t.step.needs_facts); /* the address is read again, live */
    know(&t.w, "path|public.tasks|7|email", "'new@b.c'");
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_COMPLETED);
    assert_int_equal(t.run.status, RUN_COMPLETED);
    assert_int_equal(t.run.due_us, 0);
    assert_string_equal(t.step.effects[0].key, "r1_2_0");
    assert_string_equal(t.step.effects[0].address, "new@b.c");
}

static void
keys_stay(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const char *doc =
        RUN("", "'a':{'transitions':[{'effects':[{'type':'track'},{'type':"
                "'webhook','connection':'c'}],'target':'b'}]},'b':{"
                "'transitions':[{'after':'P1D','target':'a'},{'after':'P9D',"
                "'target':'done'}]}");
    struct trial one = trial_new(a, doc), two = trial_new(a, doc);

    (void)state;
    step(&one, NULL);
    step(&two, NULL);
    assert_int_equal(one.step.n_effects, 2);
    assert_string_equal(one.step.effects[1].key, "r1_1_1");
    assert_string_equal(one.step.effects[1].key, two.step.effects[1].key);
    /* The same state entered again gives other keys. */
    pass(&one, US_PER_DAY);
    step(&one, NULL);
    assert_int_equal(one.step.n_effects, 2);
    assert_string_equal(one.step.effects[0].key, "r1_3_0");
    assert_string_equal(one.run.state, "b");
}

static void
guard_at_the_end_of_a_wait(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN("", "'a':{'transitions':[{'after':'P1D','guard':[" IS(
                       "todo") "],'target':'b'},{'after':'P1D','target':"
                               "'done'}]},'b':{'transitions':[{'after':'P1D',"
                               "'guard':[" IS("todo") "],'target':'done'}]}"));

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_WRONG_STATE);
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_true(t.step.needs_facts);
    know(&t.w, STATUS, "'todo'");
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_ADVANCED);
    assert_string_equal(t.run.state, "b");
    /* The last timer's guard fails: the run has ended. */
    know(&t.w, STATUS, "'done'");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_GUARD_FALSE);
    assert_int_equal(t.run.status, RUN_ENDED);
    assert_string_equal(
        json_str(json_at(t.step.detail, "guards.0.0.actual"), ""), "done");
}

static void
otherwise(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN("", "'a':{'transitions':[{'after':'P1D','guard':[" IS(
                       "x") "],'target':'b'},{'after':'P1D','target':'done'}"
                            "]},'b':{'transitions':[{'target':'done'}]}"));

    (void)state;
    know(&t.w, STATUS, "'todo'");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_COMPLETED);
    assert_int_equal(json_get(t.step.detail, "steps")->n, 1);
}

static void
several_timers_in_order(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a,
        RUN("",
            "'a':{'transitions':[{'after':'P3D','target':'late'},{"
            "'after':'P1D','guard':[" IS(
                "x") "],'target':'early'}]},"
                     "'early':{'transitions':[{'after':'P1D','target':'done'}]"
                     "},'late':{'transitions':[{'after':'P1D','target':'done'}"
                     "]}"));

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.run.due_us, NOW_US + US_PER_DAY);
    know(&t.w, STATUS, "'todo'");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_WRONG_STATE);
    assert_int_equal(t.run.due_us, NOW_US + 3 * US_PER_DAY);
    /* A timer that was tried is over, even if its guard holds now. */
    know(&t.w, STATUS, "'x'");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_string_equal(t.run.state, "a");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_string_equal(t.run.state, "late");
}

static void
after_a_long_sleep(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN("", "'a':{'transitions':[{'after':'P1D','guard':[" IS(
                       "x") "],'target':'b'},{'after':'P2D','target':'done'}"
                            "]},'b':{'transitions':[{'target':'done'}]}"));

    (void)state;
    step(&t, NULL);
    know(&t.w, STATUS, "'todo'");
    pass(&t, 30 * US_PER_DAY); /* both are due: tried by time */
    step(&t, NULL);
    assert_int_equal(t.run.status, RUN_COMPLETED);
    assert_int_equal(json_get(t.step.detail, "steps")->n, 1);
}

/* Another event of the very instant of the entry sees the row as it is now,
 * not as the first event carried it. */
static void
later_event_reads_live(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN(IS("paid"), "'a':{'transitions':[{'after':'P1D',"
                                     "'target':'done'}]}"));
    struct event e = task_event(a, ROW_UPDATE, "{'id':7,'status':'paid'}",
                                "{'id':7,'status':'todo'}");

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.run.status, RUN_ACTIVE);
    e.id = "e2";
    step(&t, &e);
    assert_true(t.step.needs_facts);
    know(&t.w, STATUS, "'paid'");
    step(&t, &e);
    assert_int_equal(t.run.status, RUN_EXITED);
}

static void
match_before_timer(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN("", "'a':{'transitions':[{'after':'P5D'," SEND
                   "'target':'done'},{'on':'match','guard':[" IS(
                       "shipped") "],'effects':[{'type':'track'}],'target':"
                                  "'done'}]}"));

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_WRONG_STATE);
    assert_int_equal(t.run.due_us, NOW_US + MATCH_POLL_US);
    know(&t.w, STATUS, "'shipped'");
    pass(&t, 5 * US_PER_DAY); /* both may be taken: the match is */
    step(&t, NULL);
    assert_int_equal(t.run.status, RUN_COMPLETED);
    assert_int_equal(t.step.n_effects, 1);
    assert_int_equal(t.step.effects[0].effect->kind, EFFECT_TRACK);
    assert_string_equal(json_str(json_at(t.step.detail, "steps.0.why"), ""),
                        "match");
}

static void
match_waits_for_ever(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{'on':'match','guard':[" IS(
                                 "x") "],'target':'done'}]}"));

    (void)state;
    step(&t, NULL);
    know(&t.w, STATUS, "'todo'");
    pass(&t, 3000 * US_PER_DAY);
    step(&t, NULL);
    assert_int_equal(t.run.status, RUN_ACTIVE);
    assert_int_equal(t.run.due_us, t.w.env.now_us + MATCH_POLL_US);
}

static void
exits_first(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(a, RUN(IS("x") "," IS("paid"),
                                      "'a':{'transitions':[{'after':'P1D'," SEND
                                      "'target':'done'}]}"));

    (void)state;
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_WRONG_STATE);
    know(&t.w, STATUS, "'paid'");
    pass(&t, US_PER_DAY);
    step(&t, NULL);
    assert_int_equal(t.step.verdict, VERDICT_COMPLETED);
    assert_int_equal(t.run.status, RUN_EXITED);
    assert_int_equal(t.step.n_effects, 0);
    assert_string_equal(json_str(json_at(t.step.detail, "exit.0.actual"), ""),
                        "paid");
}

static void
exit_between_steps(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN(IS("todo"), "'a':{'transitions':[{" SEND "'target':'done'}]}"));

    (void)state;
    step(&t, NULL); /* the row of the entry itself counts */
    assert_int_equal(t.run.status, RUN_EXITED);
    assert_int_equal(t.step.n_effects, 0);
}

static void
deleted_subject(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{'after':'P1D'," SEND
                             "'target':'done'}]}"));
    struct event e = task_event(a, ROW_DELETE, "{}", NULL);

    (void)state;
    e.id = "e2";
    step(&t, &e); /* a task is gone, not the person */
    assert_int_equal(t.run.status, RUN_ACTIVE);
    e.table = "auth.users";
    e.key = "u2";
    step(&t, &e);
    assert_int_equal(t.run.status, RUN_ACTIVE);
    e.key = "u1";
    e.id = t.run.event_id; /* what began the run does not end it */
    step(&t, &e);
    assert_int_equal(t.run.status, RUN_ACTIVE);
    e.id = "e2";
    step(&t, &e);
    assert_int_equal(t.run.status, RUN_EXITED);
}

static void
addresses(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"'a@b.c'", "a@b.c"},
        {"null", NULL},
        {"'nobody'", NULL},
        {"7", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct trial t = trial_new(
            a, RUN("", "'a':{'transitions':[{'effects':[{'type':'email','to':"
                       "'creator_id.email'}],'target':'done'}]}"));
        know(&t.w, "path|public.tasks|7|creator_id.email", cases[i].value);
        step(&t, NULL);
        assert_int_equal(t.step.n_effects, 1);
        if (!cases[i].want) {
            assert_null(t.step.effects[0].address);
            assert_int_equal(t.step.effects[0].verdict, VERDICT_NO_SUBJECT);
        } else {
            assert_string_equal(t.step.effects[0].address, cases[i].want);
            assert_int_equal(t.step.effects[0].verdict, VERDICT_ENTERED);
        }
    }
}

static void
endless_loop(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{'target':'a'}]}"));
    struct error err = {0};

    (void)state;
    assert_int_equal(run_step(&t.w.env, t.f, &t.run, NULL, &t.step, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "over 32 transitions"));
}

static void
lost_state(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t =
        trial_new(a, RUN("", "'a':{'transitions':[{'target':'done'}]}"));
    struct error err = {0};

    (void)state;
    t.run.state = "gone";
    assert_int_equal(run_step(&t.w.env, t.f, &t.run, NULL, &t.step, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "no state 'gone'"));
}

static void
without_trace(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct trial t = trial_new(
        a, RUN(IS("x"), "'a':{'transitions':[{" SEND "'target':'done'}]}"));

    (void)state;
    t.w.env.want_trace = false;
    step(&t, NULL);
    assert_null(t.step.detail);
    assert_int_equal(t.run.status, RUN_COMPLETED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins),
        cmocka_unit_test(drip),
        cmocka_unit_test(keys_stay),
        cmocka_unit_test(guard_at_the_end_of_a_wait),
        cmocka_unit_test(otherwise),
        cmocka_unit_test(several_timers_in_order),
        cmocka_unit_test(after_a_long_sleep),
        cmocka_unit_test(match_before_timer),
        cmocka_unit_test(later_event_reads_live),
        cmocka_unit_test(match_waits_for_ever),
        cmocka_unit_test(exits_first),
        cmocka_unit_test(exit_between_steps),
        cmocka_unit_test(deleted_subject),
        cmocka_unit_test(addresses),
        cmocka_unit_test(endless_loop),
        cmocka_unit_test(lost_state),
        cmocka_unit_test(without_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
