/* Operators, paths, counts and what is asked for when a value is missing. */
#include "world.h"

#include "core/predicate.h"

static void
operators(void **state)
{
    static const struct {
        enum op op;
        const char *actual, *expected;
        enum truth want;
    } cases[] = {
        {OP_EQ, "1", "1", TRUTH_YES},
        {OP_EQ, "1", "1.0", TRUTH_YES},
        {OP_EQ, "1", "2", TRUTH_NO},
        {OP_EQ, "'1'", "1", TRUTH_YES},
        {OP_EQ, "1", "'1.50'", TRUTH_NO},
        {OP_EQ, "'1.50'", "1.5", TRUTH_YES},
        {OP_EQ, "'abc'", "1", TRUTH_NO},
        {OP_EQ, "true", "true", TRUTH_YES},
        {OP_EQ, "'true'", "true", TRUTH_YES},
        {OP_EQ, "'t'", "true", TRUTH_NO},
        {OP_EQ, "null", "null", TRUTH_NO},
        {OP_EQ, "null", "1", TRUTH_NO},
        {OP_EQ, "'2026-11-24 09:00:00+00'", "'2026-11-24T11:00:00+02:00'",
         TRUTH_YES},
        {OP_EQ, "'Done'", "'done'", TRUTH_NO},
        {OP_NEQ, "1", "2", TRUTH_YES},
        {OP_NEQ, "1", "1", TRUTH_NO},
        {OP_NEQ, "null", "1", TRUTH_YES},
        {OP_NEQ, "1", "null", TRUTH_YES},
        {OP_NEQ, "null", "null", TRUTH_NO},
        {OP_GT, "2", "1", TRUTH_YES},
        {OP_GT, "1", "1", TRUTH_NO},
        {OP_GT, "'10'", "9", TRUTH_YES},
        {OP_GT, "'b'", "'a'", TRUTH_YES},
        {OP_GT, "'2026-11-25'", "'2026-11-24T23:00:00Z'", TRUTH_YES},
        {OP_GT, "null", "1", TRUTH_NO},
        {OP_GTE, "1", "1", TRUTH_YES},
        {OP_LT, "0.5", "1", TRUTH_YES},
        {OP_LT, "null", "1", TRUTH_NO},
        {OP_LT, "9", "'10'", TRUTH_YES},
        {OP_LTE, "2", "1", TRUTH_NO},
        {OP_LTE, "1", "null", TRUTH_NO},
        {OP_IN, "'a'", "['b','a']", TRUTH_YES},
        {OP_IN, "2", "['2']", TRUTH_YES},
        {OP_IN, "'c'", "['b','a']", TRUTH_NO},
        {OP_IN, "null", "[null]", TRUTH_NO},
        {OP_NOT_IN, "'c'", "['b']", TRUTH_YES},
        {OP_NOT_IN, "null", "['b']", TRUTH_NO},
        {OP_IS_NULL, "null", NULL, TRUTH_YES},
        {OP_IS_NULL, "0", NULL, TRUTH_NO},
        {OP_NOT_NULL, "false", NULL, TRUTH_YES},
        {OP_NOT_NULL, "null", NULL, TRUTH_NO},
        {OP_CONTAINS, "'hello'", "'ell'", TRUTH_YES},
        {OP_CONTAINS, "'hello'", "'ELL'", TRUTH_NO},
        {OP_CONTAINS, "null", "''", TRUTH_NO},
        {OP_CONTAINS, "5", "'5'", TRUTH_NO},
        {OP_STARTS_WITH, "'hello'", "'he'", TRUTH_YES},
        {OP_STARTS_WITH, "'h'", "'he'", TRUTH_NO},
        {OP_ENDS_WITH, "'hello'", "'lo'", TRUTH_YES},
        {OP_ENDS_WITH, "'hello'", "'he'", TRUTH_NO},
        {OP_OLDER_THAN, "'2026-11-17T08:59:59Z'", "'P7D'", TRUTH_YES},
        {OP_OLDER_THAN, "'2026-11-17T09:00:00Z'", "'P7D'", TRUTH_NO},
        {OP_OLDER_THAN, "null", "'P7D'", TRUTH_NO},
        {OP_NEWER_THAN, "'2026-11-17T09:00:00Z'", "'P7D'", TRUTH_YES},
        {OP_NEWER_THAN, "'2026-11-17 08:59:59'", "'P7D'", TRUTH_NO},
        {OP_DUE_IN, "'2026-11-27'", "'P3D'", TRUTH_YES},
        {OP_DUE_IN, "'2026-11-27T23:59:00Z'", "'P3D'", TRUTH_YES},
        {OP_DUE_IN, "'2026-11-28'", "'P3D'", TRUTH_NO},
        {OP_DUE_AGO, "'2026-11-21'", "'P3D'", TRUTH_YES},
        {OP_DUE_AGO, "'2026-11-20'", "'P3D'", TRUTH_NO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        enum truth got = TRUTH_UNKNOWN;
        struct error err = {0};
        const struct json *expected =
            cases[i].expected ? json_of(a, cases[i].expected) : NULL;
        enum status rc = op_eval(cases[i].op, json_of(a, cases[i].actual),
                                 expected, NOW_US, &got, &err);
        if (rc != OK || got != cases[i].want)
            broken("%s %s %s: %d %s", cases[i].actual, op_name(cases[i].op),
                   cases[i].expected ? cases[i].expected : "", (int)got,
                   err.msg);
    }
}

static void
bad_periods(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    enum truth got;
    struct error err = {0};

    (void)state;
    assert_int_equal(op_eval(OP_OLDER_THAN, json_of(a, "'soon'"),
                             json_of(a, "'P1D'"), NOW_US, &got, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "'soon' is not a time"));
    assert_int_not_equal(op_eval(OP_DUE_IN, json_of(a, "'2026-11-24'"),
                                 json_of(a, "'often'"), NOW_US, &got, &err),
                         OK);
    assert_int_equal(
        op_eval(OP_COUNT, json_of(a, "1"), json_of(a, "1"), NOW_US, &got, &err),
        E_BUG);
}

/* ---- over a row ---- */

static const char record_text[] =
    "{'id':7,'title':'Write','status':'todo','creator_id':'u1',"
    "'project_id':'p1','meta':{'plan':'pro'}}";

static struct eval_env
env_of(struct world *w)
{
    return (struct eval_env){.a = w->a,
                             .facts = w->facts,
                             .now_us = NOW_US,
                             .row_table = "public.tasks",
                             .row_key = "7",
                             .record = json_of(w->a, record_text),
                             .fresh = true,
                             .subject_id = "u1",
                             .entered_us = NOW_US - US_PER_DAY};
}

static const struct predicates *
conditions(struct arena *a, const char *list)
{
    return &feature_of(a,
                       arena_printf(a, DOC(TASKS, OWNER, "'exit':[%s],"), list))
                ->exit;
}

static enum truth
truth_of(struct world *w, const struct eval_env *env, const char *list,
         struct json *trace)
{
    enum truth got = TRUTH_UNKNOWN;
    struct error err = {0};

    if (predicates_eval(env, conditions(w->a, list), trace, &got, &err) != OK)
        broken("%s: %s", list, err.msg);
    return got;
}

static void
from_the_record(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    const struct fact_need *const *needs;

    (void)state;
    assert_int_equal(truth_of(&w, &env, "", NULL), TRUTH_YES);
    assert_int_equal(
        truth_of(&w, &env, "{'path':'status','op':'eq','value':'todo'}", NULL),
        TRUTH_YES);
    assert_int_equal(truth_of(&w, &env,
                              "{'path':'meta->plan','op':'eq','value':'pro'}",
                              NULL),
                     TRUTH_YES);
    assert_int_equal(
        truth_of(&w, &env, "{'path':'meta->other','op':'is_null'}", NULL),
        TRUTH_YES);
    assert_int_equal(facts_wanted(w.facts, &needs), 0);
}

static void
asks_for_live_values(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    const char *pred = "{'path':'status','op':'eq','value':'done'}";

    (void)state;
    env.fresh = false;
    assert_int_equal(truth_of(&w, &env, pred, NULL), TRUTH_UNKNOWN);
    const struct fact_need *need = only_need(&w, "path|public.tasks|7|status");
    assert_int_equal(need->kind, FACT_PATH);
    assert_string_equal(need->path->text, "status");
    /* Asked once, however often it is met. */
    assert_int_equal(truth_of(&w, &env, pred, NULL), TRUTH_UNKNOWN);
    (void)only_need(&w, "path|public.tasks|7|status");
    know(&w, "path|public.tasks|7|status", "'done'");
    assert_int_equal(truth_of(&w, &env, pred, NULL), TRUTH_YES);
    facts_clear_wanted(w.facts);
    assert_int_equal(truth_of(&w, &env,
                              "{'path':'creator_id.full_name','op':'is_null'}",
                              NULL),
                     TRUTH_UNKNOWN);
    (void)only_need(&w, "path|public.tasks|7|creator_id.full_name");
}

static void
row_without_key(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);

    (void)state;
    env.row_key = NULL;
    assert_int_equal(truth_of(&w, &env,
                              "{'path':'creator_id.full_name','op':'is_null'}",
                              NULL),
                     TRUTH_YES);
}

