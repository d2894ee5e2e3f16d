#include "fixture.h"

#include "base/clock.h"

static void
test_tables(void **state)
{
    struct fixture *f = *state;
    static const char *const full[] = {"auth.users", "public.members",
                                       "public.notes", "public.profiles",
                                       "public.projects"};

    assert_int_equal(f->c->n_tables, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(f->c->tables[i].full, full[i]);
    const struct table *users = catalog_table(f->c, "auth.users");
    assert_string_equal(users->owner, "supabase_auth_admin");
    assert_int_equal(users->kind, 'r');
    assert_int_equal(users->n_columns, 5);
    const struct table *members = catalog_table(f->c, "public.members");
    assert_int_equal(members->n_key, 2);
    assert_string_equal(members->key[0], "org");
    assert_string_equal(members->key[1], "person");
    assert_int_equal(catalog_table(f->c, "public.notes")->n_key, 0);
}

static void
test_columns(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum column_type type;
    } cases[] = {
        {"id", COLUMN_UUID},
        {"full_name", COLUMN_TEXT},
        {"meta", COLUMN_JSON},
        {"plan", COLUMN_ENUM},
        {"score", COLUMN_NUMERIC},
        {"logins", COLUMN_INT},
        {"active", COLUMN_BOOL},
        {"tags", COLUMN_OTHER},
        {"created_at", COLUMN_TIMESTAMP},
    };
    const struct table *t = catalog_table(f->c, "public.profiles");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct column *c = table_column(t, cases[i].name);
        assert_non_null(c);
        assert_int_equal(c->type, cases[i].type);
    }
    const struct column *plan = table_column(t, "plan");
    assert_true(plan->not_null);
    assert_string_equal(plan->enum_values[0], "free");
    assert_string_equal(plan->enum_values[1], "pro");
    assert_null(plan->enum_values[2]);
    assert_non_null(strstr(plan->default_expr, "'free'"));
    assert_string_equal(table_created_column(t), "created_at");
}

static void
test_foreign_keys(void **state)
{
    struct fixture *f = *state;
    const struct table *t = catalog_table(f->c, "public.projects");
    const struct foreign_key *fk = table_fk(t, "owner_id");

    assert_non_null(fk);
    assert_string_equal(fk->table, "public.profiles");
    assert_string_equal(fk->key, "id");
    assert_false(fk->implied);
}

static void
test_platform_schemas_are_hidden(void **state)
{
    struct fixture *f = *state;

    sql(f->admin, "create schema storage; create table storage.objects(id int);"
                  "grant usage on schema storage to saas_admin;"
                  "create table auth.sessions(id int);"
                  "create schema hidden; create table hidden.t(id int);"
                  "create view public.people as select id from auth.users;"
                  "create table public.parts(id int) partition by range(id);"
                  "create table public.parts1 partition of public.parts"
                  " for values from (1) to (10);");
    introspect_again(f);
    assert_null(catalog_table(f->c, "storage.objects"));
    assert_null(catalog_table(f->c, "auth.sessions"));
    assert_null(catalog_table(f->c, "hidden.t"));
    assert_null(catalog_table(f->c, "public.parts1"));
    assert_int_equal(catalog_table(f->c, "public.people")->kind, 'v');
    assert_int_equal(catalog_table(f->c, "public.parts")->kind, 'p');
    assert_ok(introspect(f->t, f->a, true, &f->c, &f->err), &f->err);
    assert_non_null(catalog_table(f->c, "storage.objects"));
    assert_non_null(catalog_table(f->c, "auth.sessions"));
    assert_non_null(catalog_table(f->c, "public.parts1"));
    assert_null(catalog_table(f->c, "hidden.t"));
    assert_null(catalog_table(f->c, "pg_catalog.pg_class"));
}

static void
test_odd_names(void **state)
{
    struct fixture *f = *state;

    sql(f->user, "create table public.\"Odd \"\"Name\" (\"a b\" int primary"
                 " key, \"sélect\" text)");
    introspect_again(f);
    const struct table *t = catalog_table(f->c, "public.Odd \"Name");
    assert_non_null(t);
    assert_string_equal(t->key[0], "a b");
    assert_non_null(table_column(t, "sélect"));
}

