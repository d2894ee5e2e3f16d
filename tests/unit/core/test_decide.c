/* Does a row change enter a feature? (docs/spec.md M2, M3) */
#include "world.h"

#include <stdio.h>

#define UPDATE(more) \
    DOC("'type':'row','table':'public.tasks','op':'update'" more, OWNER, "")
#define STATUS(more) UPDATE(",'column':'status'" more)

static void
triggers(void **state)
{
    static const struct {
        const char *doc;
        enum row_op op;
        const char *record, *old;
        bool want;
    } cases[] = {
        {DOC(TASKS, OWNER, ""), ROW_INSERT, "{}", NULL, true},
        {DOC(TASKS, OWNER, ""), ROW_UPDATE, "{}", "{}", false},
        {DOC(TASKS, OWNER, ""), ROW_DELETE, "{}", NULL, false},
        {UPDATE(""), ROW_UPDATE, "{'status':'a'}", "{'status':'a'}", true},
        {STATUS(""), ROW_UPDATE, "{'status':'a'}", "{'status':'b'}", true},
        {STATUS(""), ROW_UPDATE, "{'status':'a'}", "{'status':'a'}", false},
        {STATUS(""), ROW_UPDATE, "{'status':null}", "{}", false},
        {STATUS(""), ROW_UPDATE, "{'status':'a'}", "{'status':null}", true},
        {STATUS(",'to':'done'"), ROW_UPDATE, "{'status':'done'}",
         "{'status':'todo'}", true},
        {STATUS(",'to':'done'"), ROW_UPDATE, "{'status':'blocked'}",
         "{'status':'todo'}", false},
        {STATUS(",'to':'done'"), ROW_UPDATE, "{'status':'done'}",
         "{'status':'done'}", false},
        {STATUS(",'to':{'op':'in','value':['a','b']}"), ROW_UPDATE,
         "{'status':'b'}", "{'status':'a'}", false},
        {STATUS(",'to':{'op':'in','value':['a','b']}"), ROW_UPDATE,
         "{'status':'b'}", "{'status':'c'}", true},
        {STATUS(",'from':'todo','to':'done'"), ROW_UPDATE, "{'status':'done'}",
         "{'status':'todo'}", true},
        {STATUS(",'from':'todo','to':'done'"), ROW_UPDATE, "{'status':'done'}",
         "{'status':'blocked'}", false},
        {STATUS(",'from':'todo'"), ROW_UPDATE, "{'status':'x'}",
         "{'status':'todo'}", true},
        {STATUS(",'from':{'op':'in','value':['a','b']}"), ROW_UPDATE,
         "{'status':'b'}", "{'status':'a'}", false},
        {STATUS(",'from':null"), ROW_UPDATE, "{'status':'x'}",
         "{'status':null}", true},
        {STATUS(",'to':null"), ROW_UPDATE, "{'status':null}", "{'status':'x'}",
         true},
        {STATUS(",'to':{'op':'not_null'}"), ROW_UPDATE, "{'status':'x'}",
         "{'status':'y'}", false},
        {STATUS(",'to':{'op':'gte','value':10}"), ROW_UPDATE, "{'status':12}",
         "{'status':9}", true},
        {STATUS(",'to':{'op':'gte','value':10}"), ROW_UPDATE, "{'status':12}",
         "{'status':11}", false},
        {STATUS(",'to':{'op':'gte','value':10}"), ROW_UPDATE, "{'status':12}",
         "{'status':null}", true},
        {DOC("'type':'schedule','table':'public.tasks','cron':'0 9 * * *'",
             OWNER, ""),
         ROW_INSERT, "{}", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct event e =
            task_event(a, cases[i].op, cases[i].record, cases[i].old);
        if (trigger_matches(feature_of(a, cases[i].doc), &e) != cases[i].want)
            broken("case %zu", i);
    }
}

static void
other_table(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct event e = task_event(a, ROW_INSERT, "{}", NULL);

    (void)state;
    e.table = "public.task";
    assert_false(trigger_matches(feature_of(a, DOC(TASKS, OWNER, "")), &e));
}

static void
subjects(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    const struct feature *near = feature_of(a, DOC(TASKS, OWNER, ""));
    const struct feature *far = feature_of(
        a, DOC(TASKS, "'table':'auth.users','id':'project_id.owner_id'", ""));
    struct event e =
        task_event(a, ROW_INSERT, "{'creator_id':'u1','id':7}", NULL);
    struct subject s;
    bool needs = true;
    struct error err = {0};

    (void)state;
    assert_int_equal(subject_resolve(&w.env, near, &e, &s, &needs, &err), OK);
    assert_false(needs);
    assert_string_equal(s.id, "u1");
    assert_string_equal(s.key, "auth.users/u1");

    assert_int_equal(subject_resolve(&w.env, far, &e, &s, &needs, &err), OK);
    assert_true(needs);
    assert_null(s.id);
    know(&w, only_need(&w, "path|public.tasks|7|project_id.owner_id")->key,
         "42");
    assert_int_equal(subject_resolve(&w.env, far, &e, &s, &needs, &err), OK);
    assert_false(needs);
    assert_string_equal(s.key, "auth.users/42");

    e.record = json_of(a, "{'creator_id':null}");
    assert_int_equal(subject_resolve(&w.env, near, &e, &s, &needs, &err), OK);
    assert_false(needs);
    assert_null(s.id);
}

/* ---- gates of entry ---- */

#define ENTRY(entry, timing)                                        \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS \
    "},'subject':{" OWNER "},'entry':{" entry "},'timing':{" timing \
    "},'machine':{'initial':'s','states':{'s':{'final':true}}}}"
#define TODO "'conditions':[{'path':'status','op':'eq','value':'todo'}]"

static const struct {
    const char *doc;
    bool subject, paused;
    struct enrolment enrolment;
    enum verdict want;
    const char *failed; /* gate, or NULL */
} gates[] = {
    {ENTRY("'mode':'every'", ""), true, false, {0}, VERDICT_ENTERED, NULL},
    {ENTRY("'mode':'every'", ""),
     false,
     false,
     {0},
     VERDICT_NO_SUBJECT,
     "subject"},
    {ENTRY("'mode':'every'", ""),
     false,
     true,
     {0},
     VERDICT_NO_SUBJECT,
     "subject"},
    {ENTRY("'mode':'every'", ""), true, true, {0}, VERDICT_PAUSED, "active"},
    {ENTRY("'mode':'every'," TODO, ""),
     true,
     false,
     {0},
     VERDICT_ENTERED,
     NULL},
    {ENTRY("'mode':'every','conditions':[{'path':'status','op':'eq','value':"
           "'done'}]",
           ""),
     true,
     false,
     {0},
     VERDICT_GUARD_FALSE,
     "conditions"},
    {ENTRY("'mode':'once','conditions':[{'path':'status','op':'is_null'}]", ""),
     true,
     false,
     {.entries = 1},
     VERDICT_GUARD_FALSE,
     "conditions"},
    {ENTRY("'mode':'once'", ""), true, false, {0}, VERDICT_ENTERED, NULL},
    {ENTRY("'mode':'once'", ""),
     true,
     false,
     {.entries = 1, .last_entered_us = 1},
     VERDICT_ALREADY_ENTERED,
     "mode"},
    {ENTRY("'mode':'every'", ""),
     true,
     false,
     {.entries = 9, .last_entered_us = NOW_US},
     VERDICT_ENTERED,
     NULL},
    {ENTRY("'mode':'every'", "'cooldown':'P1D'"),
     true,
     false,
     {.entries = 1, .last_entered_us = NOW_US - US_PER_DAY + 1},
     VERDICT_COOLDOWN,
     "cooldown"},
    {ENTRY("'mode':'every'", "'cooldown':'P1D'"),
     true,
     false,
     {.entries = 1, .last_entered_us = NOW_US - US_PER_DAY},
     VERDICT_ENTERED,
     NULL},
    {ENTRY("'mode':'every'", "'cooldown':'P1D'"),
     true,
     false,
     {0},
     VERDICT_ENTERED,
     NULL},
    {ENTRY("'mode':'once'", "'cooldown':'P1D'"),
     true,
     false,
     {.entries = 1, .last_entered_us = NOW_US},
     VERDICT_ALREADY_ENTERED,
     "mode"},
};

static void
entry_gates(void **state)
{
    static const char *const names[] = {"subject", "active", "conditions",
                                        "mode", "cooldown"};

    (void)state;
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct world w = world_new(a);
        struct event e = task_event(
            a, ROW_INSERT, "{'creator_id':'u1','status':'todo'}", NULL);
        struct subject s = {.table = "auth.users"};
        struct decision d;
        struct error err = {0};
        if (gates[i].subject) {
            s.id = "u1";
            s.key = "auth.users/u1";
        }
        assert_int_equal(decide_entry(&w.env, feature_of(a, gates[i].doc),
                                      gates[i].paused, &e, &s,
                                      &gates[i].enrolment, &d, &err),
                         OK);
        if (d.needs_facts || d.verdict != gates[i].want)
            broken("case %zu: %s", i, verdict_name(d.verdict));
        /* Gates in order: passed, the failing one, not evaluated. */
        const char *expect = "pass";
        for (size_t g = 0; g < 5; g++) {
            const struct json *gate =
                json_at(d.detail, arena_printf(a, "gates.%zu", g));
            assert_string_equal(json_get_str(gate, "gate", ""), names[g]);
            if (gates[i].failed && strcmp(gates[i].failed, names[g]) == 0)
                expect = "fail";
            assert_string_equal(json_get_str(gate, "result", ""), expect);
            if (strcmp(expect, "fail") == 0)
                expect = "not_evaluated";
        }
    }
}

