/*
 * target/sql_files.h - reads SQL files (migrations, a dump) into the
 * catalogue model, as if they had been run on an empty PostgreSQL.
 *
 * It is not an interpreter: statements that make or change schemas, types,
 * tables, views, keys, extensions, publications and triggers are followed;
 * everything else (functions, policies, grants, DO, data, commands of psql)
 * is passed over. Names and types come out as introspect() prints them. What
 * could not be followed is named in the catalogue's notes.
 *
 * Known differences from a live database: literals inside defaults stay as
 * written ('{"a":1}' is not spread to '{"a": 1}'); an expression that needs
 * casts only PostgreSQL knows, and the columns of a view that does more than
 * pick columns, are left out with a note; renaming a column does not reach
 * into generated expressions.
 */
#ifndef TARGET_SQL_FILES_H
#define TARGET_SQL_FILES_H

#include "core/catalog.h"

/* Reads each path in the order given: a file, or every *.sql file of a
 * directory in the order of their names (subdirectories are not entered).
 * Hides what introspect() hides without `all`.
 * Owns:    the catalogue lives in `a`.
 * Errors:  E_NOTFOUND, E_IO (path), E_TOOBIG; E_INPUT with file:line for SQL
 *          that does not parse or that PostgreSQL would refuse too.
 * Threads: libpg_query keeps memory of each thread until it ends. */
CHECKED enum status catalog_from_sql(struct arena *a, const char *const *paths,
                                     size_t n, struct catalog **out,
                                     struct error *err);

#endif
