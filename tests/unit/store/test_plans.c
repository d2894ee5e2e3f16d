/*
 * Which index each statement walks in SQLite. A store of ten million events
 * answers as fast as an empty one only as long as these hold; the planner has
 * no statistics, so that its choice depends on the schema alone.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "base/buf.h"
#include "fixture.h"
#define STORE_SQL_TABLE
#include "store_sql.h"

/* What may be walked as a whole: small tables, and totals. */
static const int scans_allowed[] = {
    STORE_SQL_COUNTS,         STORE_SQL_DEPLOYMENT_LIST,
    STORE_SQL_FEATURE_LIST,   STORE_SQL_INTEGRATION_LIST,
    STORE_SQL_QUEUE_COUNT,    STORE_SQL_QUEUE_LOAD, /* in its order */
    STORE_SQL_RETENTION_FIND,                       /* the queue alone */
    STORE_SQL_RUNS_COUNT,     STORE_SQL_SUPPRESSION_LIST,
    STORE_SQL_WORKSPACE_IDS,
};

static const struct {
    int sql;
    const char *plan; /* part of it */
} wanted[] = {
    {STORE_SQL_ACTIONS_OF_EVENT, "actions_event (event_id=?)"},
    {STORE_SQL_ACTIONS_DUE, "actions_due (due_us<?)"},
    {STORE_SQL_ACTIONS_NEXT_DUE, "actions_due"},
    {STORE_SQL_ACTIONS_LIST, "(workspace_id=? AND id<?)"},
    {STORE_SQL_ACTION_UPDATE, "(workspace_id=? AND id=? AND shard=?)"},
    {STORE_SQL_DECISIONS_OF_EVENT, "decisions_event (event_id=?)"},
    {STORE_SQL_DECISIONS_BEFORE, "(workspace_id=? AND id<?)"},
    {STORE_SQL_DECISIONS_AFTER, "(workspace_id=? AND id>?)"},
    {STORE_SQL_EVENTS_BEFORE, "(workspace_id=? AND id<?)"},
    {STORE_SQL_EVENTS_AFTER, "(workspace_id=? AND id>?)"},
    {STORE_SQL_EVENTS_BEFORE, "decisions_event (event_id=?)"},
    {STORE_SQL_QUEUE_EVENT, "(workspace_id=? AND id=? AND shard=?)"},
    {STORE_SQL_QUEUE_LOAD, "event_queue_held (shard=? AND integration_id=?"},
    {STORE_SQL_RETENTION_FIND, "(workspace_id=? AND id<?)"},
    {STORE_SQL_RUNS_DUE, "runs_due (due_us>? AND due_us<?)"},
    {STORE_SQL_RUNS_OF_ROW, "runs_row (feature_id=? AND row_key=?)"},
    {STORE_SQL_RUNS_OF_SUBJECT,
     "runs_subject (subject_key=? AND feature_id=?)"},
    {STORE_SQL_RUNS_OF_JOURNEY, "runs_subject (subject_key=?)"},
    {STORE_SQL_ENROLMENT_GET, "(subject_key=? AND feature_id=? AND shard=?)"},
};

static void
plan_of(sqlite3 *db, int sql, struct buf *out)
{
    AUTO_BUF text = buf_new((size_t)64 * 1024);
    sqlite3_stmt *s = NULL;

    buf_printf(&text, "explain query plan %s", store_sql_rows[sql].text);
    assert_true(buf_ok(&text));
    if (sqlite3_prepare_v2(db, text.data, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", store_sql_rows[sql].name, sqlite3_errmsg(db));
    buf_reset(out);
    while (sqlite3_step(s) == SQLITE_ROW)
        buf_printf(out, "%s; ", (const char *)sqlite3_column_text(s, 3));
    (void)sqlite3_finalize(s);
}

static bool
scan_allowed(int sql)
{
    for (size_t i = 0; i < COUNT_OF(scans_allowed); i++)
        if (scans_allowed[i] == sql)
            return true;
    return false;
}

static sqlite3 *
schema_of(struct fixture *f)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    return db;
}

static void
test_nothing_scans(void **state)
{
    sqlite3 *db = schema_of(*state);
    AUTO_BUF plan = buf_new((size_t)64 * 1024);

    for (int sql = 0; sql < STORE_SQL_COUNT; sql++) {
        plan_of(db, sql, &plan);
        if (strstr(plan.len ? plan.data : "", "SCAN") && !scan_allowed(sql))
            fail_msg("%s: %s", store_sql_rows[sql].name, plan.data);
    }
    (void)sqlite3_close(db);
}

static void
test_indexes(void **state)
{
    sqlite3 *db = schema_of(*state);
    AUTO_BUF plan = buf_new((size_t)64 * 1024);

    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        plan_of(db, wanted[i].sql, &plan);
        if (!strstr(plan.data, wanted[i].plan))
            fail_msg("%s: wants %s, got %s", store_sql_rows[wanted[i].sql].name,
                     wanted[i].plan, plan.data);
    }
    (void)sqlite3_close(db);
}

/* The same file by another name is the same store. */
static void
test_other_spelling(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;
    struct error err = {0};
    char path[200];

    const char *base = strrchr(f->path, '/');
    (void)snprintf(path, sizeof(path), "%s/.%s", f->folder, base);
    assert_int_equal(store_open(path, &second, &err), E_CONFLICT);
    assert_null(second);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_scans, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_indexes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_other_spelling, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
