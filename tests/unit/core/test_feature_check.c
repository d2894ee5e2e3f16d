/* Names against the catalogue, the machine's shape, what a run watches. */
#include "saas.h"

static void
premade_features(void **state)
{
    static const char *const names[] = {
        "features/heartbeat.yaml", "features/welcome-email-drip.yaml",
        "features/inactivity-re-engagement.yaml"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const char *text = template_file(a, names[i]);
        struct feature *f = NULL, *again = NULL;
        struct error err = {0};
        if (feature_parse_text(a, text, strlen(text), &f, &err) != OK ||
            feature_check(saas(a), f, &err) != OK)
            broken("%s: %s", names[i], err.msg);
        struct json *out = feature_to_json(a, f, saas(a));
        assert_int_equal(feature_parse(a, out, &again, &err), OK);
        assert_true(json_equal(feature_to_json(a, again, saas(a)), out));
    }
}

#define IF(c) "'exit':[" c "],"
#define STATES(s)                                                            \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS          \
    "},'subject':{" OWNER "},'entry':{'mode':'every'},'machine':{'initial':" \
    "'a','states':{" s ",'done':{'final':true}}}}"

static const struct {
    const char *text, *field, *message, *hint;
} bad[] = {
    {DOC("'type':'row','table':'public.task','op':'insert'", OWNER, ""),
     "trigger.table", "no table public.task", "public.tasks"},
    {DOC("'type':'row','table':'public.tasks','op':'update',"
         "'column':'state','to':'x'",
         OWNER, ""),
     "trigger.column", "no column 'state'", "status"},
    {DOC("'type':'row','table':'public.tasks','op':'update',"
         "'column':'status','to':'finished'",
         OWNER, ""),
     "trigger.to", "no value 'finished'", "todo, in_progress, blocked, done"},
    {DOC("'type':'row','table':'public.tasks','op':'update',"
         "'column':'status','from':{'op':'in','value':['todo','open']}",
         OWNER, ""),
     "trigger.from", "no value 'open'", "todo"},
    {DOC("'type':'row','table':'auth.users','op':'update',"
         "'column':'encrypted_password'",
         "'table':'auth.users','id':'id'", ""),
     "trigger.column", "looks like a secret", ""},
    {DOC(TASKS, "'table':'auth.user','id':'creator_id'", ""), "subject.table",
     "no table auth.user", "auth.users"},
    {DOC(TASKS, "'table':'auth.users','id':'creater_id'", ""), "subject.id",
     "no column 'creater_id'", "creator_id"},
    {DOC(TASKS, "'table':'auth.users','id':'project_id'", ""), "subject.id",
     "does not hold the key of auth.users", "points at it"},
    {DOC(TASKS, "'table':'auth.users','id':'title'", ""), "subject.id",
     "does not hold the key", ""},
    {DOC(TASKS, OWNER ",'email':'creator_id.email'", ""), "subject.email",
     "public.profiles has no column 'email'", ""},
    {DOC(TASKS, OWNER, IF("{'path':'status','op':'eq','value':'open'}")),
     "exit[0]", "no value 'open'", "todo"},
    {DOC(TASKS, OWNER, IF("{'path':'status','op':'in','value':['x']}")),
     "exit[0]", "no value 'x'", ""},
    {DOC(TASKS, OWNER,
         IF("{'path':'creator_id.id.encrypted_password','op':'not_null'}")),
     "exit[0]", "looks like a secret", ""},
    {DOC(TASKS, OWNER,
         IF("{'path':'title','op':'is_null'},{'any':[{'path':'title',"
            "'op':'is_null'},{'path':'titel','op':'is_null'}]}")),
     "exit[1][1]", "no column 'titel'", "title"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.projcts','link':'owner_id','op':'eq',"
            "'value':0}")),
     "exit[0]", "no table public.projcts", "public.projects"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.projects','link':'owner','op':'eq',"
            "'value':0}")),
     "exit[0]", "no column 'owner'", "owner_id"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.members','link':'user_id','op':'eq',"
            "'value':0,'within':'P1D'}")),
     "exit[0]", "when a row was made", ""},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.projects','link':'id','to':'projct_id',"
            "'op':'eq','value':0}")),
     "exit[0]", "no column 'projct_id'", "project_id"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.projects','link':'id','to':'a..b',"
            "'op':'eq','value':0}")),
     "exit[0]", "malformed", ""},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.tasks','link':'creator_id','op':'eq',"
            "'value':0,'where':[{'path':'stats','op':'is_null'}]}")),
     "exit[0][0]", "no column 'stats'", "status"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.tasks','link':'creator_id','op':'eq',"
            "'value':0,'where':[{'path':'project_id','op':'eq',"
            "'value':{'path':'proj_id'}}]}")),
     "exit[0][0]", "no column 'proj_id'", "project_id"},
    {DOC(TASKS, OWNER,
         IF("{'table':'public.tasks','link':'creator_id','op':'eq',"
            "'value':0,'where':[{'any':[{'path':'title','op':'is_null'},"
            "{'path':'status','op':'is_null'}]}]}")),
     "exit[0]", "column conditions only", ""},
    {STATES("'a':{'transitions':[{'target':'done'}]},'b':{'transitions':[{"
            "'target':'done'}]}"),
     "machine.states.b", "no transition leads here", ""},
    {STATES("'a':{'transitions':[{'target':'b'},{'after':'P1D','target':"
            "'done'}]},'b':{'transitions':[{'target':'a'}]}"),
     "machine.states.a", "never waits", "PT0S"},
    {STATES("'a':{'transitions':[{'on':'match','target':'a'},{'after':'P1D',"
            "'target':'done'}]}"),
     "machine.states.a", "never waits", ""},
    {STATES("'a':{'transitions':[{'guard':[{'path':'nope','op':'is_null'}],"
            "'target':'done'}]}"),
     "machine.states.a.transitions[0].guard[0]", "no column 'nope'", ""},
    {STATES("'a':{'transitions':[{'effects':[{'type':'email'}],'target':"
            "'done'}]}"),
     "machine.states.a.transitions[0].effects[0].to", "needs subject.email",
     ""},
    {STATES("'a':{'transitions':[{'effects':[{'type':'email','to':'mail'}],"
            "'target':'done'}]}"),
     "machine.states.a.transitions[0].effects[0].to", "no column 'mail'", ""},
};

