/*
 * target/sql_model.h - the schema as it grows while SQL files are read; what
 * the files sql_*.c of this folder share. Nobody else includes it.
 *
 * Everything lives in the arena `w`, which ends with catalog_from_sql().
 * `struct json` values are libpg_query's parse trees, named as PostgreSQL's
 * nodes are.
 */
#ifndef TARGET_SQL_MODEL_H
#define TARGET_SQL_MODEL_H

#include "core/catalog.h"

enum { SQL_PATH_MAX = 8 };

struct sql_def; /* a type that the files made */

/* A type as a column uses it. */
struct sql_type {
    const struct sql_builtin *builtin; /* of pg_catalog, or NULL */
    const struct sql_def *def;         /* made by the files, or NULL */
    const char *as_written;            /* neither: its name, quoted */
    int64_t mods[2];                   /* varchar(20), numeric(10,2) */
    size_t n_mods;
    bool array;
};

struct sql_def {
    const char *schema, *name;
    char kind; /* pg_type.typtype: e enum, d domain, c composite, r range */
    const char **labels;
    size_t n_labels;
    struct sql_type base; /* of a domain */
    bool dropped;
};

struct sql_column {
    const char *name;
    struct sql_type type;
    bool not_null, generated, identity;
    const char *expr; /* default, as pg_get_expr() prints it; NULL = none */
};

struct sql_fk {
    const char *name;
    const char **columns;
    size_t n;             /* the catalogue holds those of one column */
    struct sql_table *to; /* NULL: not made by the files */
    const char *to_schema, *to_name; /* when it is not */
    const char *key;                 /* NULL: its primary key */
};

struct sql_table {
    const char *schema, *name;
    char kind;
    struct sql_column *columns;
    size_t n_columns;
    const char *key_name; /* of the constraint */
    const char **key;
    size_t n_key;
    struct sql_fk *fks;
    size_t n_fks;
    const struct sql_table *parent; /* it is a partition of */
    bool row_security;
    const char **triggers;
    size_t n_triggers;
    const struct sql_table **reads; /* a view: the tables of its query */
    size_t n_reads;
};

/* A name in a schema: functions, extensions; of a publication: a table, or
 * every table of a schema (no table), or every table (neither). */
struct sql_name {
    const char *schema, *name;
    const struct sql_table *table;
};

struct sql_model {
    struct arena *w;
    struct sql_table **tables;
    size_t n_tables;
    struct sql_def **defs;
    size_t n_defs;
    struct sql_name *functions, *extensions, *publications;
    size_t n_functions, n_extensions, n_publications;
    const char **notes;
    size_t n_notes;
    const char *path[SQL_PATH_MAX]; /* search_path of the file being read */
    size_t n_path;
    const struct sql_table *on; /* whose columns expressions name */
    const char *file, *text;    /* being read; the statement, for locations */
    int line;
};

/* ---- sql_model.c ---- */
/* Room for one more: the list moves when it is full; NULL without memory. */
void *sql_grow(struct sql_model *m, void *items, size_t n, size_t size);
void sql_path_default(struct sql_model *m);
/* "about X (file:line)": what was not followed. */
PRINTF_LIKE(2, 3) void sql_note(struct sql_model *m, const char *fmt, ...);
/* Starts with file:line. */
#define sql_fail(m, err, code, fmt, ...) \
    fail((err), (code), "%s:%d: " fmt, (m)->file, (m)->line, __VA_ARGS__)
/* Schema (NULL when not given) and name of [{"String":…}, …]. */
void sql_names(const struct json *list, const char **schema, const char **name);
/* A RangeVar; false for a temporary one. */
bool sql_range(const struct json *range, const char **schema,
               const char **name);
const char *sql_string(const struct json *node); /* {"String":…} or NULL */
struct sql_table *sql_table_find(const struct sql_model *m, const char *schema,
                                 const char *name);
