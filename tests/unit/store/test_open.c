/* Opening: the lock, migrations, what a newer program left, a full disk. */
#include "fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store_tx.h"

enum { PAGES_MAX = 1073741823 };

static void
test_files(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct store *s = NULL;
    struct stat st;
    char path[120];

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(store_bytes(f->s) > 0);
    (void)snprintf(path, sizeof(path), "sqlite:%s/more/deep.db", f->folder);
    assert_ok(store_open(path, &s, &err), &err);
    store_close(s);
    (void)snprintf(path, sizeof(path), "%s/more", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    static const char *const left[] = {"/deep.db", "/deep.db.lock", ""};
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        (void)snprintf(path, sizeof(path), "%s/more%s", f->folder, left[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void
test_refused(void **state)
{
    static const struct {
        const char *url, *says;
        enum status rc;
    } cases[] = {
        {"postgres://db/x", "only sqlite:PATH", E_INPUT},
        {"", "no path", E_INPUT},
        {"sqlite:", "no path", E_INPUT},
        {"/dev/null/x.db", "/dev/null", E_IO},
        {"/tmp", "/tmp", E_STORE},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct store *s = NULL;
        assert_int_equal(store_open(cases[i].url, &s, &err), cases[i].rc);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_null(s);
    }
    (void)unlink("/tmp.lock");
}

static void
test_damaged(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct store *s = NULL;
    char path[120];

    (void)snprintf(path, sizeof(path), "%s/bad.db", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++)
        (void)fputs("not a database ", file);
    (void)fclose(file);
    assert_int_equal(store_open(path, &s, &err), E_STORE);
    assert_non_null(strstr(err.hint, "backup"));
    assert_null(s);
}

static void
test_lock_here(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct store *s = NULL;
    char pid[24];

    assert_int_equal(store_open(f->path, &s, &err), E_CONFLICT);
    (void)snprintf(pid, sizeof(pid), "(%d)", (int)getpid());
    assert_non_null(strstr(err.msg, pid));
    fixture_reopen(f);
}

/* Another process holds the file until it is killed. */
static void
test_lock_there(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct store *s = NULL;
    int ready[2];
    char pid_text[24], byte;
    char path[120];

    (void)snprintf(path, sizeof(path), "%s/theirs.db", f->folder);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        byte = store_open(path, &s, &err) == OK;
        (void)!write(ready[1], &byte, 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    enum status rc = store_open(path, &s, &err);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(rc, E_CONFLICT);
    (void)snprintf(pid_text, sizeof(pid_text), "process %d", (int)pid);
    assert_non_null(strstr(err.msg, pid_text));
    assert_non_null(strstr(err.hint, "--store"));
    assert_ok(store_open(path, &s, &err), &err);
    store_close(s);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void
sql_on(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
test_newer_schema(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};

    store_close(f->s);
    f->s = NULL;
    sql_on(f->path, "insert into schema_version values (99, 0)");
    assert_int_equal(store_open(f->path, &f->s, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "schema 99"));
    assert_non_null(strstr(err.hint, "newer program"));
    assert_null(f->s);
    sql_on(f->path, "delete from schema_version where version = 99");
    assert_ok(store_open(f->path, &f->s, &err), &err);
}

static void
test_reopen_keeps(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct event_row e = event_put(f, 1), got;
    struct queued_event *queued = NULL;
    size_t n = 0;

    fixture_reopen(f);
    struct store_tx *tx = begin(f, false);
    assert_ok(event_get(tx, f->a, f->workspace, e.id, &got, &err), &err);
    assert_string_equal(got.record, e.record);
    assert_ok(queue_load(tx, f->a, 0, 255, T0, 10, &queued, &n, &err), &err);
    assert_int_equal(n, 1);
    store_rollback(tx);
}

static void
test_rollback(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct event_row e = event_of(f, 1), got;
    size_t inserted = 0;

    {
        AUTO_TX tx = begin(f, true);
        assert_ok(events_insert(tx, &e, 1, &inserted, &err), &err);
    }
    struct store_tx *tx = begin(f, false);
    assert_int_equal(event_get(tx, f->a, f->workspace, e.id, &got, &err),
                     E_NOTFOUND);
    store_rollback(tx);
    store_rollback(NULL);
    store_close(NULL);
}

/* A reader sees what was there when it began, and cannot write. */
static void
test_reader(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    int64_t before = 0, n = 0;
    struct store_tx *reader = begin(f, false);

    assert_ok(queue_count(reader, &before, &err), &err);
    (void)event_put(f, 1);
    assert_ok(queue_count(reader, &n, &err), &err);
    assert_int_equal(n, before);
    assert_int_equal(setting_put(reader, f->workspace, "k", "v", &err),
                     E_STORE);
    store_rollback(reader);
    reader = begin(f, false);
    assert_ok(queue_count(reader, &n, &err), &err);
    assert_int_equal(n, before + 1);
    store_rollback(reader);
}

/* Fills the file; returns the status of the write that did not fit. */
static enum status
fill(struct fixture *f, int *n, struct error *err)
{
    enum status rc = OK;

    for (int i = 0; rc == OK && i < 10000; i++) {
        struct event_row e = event_of(f, *n + 1);
        size_t inserted = 0;
        AUTO_TX tx = begin(f, true);
        rc = events_insert(tx, &e, 1, &inserted, err);
        if (rc != OK)
            return rc;
        struct store_tx *whole = tx;
        tx = NULL;
        rc = store_commit(whole, err);
        if (rc == OK)
            ++*n;
    }
    return rc;
}

static void
test_disk_full(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    int64_t queued = 0;
    int n = 0;

    assert_ok(store_limit_pages(f->s, 1, &err), &err);
    assert_int_equal(fill(f, &n, &err), E_STORE);
    assert_non_null(strstr(err.hint, "disk is full"));
    /* Reading goes on, and nothing that was committed is gone. */
    struct store_tx *tx = begin(f, false);
    assert_ok(queue_count(tx, &queued, &err), &err);
    assert_int_equal(queued, n);
    store_rollback(tx);
    /* There is room again: the same event fits. */
    assert_ok(store_limit_pages(f->s, PAGES_MAX, &err), &err);
    (void)event_put(f, n + 1);
    fixture_reopen(f);
    tx = begin(f, false);
    assert_ok(queue_count(tx, &queued, &err), &err);
    assert_int_equal(queued, n + 1);
    store_rollback(tx);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files),        TEST(test_refused),    TEST(test_damaged),
        TEST(test_lock_here),    TEST(test_lock_there), TEST(test_newer_schema),
        TEST(test_reopen_keeps), TEST(test_rollback),   TEST(test_reader),
        TEST(test_disk_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