#define OWNED(more) \
    "{'table':'public.projects','link':'owner_id','op':'eq','value':2" more "}"

static void
counts(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    char key[160];

    (void)state;
    assert_int_equal(truth_of(&w, &env, OWNED(""), NULL), TRUTH_UNKNOWN);
    const struct fact_need *need =
        only_need(&w, "count|public.projects|owner_id|u1|0|0|[]");
    assert_int_equal(need->kind, FACT_COUNT);
    assert_string_equal(need->link_value, "u1");
    know(&w, need->key, "2");
    assert_int_equal(truth_of(&w, &env, OWNED(""), NULL), TRUTH_YES);

    facts_clear_wanted(w.facts);
    env.as_of_us = NOW_US - 5;
    (void)truth_of(&w, &env, OWNED(",'within':'P1D'"), NULL);
    (void)snprintf(
        key, sizeof(key), "count|public.projects|owner_id|u1|%lld|%lld|[]",
        (long long)(NOW_US - 5 - US_PER_DAY), (long long)(NOW_US - 5));
    assert_int_equal(only_need(&w, key)->until_us, NOW_US - 5);

    facts_clear_wanted(w.facts);
    (void)truth_of(&w, &env, OWNED(",'within':'entry','to':'row'"), NULL);
    const struct fact_need *const *needs;
    assert_int_equal(facts_wanted(w.facts, &needs), 1);
    assert_int_equal(needs[0]->since_us, env.entered_us);
    assert_string_equal(needs[0]->link_value, "7");
}

