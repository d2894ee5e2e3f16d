/* The shape of a document: what is read, what is refused and where. */
#include "saas.h"

#include "base/clock.h"

static const char full_text[] =
    "{'version':1,'key':'trial-rescue','name':'Trial rescue',"
    "'description':'d','stage':'expansion',"
    "'trigger':{'type':'row','table':'public.tasks','op':'update',"
    " 'column':'status','from':'todo','to':{'op':'in',"
    " 'value':['blocked','done']}},"
    "'subject':{'table':'auth.users','id':'creator_id',"
    " 'email':'creator_id.id.email'},"
    "'entry':{'mode':'every','conditions':["
    " {'path':'title','op':'contains','value':'x'},"
    " {'path':'project_id','op':'not_null'},"
    " {'any':[{'path':'title','op':'eq','value':'a'},"
    "  {'path':'created_at','op':'newer_than','value':'P1D'}]},"
    " {'table':'public.tasks','link':'creator_id','to':'subject','op':'gte',"
    "  'value':3,'within':'P7D','where':["
    "  {'path':'project_id','op':'eq','value':{'path':'project_id'}}]}]},"
    "'timing':{'cooldown':'P1D','cap':{'count':2,'per':'P7D'},"
    " 'quiet_hours':{'from':'21:30','to':'08:05','tz':'subject'},"
    " 'days':['mon','fri','sun']},"
    "'exit':[{'table':'public.tasks','link':'creator_id','to':'subject',"
    " 'op':'eq','value':0,'within':'entry'}],"
    "'machine':{'initial':'a','states':{"
    " 'a':{'transitions':["
    "  {'on':'match','guard':[{'path':'status','op':'eq','value':'done'}],"
    "   'target':'done'},"
    "  {'after':'PT1H30M','effects':["
    "   {'type':'email','to':'creator_id.id.email','template':'t',"
    "    'subject':'Hi'},"
    "   {'type':'webhook','url':'https://example.com/hook'},"
    "   {'type':'webhook','connection':'slack'},"
    "   {'type':'track','event':'e'},"
    "   {'type':'set_stage','stage':'retention'}],'target':'b'}]},"
    " 'b':{'transitions':[{'after':'PT0S','target':'done'}]},"
    " 'done':{'final':true}}}}";

static void
reads_everything(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(a, full_text);
    const struct transition *t = f->states[0].transitions;

    (void)state;
    assert_string_equal(f->key, "trial-rescue");
    assert_int_equal(f->stage, STAGE_EXPANSION);
    assert_int_equal(f->op, ROW_UPDATE);
    assert_string_equal(f->column, "status");
    assert_int_equal(f->from.op, OP_EQ);
    assert_int_equal(f->to.op, OP_IN);
    assert_int_equal(f->conditions.n, 4);
    assert_int_equal(f->conditions.items[2].kind, PREDICATE_ANY);
    assert_int_equal(f->conditions.items[3].count, 3);
    assert_int_equal(f->conditions.items[3].within_us, 7 * US_PER_DAY);
    assert_int_equal(f->timing.cooldown_us, US_PER_DAY);
    assert_int_equal(f->timing.cap_count, 2);
    assert_int_equal(f->timing.quiet_from_min, 21 * 60 + 30);
    assert_int_equal(f->timing.quiet_to_min, 8 * 60 + 5);
    assert_int_equal(f->timing.days, 1u << 0 | 1u << 1 | 1u << 5);
    assert_true(f->exit.items[0].within_entry);
    assert_true(t[0].on_match);
    assert_int_equal(t[1].after_us, 90 * US_PER_MIN);
    assert_int_equal(t[1].n_effects, 5);
    assert_int_equal(t[1].effects[4].stage, STAGE_RETENTION);
    assert_true(feature_state(f, "done")->final);
    assert_null(feature_state(f, "nowhere"));
    assert_string_equal(feature_source(a, f), "public.tasks.update");
}

static void
writes_what_it_read(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(a, full_text);
    struct json *out = feature_to_json(a, f, NULL);

    (void)state;
    if (!json_equal(out, json_of(a, full_text)))
        broken("%s", json_text(a, out));
}

