#include "saas.h"

static void
types(void **state)
{
    static const struct {
        const char *name;
        bool has_enum;
        enum column_type want;
    } cases[] = {
        {"boolean", false, COLUMN_BOOL},
        {"integer", false, COLUMN_INT},
        {"bigint", false, COLUMN_INT},
        {"numeric(10,2)", false, COLUMN_NUMERIC},
        {"double precision", false, COLUMN_NUMERIC},
        {"character varying(255)", false, COLUMN_TEXT},
        {"citext", false, COLUMN_TEXT},
        {"extensions.citext", false, COLUMN_TEXT},
        {"bpchar", false, COLUMN_TEXT},
        {"uuid", false, COLUMN_UUID},
        {"timestamp with time zone", false, COLUMN_TIMESTAMP},
        {"timestamp without time zone", false, COLUMN_TIMESTAMP},
        {"date", false, COLUMN_DATE},
        {"jsonb", false, COLUMN_JSON},
        {"task_status", true, COLUMN_ENUM},
        {"task_status", false, COLUMN_OTHER},
        {"text[]", false, COLUMN_OTHER},
        {"bytea", false, COLUMN_OTHER},
        {"interval", false, COLUMN_OTHER},
        {"integer_range", false, COLUMN_OTHER},
        {"datemultirange", false, COLUMN_OTHER},
        {"int4range", false, COLUMN_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (column_type_of(cases[i].name, cases[i].has_enum) != cases[i].want)
            broken("%s", cases[i].name);
}

static void
secrets(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"encrypted_password", true},
        {"Password", true},
        {"api_key", true},
        {"confirmation_token", true},
        {"client_secret", true},
        {"token", true},
        {"key", false},
        {"email", false},
        {"pass_count", false},
        {"tokens_used", false},
        {"max_tokens", false},
        {"token_count", false},
        {"refresh_tokens", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (column_is_secret(cases[i].name) != cases[i].want)
            broken("%s", cases[i].name);
}

static void
lookups(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct catalog *c = saas(a);
    const struct table *tasks = catalog_table(c, "public.tasks");

    (void)state;
    assert_non_null(tasks);
    assert_null(catalog_table(c, "public.task"));
    assert_int_equal(table_column(tasks, "status")->type, COLUMN_ENUM);
    assert_string_equal(table_column(tasks, "status")->enum_values[3], "done");
    assert_null(table_column(tasks, "Status"));
    assert_string_equal(catalog_nearest_table(c, "public.task"),
                        "public.tasks");
    assert_string_equal(catalog_nearest_table(c, "public.porjects"),
                        "public.projects");
    assert_null(catalog_nearest_table(c, "billing.ledger_entries_archive"));
    assert_string_equal(table_nearest_column(tasks, "creater_id"),
                        "creator_id");
    assert_null(table_nearest_column(tasks, "weight"));
}

static void
foreign_keys(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct catalog *c = saas(a);
    const struct table *tasks = catalog_table(c, "public.tasks");
    const struct foreign_key *declared = table_fk(tasks, "creator_id");
    const struct foreign_key *implied = table_fk(tasks, "project_id");

    (void)state;
    assert_string_equal(declared->table, "public.profiles");
    assert_false(declared->implied);
    assert_non_null(implied);
    assert_string_equal(implied->table, "public.projects");
    assert_string_equal(implied->key, "id");
    assert_true(implied->implied);
    assert_null(table_fk(tasks, "title"));
    assert_null(table_fk(tasks, "id"));
}

static const char roles_text[] =
    "{'tables':["
    "{'schema':'public','name':'users','columns':["
    " {'name':'id','type':'uuid'}],'key':['id']},"
    "{'schema':'public','name':'companies','columns':["
    " {'name':'id','type':'uuid'}],'key':['id']},"
    "{'schema':'public','name':'notes','columns':["
    " {'name':'id','type':'uuid'},{'name':'author_id','type':'uuid'},"
    " {'name':'billing_user_id','type':'uuid'},"
    " {'name':'company_id','type':'uuid'},{'name':'note_id','type':'uuid'},"
    " {'name':'external_id','type':'text'}],'key':['id']}]}";

static void
roles(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    struct catalog *c = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(catalog_from_json(a, json_of(a, roles_text), &c, &err),
                     OK);
    const struct table *notes = catalog_table(c, "public.notes");
    assert_string_equal(table_fk(notes, "author_id")->table, "public.users");
    assert_string_equal(table_fk(notes, "billing_user_id")->table,
                        "public.users");
    assert_string_equal(table_fk(notes, "company_id")->table,
                        "public.companies");
    assert_null(table_fk(notes, "external_id"));
}

static void
created_column(void **state)
{
    static const struct {
        const char *columns, *want;
    } cases[] = {
        {"{'name':'created_at','type':'timestamp with time zone'}",
         "created_at"},
        {"{'name':'inserted_at','type':'timestamp with time zone'},"
         "{'name':'at','type':'date'}",
         "inserted_at"},
        {"{'name':'joined','type':'timestamp with time zone',"
         "'default':'now()'}",
         "joined"},
        {"{'name':'joined','type':'timestamp with time zone',"
         "'default':'now()'},{'name':'seen','type':'timestamp with time zone'"
         ",'default':'CURRENT_TIMESTAMP'}",
         NULL},
        {"{'name':'created_at','type':'text'}", NULL},
        {"{'name':'seen','type':'timestamp with time zone'}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct catalog *c = NULL;
        struct error err = {0};
        const char *text = arena_printf(
            a, "{'tables':[{'schema':'s','name':'t','columns':[%s]}]}",
            cases[i].columns);
        assert_int_equal(catalog_from_json(a, json_of(a, text), &c, &err), OK);
        const char *got = table_created_column(catalog_table(c, "s.t"));
        if (!cases[i].want)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
    }
}

static void
json_round_trip(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    const struct json *given = json_of(a, saas_text);
    struct json *once = catalog_to_json(a, saas(a));
    struct catalog *again = NULL;
    struct error err = {0};

    (void)state;
    assert_true(json_equal(once, given));
    assert_int_equal(catalog_from_json(a, once, &again, &err), OK);
    assert_true(json_equal(catalog_to_json(a, again), once));
    assert_true(
        table_fk(catalog_table(again, "public.tasks"), "project_id")->implied);
}

static void
json_errors(void **state)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"{}", "tables"},
        {"[]", "tables"},
        {"{'tables':[{}]}", "tables[0].schema"},
        {"{'tables':[{'schema':'s'}]}", "tables[0].name"},
        {"{'tables':['x']}", "tables[0].schema"},
        {"{'tables':[{'schema':'s','name':'t','columns':[{'name':'c'}]}]}",
         "columns[0].type"},
        {"{'tables':[{'schema':'s','name':'t','columns':[],"
         "'foreign_keys':[{'column':'c'}]}]}",
         "foreign_keys[0].column, table, key"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_ARENA a = arena_new(TEST_BYTES);
        struct catalog *c = NULL;
        struct error err = {0};
        assert_int_equal(
            catalog_from_json(a, json_of(a, cases[i].text), &c, &err), E_INPUT);
        assert_string_equal(err.field, cases[i].field);
    }
}

static void
full_arena(void **state)
{
    AUTO_ARENA a = arena_new(TEST_BYTES);
    AUTO_ARENA small = arena_new(600);
    struct catalog *c = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(catalog_from_json(small, json_of(a, saas_text), &c, &err),
                     E_NOMEM);
}

/* What older JSON lacks: read back when there, left out when empty. */
static void
optional_fields(void **state)
{
    static const char text[] =
        "{\"tables\":[{\"schema\":\"p\",\"name\":\"t\",\"kind\":\"r\","
        "\"rows\":-1,\"columns\":[],\"key\":[],\"foreign_keys\":[],"
        "\"partition_of\":\"p.all\",\"publications\":[\"x\",\"y\"],"
        "\"triggers\":[\"z\"],\"row_security\":true,"
        "\"rights\":[\"select\",\"trigger\"]},"
        "{\"schema\":\"p\",\"name\":\"u\",\"kind\":\"r\",\"rows\":-1,"
        "\"columns\":[],\"key\":[],\"foreign_keys\":[],\"rights\":[]},"
        "{\"schema\":\"p\",\"name\":\"w\",\"kind\":\"r\",\"rows\":-1,"
        "\"columns\":[],\"key\":[],\"foreign_keys\":[]}],"
        "\"extensions\":[\"citext\"],\"notes\":[\"n\"]}";
    AUTO_ARENA a = arena_new(1024 * 1024);
    struct json *j = NULL;
    struct catalog *c = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(json_parse(a, text, strlen(text), 4096, &j, &err), OK);
    assert_int_equal(catalog_from_json(a, j, &c, &err), OK);
    const struct table *t = &c->tables[0];
    assert_string_equal(t->parent, "p.all");
    assert_string_equal(t->publications[1], "y");
    assert_null(t->publications[2]);
    assert_string_equal(t->triggers[0], "z");
    assert_true(t->row_security);
    assert_int_equal(t->rights, RIGHTS_KNOWN | RIGHT_SELECT | RIGHT_TRIGGER);
    assert_int_equal(c->tables[1].rights, RIGHTS_KNOWN);
    assert_int_equal(c->tables[2].rights, 0);
    assert_string_equal(c->extensions[0], "citext");
    assert_string_equal(json_text(a, catalog_to_json(a, c)), text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),           cmocka_unit_test(secrets),
        cmocka_unit_test(lookups),         cmocka_unit_test(foreign_keys),
        cmocka_unit_test(roles),           cmocka_unit_test(created_column),
        cmocka_unit_test(json_round_trip), cmocka_unit_test(json_errors),
        cmocka_unit_test(full_arena),      cmocka_unit_test(optional_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