static void
counts_along_paths(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    const struct fact_need *const *needs;

    (void)state;
    (void)truth_of(&w, &env,
                   OWNED(",'to':'project_id','where':[{'path':'name','op':"
                         "'eq','value':{'path':'title'}}]"),
                   NULL);
    assert_int_equal(facts_wanted(w.facts, &needs), 1);
    assert_string_equal(needs[0]->link_value, "p1");
    assert_true(
        json_equal(needs[0]->where,
                   json_of(a, "[{'path':'name','op':'eq','value':'Write'}]")));
    /* A path over tables is asked for first; the need outlives the call. */
    facts_clear_wanted(w.facts);
    assert_int_equal(
        truth_of(&w, &env, OWNED(",'to':'project_id.owner_id'"), NULL),
        TRUTH_UNKNOWN);
    const struct fact_need *need =
        only_need(&w, "path|public.tasks|7|project_id.owner_id");
    assert_string_equal(need->path->text, "project_id.owner_id");
    assert_int_equal(need->path->n, 2);
    /* Nobody there: nothing to count. */
    know(&w, need->key, "null");
    assert_int_equal(
        truth_of(&w, &env, OWNED(",'to':'project_id.owner_id'"), NULL),
        TRUTH_NO);
}

static void
no_subject_counts_nothing(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);

    (void)state;
    env.subject_id = NULL;
    assert_int_equal(truth_of(&w, &env,
                              "{'table':'public.projects','link':'owner_id',"
                              "'op':'eq','value':0}",
                              NULL),
                     TRUTH_YES);
}

