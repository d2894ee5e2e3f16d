/*
 * The SQLite driver: WAL, synchronous=FULL (a commit is on the disk when it
 * returns), prepared statements kept by number.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/db.h"
#define STORE_SQL_TABLE
#include "store_sql.h"

enum { SQL_MAX_BYTES = 256 * 1024, BUSY_MS = 5000, ROWS_FIRST = 2 };

enum { PARAMS_MAX = 32 };

struct statement {
    sqlite3_stmt *handle;         /* NULL until first used */
    unsigned char at[PARAMS_MAX]; /* SQLite's number of $1, $2, …; 0: unused */
};

struct db {
    sqlite3 *handle;
    struct statement stmts[STORE_SQL_COUNT];
};

struct db_value
db_text(const char *s)
{
    if (!s)
        return (struct db_value){.type = DB_NULL};
    return (struct db_value){.type = DB_TEXT, .text = s, .n = strlen(s)};
}

static enum status
raise_db(struct db *db, int code, const char *what, struct error *err)
{
    int primary = code & 0xff;

    if (primary == SQLITE_CONSTRAINT)
        return fail(err, E_CONFLICT, "store: %s: %s", what,
                    sqlite3_errmsg(db->handle));
    if (primary == SQLITE_FULL)
        (void)error_hint(err, "the disk is full: free space, nothing that was "
                              "accepted is lost");
    else if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT)
        (void)error_hint(err, "the file is damaged: restore it from a backup");
    return fail(err, E_STORE, "store: %s: %s", what,
                sqlite3_errmsg(db->handle));
}

/* Takes out what is between the marks of another dialect, and unwraps the
 * comments that speak to SQLite alone. */
static void
unwrap(struct buf *out, const char *text)
{
    static const struct mark {
        const char *from, *to;
        bool keep;
    } marks[] = {{"/*!sqlite ", "*/", true},
                 {"/*!postgres*/", "/*!all*/", false}};

    for (const char *p; (p = strstr(text, "/*!"));) {
        const struct mark *m = &marks[p[3] == 'p'];
        const char *end = strstr(p, m->to);
        buf_add(out, text, (size_t)(p - text));
        p += strlen(m->from);
        if (m->keep)
            buf_add(out, p, (size_t)(end - p));
        text = end + strlen(m->to);
    }
    buf_puts(out, text);
}