static void
entry_rematch(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    const struct feature *f = feature_of(
        a, "{'version':1,'key':'k','stage':'retention','trigger':{'type':"
           "'schedule','table':'public.tasks','cron':'0 9 * * *'},'subject':"
           "{" OWNER "},'entry':{'mode':'rematch'," TODO "},'machine':{"
           "'initial':'s','states':{'s':{'final':true}}}}");
    struct event e =
        task_event(a, ROW_INSERT, "{'creator_id':'u1','status':'todo'}", NULL);
    struct subject s = {"auth.users", "u1", "auth.users/u1"};
    struct enrolment seen = {.entries = 1, .matched = true};
    struct decision d;
    struct error err = {0};

    (void)state;
    assert_int_equal(decide_entry(&w.env, f, false, &e, &s, &seen, &d, &err),
                     OK);
    assert_int_equal(d.verdict, VERDICT_ALREADY_ENTERED);
    assert_true(d.conditions_held);
    seen.matched = false;
    assert_int_equal(decide_entry(&w.env, f, false, &e, &s, &seen, &d, &err),
                     OK);
    assert_int_equal(d.verdict, VERDICT_ENTERED);
    e.record = json_of(a, "{'creator_id':'u1','status':'done'}");
    assert_int_equal(decide_entry(&w.env, f, false, &e, &s, &seen, &d, &err),
                     OK);
    assert_int_equal(d.verdict, VERDICT_GUARD_FALSE);
    assert_false(d.conditions_held);
    /* A pause looks at nothing, so it changes nothing. */
    seen.matched = true;
    assert_int_equal(decide_entry(&w.env, f, true, &e, &s, &seen, &d, &err),
                     OK);
    assert_int_equal(d.verdict, VERDICT_PAUSED);
    assert_true(d.conditions_held);
}

