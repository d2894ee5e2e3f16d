/* CREATE TABLE: columns, constraints, partitions, foreign tables, views. */
#include <stdio.h>
#include <string.h>

#include "target/sql_model.h"

enum { NAME_MAX_BYTES = 63, LABEL_BYTES = 16 };

/* makeObjectName(): table_column_label, both parts cut evenly to 63 bytes. */
static const char *
object_name(struct sql_model *m, const char *table, const char *column,
            const char *label)
{
    size_t x = strlen(table), y = column ? strlen(column) : 0;
    size_t room = NAME_MAX_BYTES - strlen(label) - 1 - (column ? 1 : 0);

    while (x + y > room) {
        if (x > y)
            x--;
        else
            y--;
    }
    return arena_printf(m->w, "%.*s%s%.*s_%s", (int)x, table, column ? "_" : "",
                        (int)y, column ? column : "", label);
}

static bool
constraint_taken(const struct sql_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_fks; i++)
        if (strcmp(t->fks[i].name, name) == 0)
            return true;
    return false;
}

static const char *
fk_name(struct sql_model *m, const struct sql_table *t, const struct sql_fk *fk)
{
    AUTO_BUF columns = buf_new((size_t)NAME_MAX_BYTES * 34);
    char label[LABEL_BYTES] = "fkey";

    for (size_t i = 0; i < fk->n; i++)
        buf_printf(&columns, "%s%s", i ? "_" : "", fk->columns[i]);
    if (!buf_ok(&columns))
        return NULL;
    const char *name = object_name(m, t->name, columns.data, label);
    for (int i = 1; name && constraint_taken(t, name) && i < 1000; i++) {
        (void)snprintf(label, sizeof(label), "fkey%d", i);
        name = object_name(m, t->name, columns.data, label);
    }
    return name;
}

static enum status
names_read(struct sql_model *m, const struct json *list,
           const struct sql_column *on, const char ***out, size_t *n,
           struct error *err)
{
    bool listed = json_is(list, JSON_ARRAY) && list->n > 0;
    size_t count = listed ? list->n : (size_t)(on != NULL);

    *out = arena_array(m->w, count + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "%s:%d: key", m->file, m->line);
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = listed ? sql_string(list->items[i]) : on->name;
        if (!(*out)[i])
            return sql_fail(m, err, E_INPUT, "column %zu of a key has no name",
                            i + 1);
    }
    *n = count;
    return OK;
}

static enum status
primary_key(struct sql_model *m, struct sql_table *t, struct sql_column *on,
            const struct json *c, struct error *err)
{
    const char *name = json_get_str(c, "conname", NULL);
    size_t n = 0;

    if (json_get(c, "indexname")) {
        sql_note(m, "primary key of %s.%s USING INDEX is not followed",
                 t->schema, t->name);
        return OK;
    }
    enum status rc = names_read(m, json_get(c, "keys"), on, &t->key, &n, err);
    if (rc != OK)
        return rc;
    t->n_key = n;
    t->key_name = name ? name : object_name(m, t->name, NULL, "pkey");
    if (!t->key_name)
        return fail(err, E_NOMEM, "%s:%d: key", m->file, m->line);
    for (size_t i = 0; i < n; i++) {
        struct sql_column *column = sql_column_find(t, t->key[i]);
        if (!column)
            return sql_fail(m, err, E_INPUT,
                            "primary key: %s.%s has no column %s", t->schema,
                            t->name, t->key[i]);
        column->not_null = true;
    }
    return OK;
}

static enum status
foreign_key(struct sql_model *m, struct sql_table *t, struct sql_column *on,
            const struct json *c, struct error *err)
{
    struct sql_fk fk = {.name = json_get_str(c, "conname", NULL)};
    const struct json *keys = json_get(c, "pk_attrs");
    const char *schema, *name;

    (void)sql_range(json_get(c, "pktable"), &schema, &name);
    fk.to = sql_table_find(m, schema, name);
    if (!fk.to) {
        fk.to_schema = schema ? schema : m->n_path ? m->path[0] : "public";
        fk.to_name = name;
        sql_note(m, "%s.%s refers to %s.%s, which these files do not make",
                 t->schema, t->name, fk.to_schema, fk.to_name);
    }
    if (json_is(keys, JSON_ARRAY) && keys->n)
        fk.key = sql_string(keys->items[0]);
    enum status rc =
        names_read(m, json_get(c, "fk_attrs"), on, &fk.columns, &fk.n, err);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < fk.n; i++)
        if (!sql_column_find(t, fk.columns[i]))
            return sql_fail(m, err, E_INPUT,
                            "foreign key: %s.%s has no column %s", t->schema,
                            t->name, fk.columns[i]);
    struct sql_fk *list = sql_grow(m, t->fks, t->n_fks, sizeof(*list));
    if (!list || (!fk.name && !(fk.name = fk_name(m, t, &fk))))
        return fail(err, E_NOMEM, "%s:%d: key", m->file, m->line);
    t->fks = list;
    list[t->n_fks++] = fk;
    return OK;
}

