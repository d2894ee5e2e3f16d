/* failed_events: list, put back, forget; and adopting a copy. */
#include "fixture.h"

#include "target/drain.h"
#include "target/failed.h"

static const char *note_columns[] = {"body"};
static const struct capture notes_insert = {.table = "public.notes",
                                            .op = ROW_INSERT,
                                            .columns = note_columns,
                                            .n_columns = 1};
static const char outbox[] =
    "select coalesce(string_agg(concat_ws(' ', event_type, entity_id,"
    " metadata), '; ' order by id), '') from skene_growth.event_log";

static void
test_put_back(void **state)
{
    struct fixture *f = *state;
    struct failed_event *list;
    struct drained_event *e;
    int64_t back;
    size_t n;

    assert_int_equal(failed_list(f->t, f->a, 5, 0, &list, &n, &f->err),
                     E_NOTFOUND);
    (void)deploy(f, &notes_insert, 1);
    sql(f->user,
        "insert into skene_growth.event_log (event_type, entity_id, metadata,"
        " occurred_at) values ('a.b.insert', '7', '{\"x\": 1}',"
        " '2026-01-02 03:04:05Z')");
    assert_ok(drain_fetch(f->t, f->a, 0, 5, &e, &n, &f->err), &f->err);
    assert_ok(drain_set_aside(f->t, e[0].id, "not readable", &f->err), &f->err);
    /* what rescue() leaves: rows it could not keep, and keys it could */
    sql(f->user, "insert into skene_growth.failed_events (event_type, payload,"
                 " failure_reason) values ('a.c.insert',"
                 " '{\"rows\": [[\"1\", {\"id\": 1}], [\"2\", {\"id\": 2}]]}', "
                 "'no table'),"
                 " ('a.d.insert', '{\"kept_keys_of\": 3}', 'no column')");
    assert_ok(failed_list(f->t, f->a, 5, 0, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].event_type, "a.d.insert");
    assert_string_equal(list[2].reason, "not readable");
    assert_string_equal(list[2].entity_id, "7");
    int64_t first = list[2].id;
    assert_ok(failed_list(f->t, f->a, 5, list[1].id, &list, &n, &f->err),
              &f->err);
    assert_int_equal(n, 1);
    assert_ok(failed_replay(f->t, f->a, first, &back, &f->err), &f->err);
    assert_int_equal(back, 1);
    assert_string_equal(cell(f, f->admin, outbox), "a.b.insert 7 {\"x\": 1}");
    assert_string_equal(cell(f, f->admin,
                             "select occurred_at = '2026-01-02 03:04:05Z' from"
                             " skene_growth.event_log"),
                        "t");
    assert_ok(failed_replay(f->t, f->a, first, &back, &f->err), &f->err);
    assert_int_equal(back, 0);
    assert_ok(failed_replay(f->t, f->a, 0, &back, &f->err), &f->err);
    assert_int_equal(back, 2);
    assert_string_equal(cell(f, f->admin, outbox),
                        "a.b.insert 7 {\"x\": 1}; a.c.insert 1 {\"id\": 1}; "
                        "a.c.insert 2 {\"id\": 2}");
    assert_ok(failed_list(f->t, f->a, 5, 0, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 1); /* its keys are in the log already */
    sql(f->user, "update skene_growth.failed_events set moved_at ="
                 " now() - interval '91 days' where true");
    assert_ok(failed_forget(f->t, 100, &f->err), &f->err);
    assert_ok(failed_list(f->t, f->a, 5, 0, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_ok(failed_forget(f->t, 90, &f->err), &f->err);
    assert_ok(failed_list(f->t, f->a, 5, 0, &list, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
}

static void
test_adopt(void **state)
{
    struct fixture *f = *state;
    const char *epoch, *other;
    int64_t forgotten;

    assert_int_equal(deploy_adopt(f->t, f->a, &forgotten, &f->err), E_NOTFOUND);
    (void)deploy(f, &notes_insert, 1);
    assert_int_equal(deploy_adopt(f->t, f->a, &forgotten, &f->err), E_CONFLICT);
    sql(f->user, "insert into notes values ('x'), ('y')");
    epoch = cell(f, f->admin, "select epoch from skene_growth.config");
    /* what a dump of another database brings along */
    sql(f->user, "update skene_growth.config set home = '1/other' where one");
    f->err = (struct error){0};
    assert_int_equal(drain_start(f->t, f->a, &other, &f->err), E_FORBIDDEN);
    assert_non_null(strstr(f->err.hint, "adopt"));
    assert_ok(deploy_adopt(f->t, f->a, &forgotten, &f->err), &f->err);
    assert_int_equal(forgotten, 2);
    assert_string_equal(cell(f, f->admin, outbox), "");
    assert_ok(drain_start(f->t, f->a, &other, &f->err), &f->err);
    assert_string_not_equal(epoch, other);
    assert_int_equal(deploy(f, &notes_insert, 1), 0);
    struct target_config config = {.conninfo = f->conninfo, .read_only = true};
    struct target *reader;
    assert_ok(target_open(&config, &reader, &f->err), &f->err);
    assert_int_equal(deploy_adopt(reader, f->a, &forgotten, &f->err),
                     E_FORBIDDEN);
    target_close(reader);
}

int
main(void)
{
#define T(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_put_back), T(test_adopt)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
