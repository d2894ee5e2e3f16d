/* Pictures of a machine: same document, same picture. */
#include "saas.h"

#include "core/diagram.h"

static const char drip_text[] =
    "{'version':1,'name':'A <drip> & more','stage':'onboarding','trigger':{"
    "'type':'row','table':'auth.users','op':'insert'},'subject':{'table':"
    "'auth.users','id':'id','email':'email'},'entry':{'mode':'once'},"
    "'exit':[{'table':'public.tasks','link':'creator_id','op':'gte','value':"
    "1,'within':'entry'}],'machine':{'initial':'s0','states':{'s0':{"
    "'transitions':[{'effects':[{'type':'email','template':'welcome'}],"
    "'target':'s1'}]},'s1':{'transitions':[{'on':'match','guard':[{'path':"
    "'email','op':'eq','value':'ä\"ß'}],'target':'done'},{'after':'P2D',"
    "'guard':[{'table':'public.projects','link':'owner_id','op':'eq','value'"
    ":0},{'any':[{'path':'created_at','op':'older_than','value':'P1D'},{"
    "'path':'email','op':'is_null'}]}],'effects':[{'type':'email'},{'type':"
    "'track','event':'e'}],'target':'s0'},{'after':'P3D','target':'done'}]},"
    "'done':{'final':true}}}}";

/* drip_text holds a JSON-escaped quote, which quoted() must not touch. */
static const struct feature *
drip(struct arena *a)
{
    char *text = arena_strdup(a, drip_text);
    struct json *j = NULL;
    struct feature *f = NULL;
    struct error err = {0};
    AUTO_BUF out = buf_new(65536);

    for (const char *p = text; *p; p++)
        if (*p == '"')
            buf_puts(&out, "\\\"");
        else
            buf_putc(&out, *p == '\'' ? '"' : *p);
    if (json_parse(a, out.data, out.len, TEST_BYTES, &j, &err) != OK ||
        feature_parse(a, j, &f, &err) != OK)
        broken("%s", err.msg);
    return f;
}

static void
text(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);

    (void)state;
    diagram_text(&out, drip(a));
    assert_string_equal(
        out.data,
        "(insert of auth.users)\n"
        "  -> [s0]\n"
        "[s0]\n"
        "  -- at once: email welcome --> [s1]\n"
        "[s1]\n"
        "  -- on match, if email = 'ä\"ß' --> ((done))\n"
        "  -- after 2 days, if count of public.projects = 0 and created_at "
        "older than 'P1D' or email is null: email, track e --> [s0]\n"
        "  -- after 3 days --> ((done))\n"
        "exit when count of public.tasks >= 1 since entry\n");
}

static void
mermaid(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);

    (void)state;
    diagram_mermaid(&out, drip(a));
    assert_ptr_equal(strstr(out.data, "stateDiagram-v2\n"), out.data);
    assert_non_null(strstr(out.data, "[*] --> s0: insert of auth.users\n"));
    assert_non_null(strstr(out.data, "s0 --> s1: at once#58; email "
                                     "welcome\n"));
    assert_non_null(strstr(out.data, "done --> [*]\n"));
    assert_non_null(strstr(out.data, "'ä#34;ß'"));
}

static void
svg(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF one = buf_new(65536), two = buf_new(65536);
    size_t open = 0, close = 0;

    (void)state;
    diagram_svg(&one, drip(a));
    diagram_svg(&two, drip(a));
    assert_true(buf_ok(&one));
    assert_string_equal(one.data, two.data);
    assert_non_null(strstr(one.data, "<title>A &lt;drip&gt; &amp; more"
                                     "</title>"));
    assert_non_null(strstr(one.data, "class=\"final\""));
    for (const char *p = one.data; (p = strstr(p, "<text")); p++)
        open++;
    for (const char *p = one.data; (p = strstr(p, "</text>")); p++)
        close++;
    /* trigger and three states; the arrow in and four transitions */
    assert_int_equal(open, 9);
    assert_int_equal(close, 9);
}

/* A long label is cut between characters, never inside one. */
static void
cut_labels(void **state)
{
    (void)state;
    for (int pad = 0; pad < 4; pad++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        AUTO_BUF out = buf_new(65536);
        const char *doc = arena_printf(
            a,
            "{'version':1,'stage':'virality','trigger':{" TASKS
            "},'subject':{" OWNER "},'entry':{'mode':'every'},'machine':{"
            "'initial':'s','states':{'s':{'transitions':[{'effects':[{'type':"
            "'track','event':'%.*säöüäöüäöüäöüäöüäöü'}],'target':'d'}]},"
            "'d':{'final':true}}}}",
            pad, "xxx");
        diagram_svg(&out, feature_of(a, doc));
        assert_non_null(strstr(out.data, "…</text>"));
        const char *cut = strstr(out.data, "…</text>");
        assert_true(cut[-1] != '\xc3');
    }
}

static void
schedule_words(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);

    (void)state;
    diagram_text(&out,
                 feature_of(a, DOC("'type':'schedule','table':"
                                   "'auth.users','cron':'0 9 * * *'",
                                   "'table':'auth.users','id':'id'", "")));
    assert_non_null(strstr(out.data, "(schedule 0 9 * * * over auth.users)\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(mermaid),
        cmocka_unit_test(svg),
        cmocka_unit_test(cut_labels),
        cmocka_unit_test(schedule_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
