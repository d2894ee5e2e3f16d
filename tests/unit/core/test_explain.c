/* A stored decision as text (docs/spec.md M12). */
#include "saas.h"

#include "core/explain.h"

static const char entered_text[] =
    "{'event':{'id':'e1','type':'public.tasks.insert','occurred_at':"
    "'2026-11-24T09:00:00Z','received_at':'2026-11-24T09:00:01Z','key':'7',"
    "'record':{'id':7},'old':null},'decisions':[{'feature':'welcome',"
    "'version':2,'verdict':'entered','meaning':'the subject began a run',"
    "'subject':'auth.users/u1','run':'r1','detail':{'gates':[{'gate':"
    "'subject','result':'pass'},{'gate':'active','result':'pass'}],"
    "'conditions':[{'path':'status','op':'eq','expected':'todo','actual':"
    "'todo','holds':true}]},'actions':[{'kind':'email','status':'succeeded',"
    "'address':'a@b.c','attempts':[{'number':1,'outcome':'retry','code':503,"
    "'message':'busy'},{'number':2,'outcome':'succeeded','code':200,"
    "'message':''}]}]},{'feature':'other','version':1,'verdict':"
    "'guard_false','meaning':'a condition did not hold','detail':{'gates':[{"
    "'gate':'subject','result':'pass'},{'gate':'conditions','result':'fail'}"
    ",{'gate':'mode','result':'not_evaluated'}],'conditions':[{'count':"
    "'public.tasks','op':'gte','expected':3,'actual':1,'holds':false},{"
    "'any':'','sub':[{'path':'title','op':'is_null','holds':null}],'holds':"
    "null}]}}]}";

static void
explain(struct arena *a, const char *text, bool color, struct buf *out)
{
    explain_text(out, json_of(a, text), color);
    assert_true(buf_ok(out));
}

static void
tells_all(void **state)
{
    static const char *const parts[] = {
        "public.tasks.insert",
        "e1",
        "welcome v2  entered: the subject began a run",
        "subject auth.users/u1",
        "gates: subject ✔ · active ✔",
        "✔ status eq 'todo'   it was 'todo'",
        "email to a@b.c: succeeded",
        "try 1: retry 503 busy",
        "try 2: succeeded 200",
        "other v1  guard_false: a condition did not hold",
        "subject ✔ · conditions ✘ · mode –",
        "✘ count of public.tasks gte 3   it was 1",
        "· any of",
        "· title is_null   not evaluated",
    };
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);
    const char *p;

    (void)state;
    explain(a, entered_text, false, &out);
    p = out.data;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *found = strstr(p, parts[i]);
        if (!found)
            broken("no '%s' in order in:\n%s", parts[i], out.data);
        p = found;
    }
    assert_null(strchr(out.data, '\033'));
}

static void
colours(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);

    (void)state;
    explain(a, entered_text, true, &out);
    assert_non_null(strstr(out.data, "\033[32m✔\033[0m"));
    assert_non_null(strstr(out.data, "\033[31m✘\033[0m"));
}

static void
steps_and_waits(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);

    (void)state;
    explain(a,
            "{'event':{'id':'e'},'decisions':[{'feature':'f','version':1,"
            "'verdict':'advanced','meaning':'m','detail':{'steps':[{'from':"
            "'a','to':'b','why':'P2D','guard':[{'path':'x','op':'is_null',"
            "'actual':null,'holds':true}]},{'from':'b','to':'c','why':"
            "'match'},{'from':'c','to':'d','why':'PT0S'}],'state':'d',"
            "'waits_until':'2026-11-26T09:00:00Z','guards':[[{'path':'y',"
            "'op':'eq','expected':1,'actual':2,'holds':false}]]}}]}",
            false, &out);
    assert_non_null(strstr(out.data, "a → b, after 2 days\n"));
    assert_non_null(strstr(out.data, "b → c, on match\n"));
    assert_non_null(strstr(out.data, "c → d, at once\n"));
    assert_non_null(strstr(out.data, "✔ x is_null   it was null\n"));
    assert_non_null(strstr(out.data, "✘ y eq 1   it was 2\n"));
    assert_non_null(
        strstr(out.data, "in d, waits until 2026-11-26T09:00:00Z\n"));
}

/* What stands in a customer's row may not steer the operator's terminal. */
static void
no_escapes_from_rows(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);
    struct json *doc = json_of(
        a, "{'event':{'id':'e'},'decisions':[{'feature':'f','version':1,"
           "'verdict':'guard_false','meaning':'m','detail':{'conditions':[{"
           "'path':'x','op':'eq','expected':'a','holds':false}]}}]}");
    struct json *cond = json_at(doc, "decisions.0.detail.conditions.0");

    (void)state;
    cond = json_put(a, cond, "actual", json_string(a, "\033]0;pwned\007\n"));
    assert_non_null(cond);
    (void)json_put(a, json_at(doc, "decisions.0"), "subject",
                   json_string(a, "u\033[31m"));
    explain_text(&out, doc, false);
    assert_null(strpbrk(out.data, "\033\007"));
    assert_non_null(strstr(out.data, "]0;pwned"));
}

static void
missing_members(void **state)
{
    static const char *const cases[] = {
        "{}", "null", "{'event':null,'decisions':null}",
        "{'event':{},'decisions':[{}]}",
        "{'event':{},'decisions':[{'detail':{'gates':[{}],'conditions':[{}]"
        "},'actions':[{'attempts':[{}]}]}]}"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        AUTO_BUF out = buf_new(65536);
        explain(a, cases[i], false, &out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all),
        cmocka_unit_test(colours),
        cmocka_unit_test(steps_and_waits),
        cmocka_unit_test(no_escapes_from_rows),
        cmocka_unit_test(missing_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
