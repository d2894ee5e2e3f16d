/* Message templates and whole messages (docs/spec.md M13). */
#include "saas.h"

#include "core/template.h"

static const char context_text[] =
    "{'name':'Ada','empty':'','none':null,'n':3,'yes':true,'no':false,"
    "'at':'2026-11-24T09:00:00.5Z','list':['a','b'],'nothing':[],"
    "'items':[{'t':'x'},{'t':'y'}],'subject':{'email':'a@b.c'},"
    "'evil':'<b>&[x](https://evil.example)**\\n# h'}";

static enum status
render(struct arena *a, const char *text, bool html, struct buf *out,
       struct error *err)
{
    struct template *t = NULL;
    enum status rc = template_parse(a, text, strlen(text), &t, err);

    return rc == OK
               ? template_render(t, json_of(a, context_text), html, out, err)
               : rc;
}

static void
renders(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"plain { } % text", "plain { } % text"},
        {"Hi {{ name }}!", "Hi Ada!"},
        {"{{name}}{{ name }}", "AdaAda"},
        {"{{ subject.email }}", "a@b.c"},
        {"{{ list.1 }}", "b"},
        {"{{ n }} {{ yes }}", "3 true"},
        {"{{ gone | default: \"you\" }}", "you"},
        {"{{ gone | default: 'a|b' }}", "a|b"},
        {"{{ empty | default: \"you\" }}", "you"},
        {"{{ none | default: \"\" }}", ""},
        {"{{ name | default: \"you\" }}", "Ada"},
        {"{{ name | upcase }} {{ name | downcase }}", "ADA ada"},
        {"{{ subject.email | capitalize }}", "A@b.c"},
        {"{{ gone | default: \"you\" | upcase }}", "you"},
        {"{{ at | date }}", "2026-11-24"},
        {"{{ name | date }}", "Ada"},
        {"{% if name %}yes{% endif %}", "yes"},
        {"{% if gone %}yes{% else %}no{% endif %}", "no"},
        {"{% if no %}y{% else %}n{% endif %}", "n"},
        {"{% if nothing %}y{% else %}n{% endif %}", "n"},
        {"{% if empty %}y{% endif %}.", "."},
        {"{% for i in items %}{{ i.t }},{% endfor %}", "x,y,"},
        {"{% for i in gone %}{{ i }}{% endfor %}", ""},
        {"{% for i in name %}{{ i }}{% endfor %}", ""},
        {"{% for i in items %}{% for k in list %}{{ i.t }}{{ k }} "
         "{% endfor %}{% endfor %}",
         "xa xb ya yb "},
        {"{% for name in list %}{{ name }}{% endfor %}{{ name }}", "abAda"},
        {"{%if name%}tight{%endif%}", "tight"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        AUTO_BUF out = buf_new(65536);
        struct error err = {0};
        if (render(a, cases[i].text, false, &out, &err) != OK ||
            strcmp(out.data, cases[i].want) != 0)
            broken("%s: '%s' %s", cases[i].text, out.data, err.msg);
    }
}

static void
values_are_inert(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(65536);
    struct error err = {0};

    (void)state;
    assert_int_equal(render(a, "<i>{{ evil }}</i>", true, &out, &err), OK);
    assert_memory_equal(out.data, "<i>&#60;b&#62;&#38;&#91;x&#93;", 29);
    assert_null(strpbrk(out.data + 3, "[*\n"));
}