static enum status
set_default(struct sql_model *m, struct sql_table *t, struct sql_column *on,
            const struct json *c, struct error *err)
{
    m->on = t;
    return on ? sql_expr_text(m, json_get(c, "raw_expr"), &on->type, &on->expr,
                              err)
              : OK;
}

static enum status
set_not_null(struct sql_model *m, struct sql_table *t, struct sql_column *on,
             const struct json *c, struct error *err)
{
    (void)m;
    (void)t;
    (void)c;
    (void)err;
    if (on)
        on->not_null = true;
    return OK;
}

static enum status
set_identity(struct sql_model *m, struct sql_table *t, struct sql_column *on,
             const struct json *c, struct error *err)
{
    if (on)
        on->identity = true;
    return set_not_null(m, t, on, c, err);
}

static enum status
set_generated(struct sql_model *m, struct sql_table *t, struct sql_column *on,
              const struct json *c, struct error *err)
{
    if (on)
        on->generated = true;
    return set_default(m, t, on, c, err);
}

enum status
sql_constraint(struct sql_model *m, struct sql_table *t, struct sql_column *on,
               const struct json *c, struct error *err)
{
    static const struct {
        const char *kind;
        enum status (*run)(struct sql_model *, struct sql_table *,
                           struct sql_column *, const struct json *,
                           struct error *);
    } rows[] = {
        {"CONSTR_PRIMARY", primary_key},   {"CONSTR_FOREIGN", foreign_key},
        {"CONSTR_NOTNULL", set_not_null},  {"CONSTR_DEFAULT", set_default},
        {"CONSTR_IDENTITY", set_identity}, {"CONSTR_GENERATED", set_generated},
    };
    const char *kind = json_get_str(c, "contype", "");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return rows[i].run(m, t, on, c, err);
    return OK; /* unique, check, exclusion: not in the model */
}

static enum status
serial_default(struct sql_model *m, const struct sql_table *t,
               struct sql_column *c, struct error *err)
{
    const char *name = object_name(m, t->name, c->name, "seq");
    const char *full = name ? sql_qualified(m, t->schema, name) : NULL;

    c->not_null = true;
    c->expr = full ? arena_printf(m->w, "nextval('%s'::regclass)", full) : NULL;
    return c->expr ? OK : fail(err, E_NOMEM, "%s:%d: serial", m->file, m->line);
}