enum status
db_script(struct db *db, const char *text, struct error *err)
{
    AUTO_BUF sql = buf_new(SQL_MAX_BYTES);

    unwrap(&sql, text);
    enum status rc = buf_check(&sql, "migration", err);
    if (rc != OK)
        return rc;
    int code = sqlite3_exec(db->handle, sql.data, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : raise_db(db, code, "script", err);
}

enum status
db_open_sqlite(const char *path, bool read_only, struct db **out,
               struct error *err)
{
    /* Cache of the writer in KiB; a reader's is smaller, as there are many.
     * The log is cut back after a burst. */
    static const char pragmas[] = "pragma journal_mode = wal;"
                                  "pragma synchronous = full;"
                                  "pragma temp_store = memory;"
                                  "pragma cache_size = -8192;"
                                  "pragma wal_autocheckpoint = 4000;"
                                  "pragma journal_size_limit = 67108864;"
                                  "pragma foreign_keys = on;";
    struct db *db = calloc(1, sizeof(*db));

    if (!db)
        return fail(err, E_NOMEM, "store");
    /* Created 0600 before SQLite would with the umask's rights. A file that is
     * there must not be opened here: closing it again would drop the locks of
     * this process' other connections, and the next sqlite3 shell to leave
     * would then delete the log under them. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST) {
        free(db);
        return fail(err, E_IO, "store %s: %s", path, strerrordesc_np(errno));
    }
    if (fd >= 0)
        (void)close(fd);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
        code = sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK && read_only)
        code = sqlite3_exec(db->handle,
                            "pragma query_only = on; pragma cache_size = -4096",
                            NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        enum status rc = raise_db(db, code, path, err);
        db_close(db);
        return rc;
    }
    *out = db;
    return OK;
}

void
db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < STORE_SQL_COUNT; i++)
        (void)sqlite3_finalize(db->stmts[i].handle);
    (void)sqlite3_close(db->handle);
    free(db);
}

static enum status
plain(struct db *db, const char *sql, struct error *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? OK : raise_db(db, code, sql, err);
}

enum status
db_limit_pages(struct db *db, int pages, struct error *err)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "pragma max_page_count = %d", pages);
    return plain(db, sql, err);
}

enum status
db_begin(struct db *db, bool write, struct error *err)
{
    return plain(db, write ? "begin immediate" : "begin", err);
}

enum status
db_commit(struct db *db, struct error *err)
{
    enum status rc = plain(db, "commit", err);

    if (rc != OK)
        db_rollback(db);
    return rc;
}

void
db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "rollback", NULL, NULL, NULL);
}

static int
bind_one(sqlite3_stmt *s, int at, const struct db_value *v)
{
    switch (v->type) {
    case DB_NULL:
        return sqlite3_bind_null(s, at);
    case DB_INT:
        return sqlite3_bind_int64(s, at, v->integer);
    case DB_TEXT:
        break;
    }
    return sqlite3_bind_text64(s, at, v->text, v->n, SQLITE_STATIC,
                               SQLITE_UTF8);
}

/* SQLite reads $1 as a name, so the number it gives may differ. */
static enum status
prepare(struct db *db, int sql, struct error *err)
{
    struct statement *s = &db->stmts[sql];
    int code = sqlite3_prepare_v3(db->handle, store_sql_rows[sql].text, -1,
                                  SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);

    if (code != SQLITE_OK)
        return raise_db(db, code, store_sql_rows[sql].name, err);
    for (size_t i = 0; i < PARAMS_MAX; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "$%zu", i + 1);
        s->at[i] = (unsigned char)sqlite3_bind_parameter_index(s->handle, name);
    }
    return OK;
}

static enum status
prepared(struct db *db, int sql, const struct db_value *params, size_t n,
         sqlite3_stmt **out, struct error *err)
{
    struct statement *s = &db->stmts[sql];
    enum status rc = s->handle ? OK : prepare(db, sql, err);
    int code = n <= PARAMS_MAX ? SQLITE_OK : SQLITE_RANGE;

    if (rc != OK)
        return rc;
    /* A statement may not need each of them: those have no place. */
    for (size_t i = 0; code == SQLITE_OK && i < n; i++)
        if (s->at[i])
            code = bind_one(s->handle, s->at[i], &params[i]);
    if (code != SQLITE_OK)
        return raise_db(db, code, store_sql_rows[sql].name, err);
    *out = s->handle;
    return OK;
}

static void
finish(sqlite3_stmt *s)
{
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
}

static enum status
take_row(struct arena *a, sqlite3_stmt *s, struct db_rows *out, size_t *cap,
         struct error *err)
{
    size_t columns = (size_t)out->columns;

    if (out->n == *cap) {
        size_t more = *cap ? *cap * 2 : ROWS_FIRST;
        struct db_value *v = arena_array(a, more * columns, sizeof(*v));
        if (!v)
            return fail(err, E_NOMEM, "%zu rows", out->n);
        if (out->n)
            memcpy(v, out->values, out->n * columns * sizeof(*v));
        out->values = v;
        *cap = more;
    }
    struct db_value *row = &out->values[out->n * columns];
    for (int i = 0; i < out->columns; i++) {
        int type = sqlite3_column_type(s, i);
        row[i] = (struct db_value){.type = DB_NULL};
        if (type == SQLITE_INTEGER) {
            row[i] = DB_I(sqlite3_column_int64(s, i));
        } else if (type != SQLITE_NULL) {
            const char *text = (const char *)sqlite3_column_text(s, i);
            size_t n = (size_t)sqlite3_column_bytes(s, i);
            char *copy = text ? arena_strndup(a, text, n) : NULL;
            if (!copy)
                return fail(err, E_NOMEM, "a row of %zu bytes", n);
            row[i] = (struct db_value){.type = DB_TEXT, .text = copy, .n = n};
        }
    }
    out->n++;
    return OK;
}

enum status
db_query(struct db *db, struct arena *a, int sql, const struct db_value *params,
         size_t n, struct db_rows *out, struct error *err)
{
    sqlite3_stmt *s = NULL;
    size_t cap = 0;
    int code = SQLITE_DONE;

    *out = (struct db_rows){0};
    enum status rc = prepared(db, sql, params, n, &s, err);
    if (rc != OK)
        return rc;
    out->columns = sqlite3_column_count(s);
    while (rc == OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        rc = take_row(a, s, out, &cap, err);
    if (rc == OK && code != SQLITE_DONE)
        rc = raise_db(db, code, store_sql_rows[sql].name, err);
    finish(s);
    return rc;
}

enum status
db_exec(struct db *db, int sql, const struct db_value *params, size_t n,
        int64_t *changed, struct error *err)
{
    sqlite3_stmt *s = NULL;

    /* After a full disk SQLite may have rolled back by itself: what follows
     * must not be committed on its own. */
    if (sqlite3_get_autocommit(db->handle))
        return fail(err, E_STORE, "store: %s: the transaction is gone",
                    store_sql_rows[sql].name);
    enum status rc = prepared(db, sql, params, n, &s, err);
    if (rc != OK)
        return rc;
    int code = sqlite3_step(s);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        rc = raise_db(db, code, store_sql_rows[sql].name, err);
    else if (changed)
        *changed = sqlite3_changes64(db->handle);
    finish(s);
    return rc;
}

int64_t
db_int(const struct db_rows *r, size_t row, int column)
{
    return r->values[row * (size_t)r->columns + (size_t)column].integer;
}

const char *
db_str(const struct db_rows *r, size_t row, int column)
{
    return r->values[row * (size_t)r->columns + (size_t)column].text;
}