static void
spells_out_defaults(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(a, DOC(TASKS, OWNER, ""));
    struct json *out = feature_to_json(a, f, NULL);
    struct feature *again = NULL;
    struct error err = {0};

    (void)state;
    assert_true(json_equal(
        out,
        json_of(a, "{'version':1,'key':'k','name':'k','stage':'engagement',"
                   "'trigger':{" TASKS "},'subject':{" OWNER "},"
                   "'entry':{'mode':'every','conditions':[]},'timing':{},"
                   "'exit':[],'machine':{'initial':'s0','states':{'s0':{"
                   "'transitions':[{'after':'PT0S','effects':[{'type':"
                   "'track'}],'target':'done'}]},'done':{'final':true}}}}")));
    assert_int_equal(feature_parse(a, out, &again, &err), OK);
    assert_true(json_equal(feature_to_json(a, again, NULL), out));
}

static void
derives_joins(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(
        a, DOC(TASKS, OWNER ",'email':'creator_id.id.email','join':[{}]", ""));
    struct json *with = feature_to_json(a, f, saas(a));

    (void)state;
    assert_null(json_at(feature_to_json(a, f, NULL), "subject.join"));
    assert_true(json_equal(
        json_at(with, "subject.join"),
        json_of(a, "[{'column':'creator_id','table':'public.profiles',"
                   "'key':'id'},{'column':'id','table':'auth.users',"
                   "'key':'id'}]")));
}

static void
derives_joins_backwards(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(
        a, DOC(TASKS,
               OWNER ",'email':'project_id.members@project_id[role=owner]"
                     ".user_id.email'",
               ""));

    (void)state;
    assert_true(json_equal(
        json_at(feature_to_json(a, f, saas(a)), "subject.join"),
        json_of(a, "[{'column':'project_id','table':'public.projects',"
                   "'key':'id'},{'column':'project_id','table':"
                   "'public.members','reverse':true,'where':{'role':'owner'"
                   "}},{'column':'user_id','table':'auth.users','key':'id'"
                   "}]")));
}

static void
null_in_a_trigger(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(
        a, DOC("'type':'row','table':'a.b','op':'update','column':'c',"
               "'from':null,'to':{'op':'not_null'}",
               OWNER, ""));
    struct json *out = feature_to_json(a, f, NULL);

    (void)state;
    assert_int_equal(f->from.op, OP_IS_NULL);
    assert_true(json_is(json_at(out, "trigger.from"), JSON_NULL));
    assert_string_equal(json_str(json_at(out, "trigger.to.op"), ""),
                        "not_null");
}

static void
keys(void **state)
{
    static const struct {
        const char *head, *want;
    } cases[] = {
        {"'name':'Welcome Email Drip'", "welcome-email-drip"},
        {"'name':'  50% off -- now! '", "50-off-now"},
        {"'key':'a_b-1','name':'Other'", "a_b-1"},
        {"'name':'…'", "feature"},
        {"'description':'no name'", "feature"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const char *text = arena_printf(
            a,
            "{'version':1,%s,'stage':'engagement','trigger':{" TASKS
            "},'subject':{" OWNER "},'entry':{'mode':'every'},'machine':{"
            "'initial':'s','states':{'s':{'final':true}}}}",
            cases[i].head);
        assert_string_equal(feature_of(a, text)->key, cases[i].want);
    }
}

struct bad_case {
    const char *text, *field, *message;
};

static void
refuse_all(const struct bad_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct feature *f = NULL;
        struct error err = {0};
        enum status rc = feature_parse(a, json_of(a, cases[i].text), &f, &err);
        if (rc != E_INVALID || strcmp(err.field, cases[i].field) != 0 ||
            !strstr(err.msg, cases[i].message))
            broken("case %zu: rc %d, field '%s', %s", i, (int)rc, err.field,
                   err.msg);
    }
}

#define COND(c)                                                        \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS    \
    "},'subject':{" OWNER "},'entry':{'mode':'every','conditions':[" c \
    "]},'machine':{'initial':'s','states':{'s':{'final':true}}}}"
#define MACHINE(m)                                                  \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" TASKS \
    "},'subject':{" OWNER "},'entry':{'mode':'every'},'machine':" m "}"
#define STATE(s) \
    MACHINE("{'initial':'s0','states':{'s0':" s ",'done':{'final':true}}}")
#define EFFECT(e) STATE("{'transitions':[{'effects':[" e "],'target':'done'}]}")