static void
refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const struct feature *f = feature_of(a, bad[i].text);
        struct error err = {0};
        enum status rc = feature_check(saas(a), f, &err);
        if (rc != E_INVALID || strcmp(err.field, bad[i].field) != 0 ||
            !strstr(err.msg, bad[i].message) || !strstr(err.hint, bad[i].hint))
            broken("case %zu: rc %d field '%s' %s (%s)", i, (int)rc, err.field,
                   err.msg, err.hint);
    }
}

static void
accepts(void **state)
{
    static const char *const cases[] = {
        DOC(TASKS, OWNER, ""),
        /* the key over a table that shares it, and over a reverse hop */
        DOC(TASKS, "'table':'public.profiles','id':'creator_id'", ""),
        DOC(TASKS, "'table':'auth.users','id':'creator_id.id.id'", ""),
        DOC(TASKS,
            "'table':'auth.users',"
            "'id':'project_id.members@project_id[role=owner].user_id'",
            ""),
        DOC("'type':'row','table':'auth.users','op':'insert'",
            "'table':'auth.users','id':'id'", ""),
        /* part of a value need not be a value */
        DOC(TASKS, OWNER, IF("{'path':'status','op':'contains','value':'o'}")),
        DOC(TASKS, OWNER,
            IF("{'path':'creator_id.id.raw_user_meta_data->plan','op':'eq',"
               "'value':'pro'}")),
        DOC(TASKS, OWNER,
            IF("{'table':'public.tasks','link':'creator_id','to':'row',"
               "'op':'eq','value':0}")),
        /* back again, but after a wait */
        STATES("'a':{'transitions':[{'target':'b'}]},'b':{'transitions':[{"
               "'after':'PT1S','target':'a'},{'on':'match','target':'done'}"
               "]}"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct error err = {0};
        if (feature_check(saas(a), feature_of(a, cases[i]), &err) != OK)
            broken("case %zu: %s", i, err.msg);
    }
}

/* 100 layers of two states, each leading to both of the next: 2^100 ways. */
static void
many_ways(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF text = buf_new(1 << 20);
    struct error err = {0};

    (void)state;
    buf_puts(&text, "'a':{'transitions':[{'target':'x0'},{'target':'y0'}]}");
    for (int i = 0; i < 98; i++)
        for (int k = 0; k < 2; k++)
            if (i < 97)
                buf_printf(&text,
                           ",'%c%d':{'transitions':[{'target':'x%d'},"
                           "{'target':'y%d'}]}",
                           k ? 'y' : 'x', i, i + 1, i + 1);
            else
                buf_printf(&text, ",'%c%d':{'transitions':[{'target':'done'}]}",
                           k ? 'y' : 'x', i);
    const char *doc = arena_printf(a, STATES("%s"), text.data);
    const struct feature *f = feature_of(a, doc);
    assert_int_equal(f->n_states, 198);
    if (feature_check(saas(a), f, &err) != OK)
        broken("%s", err.msg);
}

static void
watches(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(
        a, DOC(TASKS, OWNER,
               IF("{'table':'public.projects','link':'owner_id','op':'gte',"
                  "'value':1},{'any':[{'path':'status','op':'eq','value':"
                  "'done'},{'path':'title','op':'is_null'}]},"
                  "{'path':'creator_id.full_name','op':'is_null'},"
                  "{'table':'public.members','link':'user_id','to':'row','op':"
                  "'gte','value':1}")));
    struct watch *w = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(feature_watches(a, f, &w, &n, &err), OK);
    assert_int_equal(n, 2);
    assert_string_equal(w[0].table, "public.projects");
    assert_int_equal(w[0].op, ROW_INSERT);
    assert_string_equal(w[0].column, "owner_id");
    assert_string_equal(w[1].table, "public.tasks");
    assert_int_equal(w[1].op, ROW_UPDATE);
    assert_null(w[1].column);
}

/* Only of the trigger's own row, and only while there is something to wait
 * for. */
static void
watches_deletion(void **state)
{
    static const char waiting[] =
        "'machine':{'initial':'a','states':{'a':{'transitions':[{'after':"
        "'P1D','target':'done'}]},'done':{'final':true}}}}";
    static const char own[] =
        "{'version':1,'key':'k','stage':'engagement','trigger':{'type':'row',"
        "'table':'auth.users','op':'insert'},'subject':{'table':'auth.users',"
        "'id':'id'},'entry':{'mode':'once'},";
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f =
        feature_of(a, arena_printf(a, "%s%s", own, waiting));
    const struct feature *at_once =
        feature_of(a, DOC("'type':'row','table':'auth.users','op':'insert'",
                          "'table':'auth.users','id':'id'", ""));
    struct watch *w = NULL;
    size_t n = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(feature_watches(a, f, &w, &n, &err), OK);
    assert_int_equal(n, 1);
    assert_string_equal(w[0].table, "auth.users");
    assert_int_equal(w[0].op, ROW_DELETE);
    assert_null(w[0].column);
    assert_int_equal(feature_watches(a, at_once, &w, &n, &err), OK);
    assert_int_equal(n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(premade_features), cmocka_unit_test(refuses),
        cmocka_unit_test(accepts),          cmocka_unit_test(many_ways),
        cmocka_unit_test(watches),          cmocka_unit_test(watches_deletion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