static void
refuses(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{{ name", "line 1: {{ without }}"},
        {"a\nb\n{% if name", "line 3: {% without %}"},
        {"{{ }}", "a variable is a path"},
        {"{{ a b }}", "a variable is a path"},
        {"{{ name | shout }}", "unknown filter"},
        {"{{ name | default: you }}", "quoted text"},
        {"{% if name %}", "not closed"},
        {"{% for i in list %}", "not closed"},
        {"{% if %}x{% endif %}", "unknown tag"},
        {"{% if a b %}x{% endif %}", "if takes a path"},
        {"{% for i list %}{% endfor %}", "for takes"},
        {"{% for a.b in list %}{% endfor %}", "for takes"},
        {"{% endif %}", "unknown tag"},
        {"{% else %}", "unknown tag"},
        {"{% include 'x' %}", "unknown tag"},
        {"{% assign a = 1 %}", "unknown tag"},
        {"one\n{{ gone }}", "line 2: 'gone' is not known here"},
        {"{{ none }}", "'none' is not known here"},
        {"{{ empty }}", "'empty' is not known here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        AUTO_BUF out = buf_new(65536);
        struct error err = {0};
        enum status rc = render(a, cases[i].text, false, &out, &err);
        if (rc != E_INVALID || !strstr(err.msg, cases[i].message))
            broken("%s: %d %s", cases[i].text, (int)rc, err.msg);
    }
}

static void
limits(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF deep = buf_new(65536), many = buf_new(1 << 20);
    AUTO_BUF small = buf_new(64), out = buf_new(1 << 20);
    struct template *t = NULL;
    struct error err = {0};
    char *big = arena_alloc(a, TEMPLATE_MAX_BYTES + 2);

    (void)state;
    memset(big, 'x', TEMPLATE_MAX_BYTES + 1);
    assert_int_equal(template_parse(a, big, TEMPLATE_MAX_BYTES + 1, &t, &err),
                     E_TOOBIG);
    for (int i = 0; i < TEMPLATE_MAX_DEPTH + 2; i++)
        buf_puts(&deep, "{% if name %}");
    assert_int_equal(render(a, deep.data, false, &out, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "nested too deep"));
    for (int i = 0; i < 5000; i++)
        buf_puts(&many, "{{ name }}");
    assert_int_equal(render(a, many.data, false, &out, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "too long"));
    buf_reset(&many);
    for (int i = 0; i < 20; i++)
        buf_puts(&many, "{{ name }} and so on");
    assert_int_equal(render(a, many.data, false, &small, &err), E_TOOBIG);
}

static void
endless_rounds(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_BUF out = buf_new(1 << 20);
    const char *text = "{% for a in l %}{% for b in l %}{% for c in l %}."
                       "{% endfor %}{% endfor %}{% endfor %}";
    struct json *list = json_array(a);
    struct template *t = NULL;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        list = json_push(a, list, json_integer(a, i));
    struct json *context = json_put(a, json_object(a), "l", list);
    assert_int_equal(template_parse(a, text, strlen(text), &t, &err), OK);
    assert_int_equal(template_render(t, context, false, &out, &err), E_TOOBIG);
}

/* ---- messages ---- */

static enum status
message(struct arena *a, const char *text, struct mail_content *out,
        struct error *err)
{
    struct message m;
    enum status rc = message_parse(a, "hello", text, strlen(text), &m, err);

    return rc == OK ? message_render(a, &m, json_of(a, context_text), out, err)
                    : rc;
}

static void
whole_message(void **state)
{
    static const char text[] = "---\n"
                               "subject: Hi {{ name }}\n"
                               "---\n"
                               "# Welcome {{ name }}\n"
                               "\n"
                               "Some **bold** words, <script>x</script>\n"
                               "and [a link](https://example.com/{{ n }}).\n";
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct mail_content m;
    struct error err = {0};

    (void)state;
    if (message(a, text, &m, &err) != OK)
        broken("%s", err.msg);
    assert_string_equal(m.subject, "Hi Ada");
    assert_string_equal(m.html,
                        "<h1>Welcome Ada</h1>\n"
                        "<p>Some <strong>bold</strong> words, "
                        "&lt;script&gt;x&lt;/script&gt;\n"
                        "and <a href=\"https://example.com/3\">a link</a>."
                        "</p>\n");
    assert_string_equal(m.text, "Welcome Ada\n"
                                "\n"
                                "Some bold words, <script>x</script>\n"
                                "and a link (https://example.com/3).\n");
}

static void
value_is_no_markup(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct mail_content m;
    struct error err = {0};

    (void)state;
    if (message(a, "---\nsubject: {{ evil }}\n---\nHi {{ evil }}, bye\n", &m,
                &err) != OK)
        broken("%s", err.msg);
    assert_null(strpbrk(m.subject, "\r\n"));
    assert_null(strstr(m.html, "<a "));
    assert_null(strstr(m.html, "<b>"));
    assert_null(strstr(m.html, "<h1>"));
    assert_non_null(strstr(m.html, "&lt;b&gt;&amp;[x](https://evil.example)"
                                   "**"));
    /* The text part carries the value as it is. */
    assert_non_null(strstr(m.text, "<b>&[x](https://evil.example)**"));
}

static void
links(void **state)
{
    static const struct {
        const char *body;
        bool fine;
    } cases[] = {
        {"[a](https://example.com)", true},
        {"[a](mailto:a@b.c)", true},
        {"[a](#top)", true},
        {"[a](http://example.com/?a=1&b=2)", true},
        {"[a](javascript:alert)", false},
        {"[a](&#106;avascript:alert)", false},
        {"[a](data:text/html,x)", false},
        {"[a](/relative)", false},
        {"![i](file:///etc/passwd)", false},
        {"![i](https://example.com/i.png)", true},
        {"[a]({{ subject.email }})", false},
        {"<javascript:x>", false},
        {"[a][r]\n\n[r]: javascript:x", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct mail_content m;
        struct error err = {0};
        const char *text =
            arena_printf(a, "---\nsubject: s\n---\n%s\n", cases[i].body);
        enum status rc = message(a, text, &m, &err);
        if (rc != (cases[i].fine ? OK : E_INVALID))
            broken("%s: %d %s", cases[i].body, (int)rc, err.msg);
    }
}

static void
heads(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "begins with ---"},
        {"Hello", "begins with ---"},
        {"---\nsubject: x\n", "not closed"},
        {"---\nfrom: x\n---\nb", "'from: x'"},
        {"---\nsubject:\n---\nb", "needs a subject"},
        {"---\nsubject: {{ gone }}\n---\nb", "message hello: line 1"},
        {"---\nsubject: x\n---\n{{ gone }}", "'gone' is not known here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct mail_content m;
        struct error err = {0};
        enum status rc = message(a, cases[i].text, &m, &err);
        if (rc != E_INVALID || !strstr(err.msg, cases[i].message))
            broken("%s: %d %s", cases[i].text, (int)rc, err.msg);
    }
}

static void
windows_lines(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct mail_content m;
    struct error err = {0};

    (void)state;
    assert_int_equal(message(a, "---\r\nsubject: s\r\n---\r\nHi\r\n", &m, &err),
                     OK);
    assert_string_equal(m.subject, "s");
    assert_string_equal(m.html, "<p>Hi</p>\n");
}

static void
premade_messages(void **state)
{
    static const char *const names[] = {"welcome", "getting-started",
                                        "feedback", "re-engagement"};
    static const char link[] = "https://x.example/u/1";

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        const char *text =
            template_file(a, arena_printf(a, "messages/%s.md", names[i]));
        struct message m;
        struct mail_content bare, full;
        struct error err = {0};
        /* A row without a name, and a server without a public address. */
        if (message_parse(a, names[i], text, strlen(text), &m, &err) != OK ||
            message_render(a, &m, json_of(a, "{}"), &bare, &err) != OK ||
            message_render(a, &m,
                           json_of(a, "{'full_name':'Ada','workspace':{"
                                      "'name':'Acme & Co'},'unsubscribe_url'"
                                      ":'https://x.example/u/1'}"),
                           &full, &err) != OK)
            broken("%s: %s", names[i], err.msg);
        assert_null(strstr(bare.html, "nsubscribe"));
        assert_non_null(strstr(full.html, "Acme &amp; Co"));
        assert_non_null(strstr(full.html, "href=\"https://x.example/u/1\""));
        assert_non_null(strstr(full.text, link));
        assert_non_null(strstr(full.html, "Ada"));
        assert_null(strstr(full.html, "{{"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders),
        cmocka_unit_test(values_are_inert),
        cmocka_unit_test(refuses),
        cmocka_unit_test(limits),
        cmocka_unit_test(endless_rounds),
        cmocka_unit_test(whole_message),
        cmocka_unit_test(value_is_no_markup),
        cmocka_unit_test(links),
        cmocka_unit_test(heads),
        cmocka_unit_test(windows_lines),
        cmocka_unit_test(premade_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