#define YES "{'path':'status','op':'eq','value':'todo'}"
#define NO  "{'path':'status','op':'eq','value':'done'}"
#define ASK "{'path':'creator_id.full_name','op':'not_null'}"

static void
and_or(void **state)
{
    static const struct {
        const char *list;
        enum truth want;
    } cases[] = {
        {YES "," YES, TRUTH_YES},
        {YES "," NO, TRUTH_NO},
        {NO "," ASK, TRUTH_NO},
        {ASK "," NO, TRUTH_NO},
        {ASK "," YES, TRUTH_UNKNOWN},
        {"{'any':[" NO "," YES "]}", TRUTH_YES},
        {"{'any':[" NO "," NO "]}", TRUTH_NO},
        {"{'any':[" NO "," ASK "]}", TRUTH_UNKNOWN},
        {"{'any':[" ASK "," YES "]}", TRUTH_YES},
        {"{'any':[" ASK "," NO "]}", TRUTH_UNKNOWN},
        {"{'any':[" NO ",{'any':[" NO "," YES "]}]}," YES, TRUTH_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct world w = world_new(a);
        struct eval_env env = env_of(&w);
        if (truth_of(&w, &env, cases[i].list, NULL) != cases[i].want)
            broken("%s", cases[i].list);
    }
}

static void
one_round_trip(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    const struct fact_need *const *needs;

    (void)state;
    (void)truth_of(&w, &env, ASK "," OWNED("") "," YES, NULL);
    assert_int_equal(facts_wanted(w.facts, &needs), 2);
}

static void
traces(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    struct json *trace = json_array(a);

    (void)state;
    know(&w, "count|public.projects|owner_id|u1|0|0|[]", "5");
    assert_int_equal(truth_of(&w, &env, YES "," OWNED("") "," NO, trace),
                     TRUTH_NO);
    assert_true(json_equal(
        trace,
        json_of(a, "[{'path':'status','op':'eq','expected':'todo','actual':"
                   "'todo','holds':true},{'count':'public.projects','op':'eq',"
                   "'link':'owner_id','expected':2,'actual':5,'holds':false},"
                   "{'path':'status','op':'eq','holds':null}]")));
}

static void
errors_name_the_path(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct world w = world_new(a);
    struct eval_env env = env_of(&w);
    enum truth got;
    struct error err = {0};

    (void)state;
    assert_int_equal(
        predicates_eval(&env,
                        conditions(a, "{'path':'title','op':'older_than',"
                                      "'value':'P1D'}"),
                        NULL, &got, &err),
        E_INVALID);
    assert_non_null(strstr(err.msg, "title: 'Write' is not a time"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators),
        cmocka_unit_test(bad_periods),
        cmocka_unit_test(from_the_record),
        cmocka_unit_test(asks_for_live_values),
        cmocka_unit_test(row_without_key),
        cmocka_unit_test(counts),
        cmocka_unit_test(counts_along_paths),
        cmocka_unit_test(no_subject_counts_nothing),
        cmocka_unit_test(and_or),
        cmocka_unit_test(one_round_trip),
        cmocka_unit_test(traces),
        cmocka_unit_test(errors_name_the_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