static void
refuses_head(void **state)
{
    static const struct bad_case cases[] = {
        {"[]", "", "must be an object"},
        {"{}", "version", "must be 1"},
        {"{'version':2}", "version", "must be 1"},
        {"{'version':'1'}", "version", "must be 1"},
        {"{'version':1}", "stage", "is required"},
        {"{'version':1,'stage':'growth'}", "stage", "unknown stage"},
        {"{'version':1,'stage':3}", "stage", "must be a string"},
        {"{'version':1,'stage':'virality','key':'A B'}", "key", "lower-case"},
        {"{'version':1,'stage':'virality','sujbect':{}}", "sujbect",
         "unknown field"},
        {"{'version':1,'stage':'virality'}", "trigger", "is required"},
        {DOC(TASKS, OWNER, "'match':{},"), "match.intent", "required"},
        {DOC(TASKS, OWNER, "'match':{'intent':'x','min_confidence':1},"),
         "match.min_confidence", "0.95"},
        {DOC(TASKS, OWNER, "'match':{'intent':'x','fields':[]},"),
         "match.fields", "list of columns"},
        {DOC(TASKS, OWNER, "'goal':{},"), "goal.when", "list of predicates"},
        {DOC(TASKS, OWNER,
             "'goal':{'when':[{'path':'status','op':'eq','value':'x'}]},"),
         "goal.within", "over zero"},
        {DOC(TASKS, OWNER, "'on_pause':'skip',"), "on_pause", "must be hold"},
        {DOC(TASKS, OWNER, "'on_pause':{'skip_if_older_than':'PT0S'},"),
         "on_pause.skip_if_older_than", "over zero"},
        {DOC(TASKS, OWNER, "'holdout':1,"), "holdout", "from 0.0001 to 0.9"},
        {DOC(TASKS, OWNER, "'holdout':0.95,"), "holdout", "from 0.0001"},
        {DOC(TASKS, OWNER, "'holdout':'a tenth',"), "holdout", "a share"},
    };

    (void)state;
    refuse_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
refuses_trigger_and_subject(void **state)
{
    static const struct bad_case cases[] = {
        {DOC("'type':'cron','table':'a.b'", OWNER, ""), "trigger.type",
         "row or schedule"},
        {DOC("'type':'row','table':'tasks','op':'insert'", OWNER, ""),
         "trigger.table", "schema.table"},
        {DOC("'type':'row','table':'a.b','op':'upsert'", OWNER, ""),
         "trigger.op", "insert, update or delete"},
        {DOC(TASKS ",'column':'x'", OWNER, ""), "trigger.column",
         "unknown field"},
        {DOC("'type':'row','table':'a.b','op':'update','to':1", OWNER, ""),
         "trigger.column", "is required"},
        {DOC("'type':'row','table':'a.b','op':'update','column':'c',"
             "'to':[1]",
             OWNER, ""),
         "trigger.to", "a value or {op, value}"},
        {DOC("'type':'row','table':'a.b','op':'update','column':'c',"
             "'to':{'op':'contains','value':'x'}",
             OWNER, ""),
         "trigger.to.op", "not allowed"},
        {DOC("'type':'schedule','table':'a.b'", OWNER, ""), "trigger.cron",
         "is required"},
        {DOC("'type':'schedule','table':'a.b','cron':'61 * * * *'", OWNER, ""),
         "trigger.cron", ""},
        {DOC("'type':'schedule','table':'a.b','cron':'0 9 * * *',"
             "'tz':'Mars/Base'",
             OWNER, ""),
         "trigger.tz", ""},
        {DOC(TASKS, "'table':'auth.users'", ""), "subject.id", "is required"},
        {DOC(TASKS, "'table':'auth.users','id':'a..b'", ""), "subject.id",
         "malformed"},
        {DOC(TASKS, OWNER ",'mail':'x'", ""), "subject.mail", "unknown field"},
    };

    (void)state;
    refuse_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
refuses_conditions(void **state)
{
    static const struct bad_case cases[] = {
        {COND("{'path':'a','op':'is'}"), "entry.conditions[0].op",
         "unknown operator"},
        {COND("{'path':'a','op':'eq'}"), "entry.conditions[0].value",
         "is required"},
        {COND("{'path':'a','op':'is_null','value':1}"),
         "entry.conditions[0].value", "not allowed"},
        {COND("{'path':'a','op':'older_than','value':'7 days'}"),
         "entry.conditions[0].value", "duration"},
        {COND("{'path':'a','op':'in','value':'x'}"),
         "entry.conditions[0].value", "must be a list"},
        {COND("{'path':'a','op':'contains','value':3}"),
         "entry.conditions[0].value", "must be a string"},
        {COND("{'path':'a','op':'eq','value':1},{'any':[{'path':'b',"
              "'op':'eq','value':1}]}"),
         "entry.conditions[1].any", "at least two"},
        {COND("{'table':'a.b','link':'c','op':'in','value':1}"),
         "entry.conditions[0].op", "eq neq gt"},
        {COND("{'table':'a.b','link':'c','op':'eq','value':-1}"),
         "entry.conditions[0].value", "whole number"},
        {COND("{'table':'a.b','link':'c','op':'eq','value':1,"
              "'within':'week'}"),
         "entry.conditions[0].within", ""},
        {COND("{'table':'a.b','link':'c','op':'eq','value':1,'where':["
              "{'path':'x','op':'nope'}]}"),
         "entry.conditions[0].where[0].op", "unknown operator"},
        {COND("7"), "entry.conditions[0]", "must be an object"},
        {DOC(TASKS, OWNER, "'exit':{},"), "exit", "must be a list"},
    };

    (void)state;
    refuse_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
refuses_timing(void **state)
{
    static const struct bad_case cases[] = {
        {DOC(TASKS, OWNER, "'timing':{'cooldown':'1d'},"), "timing.cooldown",
         ""},
        {DOC(TASKS, OWNER, "'timing':{'cap':{'count':0,'per':'P1D'}},"),
         "timing.cap.count", ">= 1"},
        {DOC(TASKS, OWNER, "'timing':{'cap':{'count':1}},"), "timing.cap.per",
         "over zero"},
        {DOC(TASKS, OWNER,
             "'timing':{'quiet_hours':{'from':'25:00','to':'08:00'}},"),
         "timing.quiet_hours.from", "HH:MM"},
        {DOC(TASKS, OWNER,
             "'timing':{'quiet_hours':{'from':'21:00','to':'21:00'}},"),
         "timing.quiet_hours.to", "no hour would be left"},
        {DOC(TASKS, OWNER,
             "'timing':{'quiet_hours':{'from':'21:00','to':'08:00',"
             "'tz':'Europe/Helsinky'}},"),
         "timing.quiet_hours.tz", "Helsinky"},
        {DOC(TASKS, OWNER, "'timing':{'days':['mon','mon']},"), "timing.days",
         "twice"},
        {DOC(TASKS, OWNER, "'timing':{'on_pause':'hold'},"), "timing.on_pause",
         "unknown field"},
    };

    (void)state;
    refuse_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
refuses_machine(void **state)
{
    static const struct bad_case cases[] = {
        {MACHINE("{'states':{}}"), "machine.initial", "is required"},
        {MACHINE("{'initial':'x','states':{}}"), "machine.states",
         "1 to 200 states"},
        {MACHINE("{'initial':'x','states':{'s':{'final':true}}}"),
         "machine.initial", "no state 'x'"},
        {STATE("{}"), "machine.states.s0.transitions", "list of 1 to"},
        {STATE("{'final':false}"), "machine.states.s0.final", "true alone"},
        {STATE("{'final':true,'transitions':[]}"), "machine.states.s0.final",
         "true alone"},
        {STATE("{'transitions':[{'salt':'x','target':'done'}]}"),
         "machine.states.s0.transitions[0].salt", "belongs to a split"},
        {STATE("{'transitions':[{'split':[{'name':'a','target':'done'}]}]}"),
         "machine.states.s0.transitions[0].split", "2 to 10 branches"},
        {STATE("{'transitions':[{'target':'done','split':[]}]}"),
         "machine.states.s0.transitions[0]", "branches have target"},
        {STATE("{'transitions':[{'split':[{'name':'a','target':'done'},"
               "{'name':'a','target':'done'}]}]}"),
         "machine.states.s0.transitions[0].split[1].name", "there already"},
        {STATE("{'transitions':[{'split':[{'name':'a','weight':0,"
               "'target':'done'},{'name':'b','target':'done'}]}]}"),
         "machine.states.s0.transitions[0].split[0].weight", "whole number"},
        {STATE("{'transitions':[{'split':[{'name':'a','target':'done'},"
               "{'name':'b','target':'gone'}]}]}"),
         "machine.states.s0.transitions[0].split[1].target", "no state 'gone'"},
        {STATE("{'transitions':[{'after':'P2D'}]}"),
         "machine.states.s0.transitions[0].target", "is required"},
        {STATE("{'transitions':[{'after':'2 days','target':'done'}]}"),
         "machine.states.s0.transitions[0].after", ""},
        {STATE("{'transitions':[{'target':'done'},{'target':'gone'}]}"),
         "machine.states.s0.transitions[1].target", "no state 'gone'"},
        {STATE("{'transitions':[{'on':'click','target':'done'}]}"),
         "machine.states.s0.transitions[0].on", "match"},
        {STATE("{'transitions':[{'on':'match','after':'P1D',"
               "'target':'done'}]}"),
         "machine.states.s0.transitions[0]", "both on and after"},
        {EFFECT("{'type':'sms'}"),
         "machine.states.s0.transitions[0].effects[0].type", "unknown effect"},
        {EFFECT("{'type':'email','url':'x'}"),
         "machine.states.s0.transitions[0].effects[0].url", "unknown field"},
        {EFFECT("{'type':'email','subject':'a\\nb'}"),
         "machine.states.s0.transitions[0].effects[0].subject", "one line"},
        {EFFECT("{'type':'webhook'}"),
         "machine.states.s0.transitions[0].effects[0]", "url or a connection"},
        {EFFECT("{'type':'webhook','url':'ftp://x'}"),
         "machine.states.s0.transitions[0].effects[0].url", "https://"},
        {EFFECT("{'type':'set_stage','stage':'top'}"),
         "machine.states.s0.transitions[0].effects[0].stage", "unknown stage"},
    };

    (void)state;
    refuse_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static const char yaml_text[] = "# a comment first\n"
                                "version: 1\n"
                                "name: From YAML\n"
                                "stage: engagement\n"
                                "trigger: {type: row, table: a.b, op: insert}\n"
                                "subject: {table: a.b, id: id}\n"
                                "entry:\n"
                                "  mode: %s\n"
                                "machine:\n"
                                "  initial: s\n"
                                "  states:\n"
                                "    s: {final: true}\n";

static void
text_forms(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct feature *f = NULL;
    struct error err = {0};
    const char *good = arena_printf(a, yaml_text, "once");
    const char *wrong = arena_printf(a, yaml_text, "often");
    const char *missing = "{\n \"version\": 1,\n \"stage\": \"virality\",\n"
                          " \"trigger\": {\n  \"type\": \"row\"\n }\n}";

    (void)state;
    if (feature_parse_text(a, good, strlen(good), &f, &err) != OK)
        broken("%s", err.msg);
    assert_string_equal(f->key, "from-yaml");
    assert_int_equal(feature_parse_text(a, wrong, strlen(wrong), &f, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "line 8"));
    assert_string_equal(err.field, "entry.mode");
    err = (struct error){0};
    assert_int_equal(feature_parse_text(a, missing, strlen(missing), &f, &err),
                     E_INVALID);
    assert_string_equal(err.field, "trigger.table");
    assert_non_null(strstr(err.msg, "line 5"));
}

static void
broken_text(void **state)
{
    static const char *const cases[] = {"{\"version\": 1", "a: [1", "", "x",
                                        "- 1\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct feature *f = NULL;
        struct error err = {0};
        enum status rc =
            feature_parse_text(a, cases[i], strlen(cases[i]), &f, &err);
        if (rc != E_INVALID || err.code != E_INVALID || !err.msg[0])
            broken("'%s': %d %s", cases[i], (int)rc, err.msg);
    }
}

static void
deep_nesting(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF text = buf_new(65536);
    struct feature *f = NULL;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        buf_puts(&text, "{'any':[{'path':'a','op':'is_null'},");
    buf_puts(&text, "{'path':'a','op':'is_null'}");
    for (int i = 0; i < 20; i++)
        buf_puts(&text, "]}");
    const char *doc = arena_printf(
        a,
        "{'version':1,'stage':'engagement','trigger':{" TASKS
        "},'subject':{" OWNER "},'entry':{'mode':'every','conditions':[%s]},"
        "'machine':{'initial':'s','states':{'s':{'final':true}}}}",
        text.data);
    assert_int_equal(feature_parse(a, json_of(a, doc), &f, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "nested too deep"));
}

static void
names_both_ways(void **state)
{
    (void)state;
    for (enum stage s = 0; s < STAGE_COUNT; s++) {
        enum stage back = STAGE_COUNT;
        assert_true(stage_parse(stage_name(s), &back));
        assert_int_equal(back, s);
    }
    for (enum op o = 0; o < OP_COUNT; o++) {
        enum op back = OP_COUNT;
        assert_true(op_parse(op_name(o), &back));
        assert_int_equal(back, o);
    }
    for (enum effect_kind k = 0; k < EFFECT_KIND_COUNT; k++) {
        enum effect_kind back = EFFECT_KIND_COUNT;
        assert_true(effect_kind_parse(effect_kind_name(k), &back));
        assert_int_equal(back, k);
    }
    for (enum entry_mode m = 0; m < ENTRY_MODE_COUNT; m++) {
        enum entry_mode back = ENTRY_MODE_COUNT;
        assert_true(entry_mode_parse(entry_mode_name(m), &back));
        assert_int_equal(back, m);
    }
    for (enum row_op o = 0; o < ROW_OP_COUNT; o++) {
        enum row_op back = ROW_OP_COUNT;
        assert_true(row_op_parse(row_op_name(o), &back));
        assert_int_equal(back, o);
    }
}

/* Branches of a split are transitions inside and one transition outside. */
static void
splits_and_holdouts(void **state)
{
    static const char text[] =
        "{'version':1,'key':'k','name':'K','stage':'engagement','trigger':"
        "{" TASKS "},'subject':{" OWNER
        "},'entry':{'mode':'once','conditions':[]},"
        "'holdout':0.125,'timing':{},'exit':[],'machine':{'initial':'s0',"
        "'states':{'s0':{'transitions':[{'after':'P1D','salt':'x','split':["
        "{'name':'a','weight':3,'effects':[{'type':'track','event':'a'}],"
        "'target':'done'},{'name':'b','weight':1,'target':'s1'}]},"
        "{'after':'P2D','target':'done'}]},'s1':{'transitions':[{'after':"
        "'P1D','split':[{'name':'c','weight':1,'target':'done'},{'name':'d',"
        "'weight':1,'target':'s0'}]}]},'done':{'final':true}}}}";
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct feature *f = feature_of(a, text);
    struct json *out = feature_to_json(a, f, NULL);

    (void)state;
    assert_int_equal(f->holdout, 1250);
    assert_int_equal(f->states[0].n_transitions, 3);
    const struct transition *t = f->states[0].transitions;
    assert_string_equal(t[0].branch->name, "a");
    assert_int_equal(t[1].branch->from, 3);
    assert_int_equal(t[1].branch->to, 4);
    assert_int_equal(t[0].branch->total, 4);
    assert_int_equal(t[1].after_us, t[0].after_us);
    assert_null(t[2].branch);
    assert_string_equal(f->states[1].transitions[0].branch->salt, "k.s1.0");
    const char *whole = json_text(a, out);
    const struct feature *again = feature_of(a, whole);
    assert_string_equal(json_text(a, feature_to_json(a, again, NULL)), whole);
    assert_string_equal(json_text(a, json_get(out, "holdout")), "0.125");
    assert_true(json_equal(json_at(out, "machine"),
                           json_at(json_of(a, text), "machine")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_and_holdouts),
        cmocka_unit_test(reads_everything),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(spells_out_defaults),
        cmocka_unit_test(derives_joins),
        cmocka_unit_test(derives_joins_backwards),
        cmocka_unit_test(null_in_a_trigger),
        cmocka_unit_test(keys),
        cmocka_unit_test(refuses_head),
        cmocka_unit_test(refuses_trigger_and_subject),
        cmocka_unit_test(refuses_conditions),
        cmocka_unit_test(refuses_timing),
        cmocka_unit_test(refuses_machine),
        cmocka_unit_test(text_forms),
        cmocka_unit_test(broken_text),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(names_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