/* What may name other columns comes in a second pass. */
static bool
is_late(const struct json *c)
{
    static const char *const kinds[] = {"CONSTR_PRIMARY", "CONSTR_FOREIGN",
                                        "CONSTR_GENERATED"};
    const char *kind = json_get_str(c, "contype", "");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

static enum status
column_constraints(struct sql_model *m, struct sql_table *t, const char *name,
                   const struct json *def, bool late, struct error *err)
{
    const struct json *list = json_get(def, "constraints");
    struct sql_column *column = sql_column_find(t, name);
    enum status rc = OK;

    for (uint32_t i = 0; rc == OK && json_is(list, JSON_ARRAY) && i < list->n;
         i++) {
        const struct json *c = json_get(list->items[i], "Constraint");
        if (is_late(c) == late)
            rc = sql_constraint(m, t, column, c, err);
    }
    return rc;
}

static enum status
column_make(struct sql_model *m, struct sql_table *t, const struct json *def,
            struct error *err)
{
    const char *name = json_get_str(def, "colname", "");

    if (sql_column_find(t, name))
        return sql_fail(m, err, E_INPUT, "%s.%s has a column %s already",
                        t->schema, t->name, name);
    struct sql_column *column = sql_column_add(m, t);
    if (!column)
        return fail(err, E_NOMEM, "%s:%d: column", m->file, m->line);
    column->name = name;
    enum status rc =
        sql_type_read(m, json_get(def, "typeName"), &column->type, err);
    if (rc == OK && sql_serial(json_get(def, "typeName")))
        rc = serial_default(m, t, column, err);
    if (rc == OK)
        rc = column_constraints(m, t, name, def, false, err);
    return rc;
}

enum status
sql_column_new(struct sql_model *m, struct sql_table *t, const struct json *def,
               struct error *err)
{
    enum status rc = column_make(m, t, def, err);

    return rc == OK ? column_constraints(m, t, json_get_str(def, "colname", ""),
                                         def, true, err)
                    : rc;
}

static enum status
elements(struct sql_model *m, struct sql_table *t, const struct json *list,
         struct error *err)
{
    uint32_t n = json_is(list, JSON_ARRAY) ? list->n : 0;
    enum status rc = OK;

    for (uint32_t i = 0; rc == OK && i < n; i++) {
        const struct json *def = json_get(list->items[i], "ColumnDef");
        if (json_get(list->items[i], "TableLikeClause"))
            sql_note(m, "%s.%s: LIKE is not followed, its columns are missing",
                     t->schema, t->name);
        if (def)
            rc = column_make(m, t, def, err);
    }
    for (uint32_t i = 0; rc == OK && i < n; i++) {
        const struct json *def = json_get(list->items[i], "ColumnDef");
        const struct json *c = json_get(list->items[i], "Constraint");
        if (def)
            rc = column_constraints(m, t, json_get_str(def, "colname", ""), def,
                                    true, err);
        else if (c)
            rc = sql_constraint(m, t, NULL, c, err);
    }
    return rc;
}

/* A partition has its parent's columns and key. */
static enum status
partition_of(struct sql_model *m, struct sql_table *t, const struct json *from,
             struct error *err)
{
    const char *schema, *name;
    const struct json *range = json_get(from, "RangeVar");

    (void)sql_range(range, &schema, &name);
    t->parent = sql_table_find(m, schema, name);
    if (!t->parent)
        return sql_fail(m, err, E_INPUT,
                        "%s.%s is a partition of %s, which does not exist",
                        t->schema, t->name, name);
    for (size_t i = 0; i < t->parent->n_columns; i++) {
        struct sql_column *c = sql_column_add(m, t);
        if (!c)
            return fail(err, E_NOMEM, "%s:%d: partition", m->file, m->line);
        *c = t->parent->columns[i];
    }
    size_t n = t->parent->n_key;
    t->key = arena_array(m->w, n + 1, sizeof(*t->key));
    if (!t->key)
        return fail(err, E_NOMEM, "%s:%d: partition", m->file, m->line);
    if (n)
        memcpy(t->key, t->parent->key, n * sizeof(*t->key));
    t->n_key = n;
    return OK;
}

static enum status
create(struct sql_model *m, const struct json *node, char kind,
       struct error *err)
{
    const struct json *parents = json_get(node, "inhRelations");
    const char *schema, *name;
    struct sql_table *t = NULL;

    if (!sql_range(json_get(node, "relation"), &schema, &name))
        return OK;
    if (json_bool(json_get(node, "if_not_exists"), false)) {
        const char *in = schema ? schema : m->n_path ? m->path[0] : "";
        if (sql_table_find(m, in, name))
            return OK;
    }
    if (json_get(node, "partspec"))
        kind = 'p';
    enum status rc = sql_table_add(m, schema, name, kind, &t, err);
    if (rc != OK)
        return rc;
    if (json_get(node, "ofTypename"))
        sql_note(m, "%s.%s: OF is not followed, its columns are missing",
                 t->schema, t->name);
    if (json_is(parents, JSON_ARRAY) && parents->n) {
        if (!json_get(node, "partbound"))
            sql_note(m,
                     "%s.%s: INHERITS is not followed, inherited columns"
                     " are missing",
                     t->schema, t->name);
        else if ((rc = partition_of(m, t, parents->items[0], err)) != OK)
            return rc;
    }
    if (t->parent) /* its own elements only narrow what it inherits */
        return OK;
    return elements(m, t, json_get(node, "tableElts"), err);
}

enum status
sql_create_table(struct sql_model *m, const struct json *node,
                 struct error *err)
{
    return create(m, node, 'r', err);
}

enum status
sql_create_foreign_table(struct sql_model *m, const struct json *node,
                         struct error *err)
{
    const struct json *base = json_get(node, "base");

    return create(m, base ? base : node, 'f', err);
}

/* CREATE SCHEMA x CREATE TABLE …: what it holds is made in it. */
enum status
sql_create_schema(struct sql_model *m, const struct json *node,
                  struct error *err)
{
    const struct json *list = json_get(node, "schemaElts");
    const char *role =
        json_get_str(json_get(node, "authrole"), "rolename", NULL);
    const char *name = json_get_str(node, "schemaname", role);
    const char *first = m->n_path ? m->path[0] : NULL;
    size_t n_path = m->n_path;
    enum status rc = OK;

    if (!json_is(list, JSON_ARRAY) || !name)
        return OK;
    m->path[0] = name;
    m->n_path = n_path ? n_path : 1;
    for (uint32_t i = 0; rc == OK && i < list->n; i++) {
        const struct json *table = json_get(list->items[i], "CreateStmt");
        const struct json *view = json_get(list->items[i], "ViewStmt");
        if (table)
            rc = sql_create_table(m, table, err);
        else if (view)
            rc = sql_create_view(m, view, err);
    }
    m->path[0] = first;
    m->n_path = n_path;
    return rc;
}