static void
entry_asks_first(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    const struct feature *f = feature_of(
        a, ENTRY("'mode':'once','conditions':[{'table':'public.tasks','link':"
                 "'creator_id','op':'eq','value':10}]",
                 ""));
    struct event e = task_event(a, ROW_INSERT, "{'creator_id':'u1'}", NULL);
    struct subject s = {"auth.users", "u1", "auth.users/u1"};
    struct enrolment seen = {0};
    struct decision d;
    struct error err = {0};
    const struct fact_need *const *needs;

    (void)state;
    assert_int_equal(decide_entry(&w.env, f, false, &e, &s, &seen, &d, &err),
                     OK);
    assert_true(d.needs_facts);
    assert_int_equal(facts_wanted(w.facts, &needs), 1);
    /* Rows made after the event are not counted. */
    assert_int_equal(needs[0]->until_us, e.occurred_us);
    know(&w, needs[0]->key, "10");
    assert_int_equal(decide_entry(&w.env, f, false, &e, &s, &seen, &d, &err),
                     OK);
    assert_false(d.needs_facts);
    assert_int_equal(d.verdict, VERDICT_ENTERED);
    assert_int_equal(json_int(json_at(d.detail, "conditions.0.actual"), -1),
                     10);
}

static void
verdicts(void **state)
{
    (void)state;
    for (enum verdict v = 0; v < VERDICT_COUNT; v++) {
        enum verdict back = VERDICT_COUNT;
        assert_true(verdict_parse(verdict_name(v), &back));
        assert_int_equal(back, v);
        assert_true(verdict_meaning(v)[0]);
    }
    enum verdict none;
    assert_false(verdict_parse("maybe", &none));
    assert_string_equal(run_status_name(RUN_ENDED), "ended");
}

/* Places are sticky, even, and those of two salts have nothing to do with each
 * other: a holdout must not be one branch of a split. */
static void
places(void **state)
{
    enum { SUBJECTS = 20000 };
    size_t of[2][2] = {{0}}, tenth = 0;
    char key[40];

    (void)state;
    for (int i = 0; i < SUBJECTS; i++) {
        (void)snprintf(key, sizeof(key), "auth.users/%d", i);
        uint64_t x = sticky_place("one", key, 2);
        uint64_t y = sticky_place("two", key, 2);
        assert_true(x < 2 && y < 2);
        assert_int_equal(x, sticky_place("one", key, 2));
        of[x][y]++;
        tenth += sticky_place("welcome", key, 10000) < 1000;
    }
    for (int x = 0; x < 2; x++)
        for (int y = 0; y < 2; y++)
            assert_in_range(of[x][y], SUBJECTS / 4 - 300, SUBJECTS / 4 + 300);
    assert_in_range(tenth, SUBJECTS / 10 - 200, SUBJECTS / 10 + 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),           cmocka_unit_test(triggers),
        cmocka_unit_test(other_table),      cmocka_unit_test(subjects),
        cmocka_unit_test(entry_gates),      cmocka_unit_test(entry_rematch),
        cmocka_unit_test(entry_asks_first), cmocka_unit_test(verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
