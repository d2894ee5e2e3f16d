/*
 * store/db.h - one SQL driver interface: prepared statements by number,
 * values in, rows out. SQLite today; a PostgreSQL driver has the same table.
 *
 * Statements are the files of sql/store/, in the common subset of SQLite and
 * PostgreSQL ($1 parameters). Text inside a comment that starts with the word
 * sqlite after an exclamation mark is for SQLite alone.
 *
 * Threads: one connection belongs to one thread at a time.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdint.h>

#include "base/arena.h"

enum db_type { DB_NULL, DB_INT, DB_TEXT };

struct db_value {
    enum db_type type;
    int64_t integer;
    const char *text; /* NUL-terminated */
    size_t n;
};

#define DB_I(v) ((struct db_value){.type = DB_INT, .integer = (v)})
#define DB_S(s) db_text(s) /* NULL becomes SQL NULL */
struct db_value db_text(const char *s);

struct db_rows {
    size_t n;
    int columns;
    struct db_value *values; /* row-major */
};

struct db; /* opaque connection */

/* `sql` is an enum store_sql from the generated table. Results live in `a`.
 * Errors: E_CONFLICT for a violated unique key; E_STORE for the rest (disk
 * full, locked, corrupt), with the statement's name. */
CHECKED enum status db_query(struct db *db, struct arena *a, int sql,
                             const struct db_value *params, size_t n,
                             struct db_rows *out, struct error *err);
/* As db_query without rows; *changed (may be NULL) = rows affected. */
CHECKED enum status db_exec(struct db *db, int sql,
                            const struct db_value *params, size_t n,
                            int64_t *changed, struct error *err);
/* Text of several statements, for migrations. */
CHECKED enum status db_script(struct db *db, const char *text,
                              struct error *err);
CHECKED enum status db_begin(struct db *db, bool write, struct error *err);
CHECKED enum status db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

int64_t db_int(const struct db_rows *r, size_t row, int column);
/* NULL for SQL NULL. */
const char *db_str(const struct db_rows *r, size_t row, int column);

/* SQLite: path of the file, created 0600. Owns: caller; db_close(). */
CHECKED enum status db_open_sqlite(const char *path, bool read_only,
                                   struct db **out, struct error *err);
void db_close(struct db *db); /* NULL is allowed */
/* The file grows to so many pages at most (never below what it has). */
CHECKED enum status db_limit_pages(struct db *db, int pages, struct error *err);

#endif