struct sql_column *sql_column_find(const struct sql_table *t, const char *name);
CHECKED enum status sql_table_add(struct sql_model *m, const char *schema,
                                  const char *name, char kind,
                                  struct sql_table **out, struct error *err);
/* With its partitions, the keys that point at it, the views that read it. */
void sql_table_drop(struct sql_model *m, const struct sql_table *t);
void sql_column_drop(struct sql_model *m, struct sql_table *t,
                     const char *name);
struct sql_column *sql_column_add(struct sql_model *m, struct sql_table *t);
CHECKED enum status sql_name_add(struct sql_model *m, struct sql_name **list,
                                 size_t *n, struct sql_name name,
                                 struct error *err);
/* The schema of an extension the files installed, or NULL. */
const char *sql_extension(const struct sql_model *m, const char *name);

/* ---- sql_types.c ---- */
/* What the node TypeName means here. */
CHECKED enum status sql_type_read(struct sql_model *m, const struct json *node,
                                  struct sql_type *out, struct error *err);
/* As format_type() prints it; NULL without memory. */
const char *sql_type_text(struct sql_model *m, const struct sql_type *t);
/* Without its modifiers, as in casts of literals. */
struct sql_type sql_type_plain(const struct sql_type *t);
struct sql_type sql_type_builtin(const char *name);
bool sql_type_is(const struct sql_type *t, const char *builtin);
/* As introspection classes it, through domains; *labels is the enum. */
enum column_type sql_type_kind(const struct sql_type *t,
                               const struct sql_def **labels);
struct sql_def *sql_def_find(const struct sql_model *m, const char *schema,
                             const char *name);
CHECKED enum status sql_def_add(struct sql_model *m, const char *schema,
                                const char *name, char kind,
                                struct sql_def **out, struct error *err);
/* serial and its kin: the type it stands for, or NULL. */
const char *sql_serial(const struct json *type_name);
/* "name", or "\"Name\"" where SQL needs it. */
const char *sql_quoted(struct sql_model *m, const char *name);
const char *sql_qualified(struct sql_model *m, const char *schema,
                          const char *name);

/* ---- sql_expr.c, sql_literal.c ---- */
/* A default or generated expression as pg_get_expr() prints it with an empty
 * search_path. *out is NULL for a default of NULL, which is none, and with a
 * note when it is beyond us. */
CHECKED enum status sql_expr_text(struct sql_model *m, const struct json *expr,
                                  const struct sql_type *want, const char **out,
                                  struct error *err);
/* An integer of a parse tree: libpg_query 15-4.0.0 leaves out those below
 * one, which are read from the statement's text. */
int64_t sql_integer(const struct sql_model *m, const struct json *constant);

/* ---- sql_table.c, sql_alter.c, sql_other.c: statements ---- */
typedef enum status sql_statement(struct sql_model *m, const struct json *node,
                                  struct error *err);
sql_statement sql_create_table, sql_create_foreign_table, sql_create_schema,
    sql_create_view, sql_create_table_as, sql_alter_table, sql_rename,
    sql_set_schema, sql_drop, sql_create_enum, sql_alter_enum,
    sql_create_domain, sql_create_composite, sql_create_range, sql_set,
    sql_select, sql_create_extension, sql_create_function, sql_create_trigger,
    sql_create_publication, sql_alter_publication;
CHECKED enum status sql_column_new(struct sql_model *m, struct sql_table *t,
                                   const struct json *def, struct error *err);
CHECKED enum status sql_constraint(struct sql_model *m, struct sql_table *t,
                                   struct sql_column *on, const struct json *c,
                                   struct error *err);

/* ---- sql_views.c ---- */
/* Columns of a query when all are plain columns of known tables or casts. */
CHECKED enum status sql_query_columns(struct sql_model *m, struct sql_table *t,
                                      const struct json *query,
                                      const struct json *aliases,
                                      struct error *err);

/* ---- sql_finish.c ---- */
CHECKED enum status sql_finish(struct sql_model *m, struct arena *a,
                               struct catalog **out, struct error *err);

#endif