static bool
listed(const char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

static void
test_partitions_and_publications(void **state)
{
    struct fixture *f = *state;

    sql(f->admin, "create table public.parts(id int) partition by range(id);"
                  "create table public.parts1 partition of public.parts"
                  " for values from (1) to (10);"
                  "create publication one for table public.notes,"
                  " public.parts;"
                  "create publication every for all tables;");
    assert_ok(introspect(f->t, f->a, true, &f->c, &f->err), &f->err);
    const struct table *parts = catalog_table(f->c, "public.parts");
    const struct table *part = catalog_table(f->c, "public.parts1");
    assert_null(parts->parent);
    assert_string_equal(part->parent, "public.parts");
    assert_true(listed(parts->publications, "one"));
    assert_true(listed(parts->publications, "every"));
    const struct table *notes = catalog_table(f->c, "public.notes");
    assert_string_equal(notes->publications[0], "every");
    assert_string_equal(notes->publications[1], "one");
    assert_null(notes->publications[2]);
    const struct table *users = catalog_table(f->c, "auth.users");
    assert_true(listed(users->publications, "every"));
    assert_false(listed(users->publications, "one"));
    assert_true(listed(f->c->extensions, "plpgsql"));
}

static void
test_triggers_rights_and_row_security(void **state)
{
    struct fixture *f = *state;
    static const char *body[] = {"body"};
    static const struct capture insert = {.table = "public.notes",
                                          .op = ROW_INSERT,
                                          .columns = body,
                                          .n_columns = 1};

    (void)deploy(f, &insert, 1);
    sql(f->admin, "create function public.noop() returns trigger language"
                  " plpgsql as 'begin return new; end';"
                  "create trigger zz before insert on public.notes for each"
                  " row execute function public.noop();"
                  "create trigger aa before update on public.notes for each"
                  " row execute function public.noop();"
                  "alter table public.notes enable row level security;"
                  "create table public.locked (id int);"
                  "grant insert on public.locked to saas_admin;");
    introspect_again(f);
    const struct table *notes = catalog_table(f->c, "public.notes");
    assert_string_equal(notes->triggers[0], "aa");
    assert_string_equal(notes->triggers[1], "zz");
    assert_null(notes->triggers[2]); /* ours is not listed */
    assert_true(notes->row_security);
    assert_int_equal(notes->rights, RIGHTS_KNOWN | RIGHT_SELECT | RIGHT_INSERT |
                                        RIGHT_TRIGGER);
    const struct table *locked = catalog_table(f->c, "public.locked");
    assert_int_equal(locked->rights, RIGHTS_KNOWN | RIGHT_INSERT);
    assert_false(locked->row_security);
    assert_null(locked->parent);
}

static void
test_two_thousand_tables(void **state)
{
    struct fixture *f = *state;

    for (int part = 0; part < 4; part++)
        sql(f->user,
            "do $$ declare n int := (select count(*) from pg_class where"
            " relname like 'many%' and relkind = 'r'); begin"
            " for i in n + 1 .. n + 500 loop execute format('create table"
            " public.many%s (id int primary key, a text, b int, c"
            " timestamptz, d uuid, e jsonb, f boolean, g numeric)', i);"
            " end loop; end $$");
    int64_t start_us = clock_mono_us();
    introspect_again(f);
    int64_t took_us = clock_mono_us() - start_us;
    assert_true(f->c->n_tables >= 2000);
    print_message("2,000 tables in %lld ms\n",
                  (long long)(took_us / US_PER_MS));
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(took_us < US_PER_S);
#endif
}

static void
test_status(void **state)
{
    struct fixture *f = *state;
    struct target_status s;

    assert_ok(target_status_get(f->t, f->a, clock_now_us(NULL), &s, &f->err),
              &f->err);
    assert_false(s.deployed || s.event_log || s.config || s.superuser);
    assert_true(s.can_create_schema);
    assert_string_equal(s.role, "saas_admin");
    assert_string_equal(s.epoch, "");
    (void)deploy(f, NULL, 0);
    sql(f->user, "insert into skene_growth.event_log (event_type,"
                 " occurred_at) values ('x.y.insert', now() - interval '9s')");
    assert_ok(target_status_get(f->t, f->a, clock_now_us(NULL), &s, &f->err),
              &f->err);
    assert_true(s.deployed && s.event_log && s.failed_events && s.config &&
                s.enrich && s.capture_on && s.home_ok);
    assert_int_equal(s.backlog, 1);
    assert_int_equal(s.triggers, 0);
    assert_true(s.oldest_us >= 9 * US_PER_S);
    assert_true(llabs(s.clock_skew_us) < 5 * US_PER_S);
    assert_int_equal(strlen(s.epoch), 36);
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_tables),
        T(test_columns),
        T(test_foreign_keys),
        T(test_platform_schemas_are_hidden),
        T(test_odd_names),
        T(test_partitions_and_publications),
        T(test_triggers_rights_and_row_security),
        T(test_two_thousand_tables),
        T(test_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
