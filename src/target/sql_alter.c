/* ALTER TABLE, RENAME, SET SCHEMA, DROP. */
#include <string.h>

#include "target/sql_model.h"

typedef enum status alter_fn(struct sql_model *m, struct sql_table *t,
                             struct sql_column *c, const struct json *cmd,
                             struct error *err);

static enum status
add_column(struct sql_model *m, struct sql_table *t, struct sql_column *c,
           const struct json *cmd, struct error *err)
{
    const struct json *def = json_get(json_get(cmd, "def"), "ColumnDef");

    (void)c;
    if (json_bool(json_get(cmd, "missing_ok"), false) &&
        sql_column_find(t, json_get_str(def, "colname", "")))
        return OK;
    return sql_column_new(m, t, def, err);
}

static enum status
drop_column(struct sql_model *m, struct sql_table *t, struct sql_column *c,
            const struct json *cmd, struct error *err)
{
    (void)cmd;
    (void)err;
    if (c)
        sql_column_drop(m, t, c->name);
    return OK;
}

static enum status
not_null(struct sql_model *m, struct sql_table *t, struct sql_column *c,
         const struct json *cmd, struct error *err)
{
    (void)m;
    (void)t;
    (void)err;
    if (c)
        c->not_null =
            strcmp(json_get_str(cmd, "subtype", ""), "AT_SetNotNull") == 0;
    return OK;
}

static enum status
default_to(struct sql_model *m, struct sql_table *t, struct sql_column *c,
           const struct json *cmd, struct error *err)
{
    const struct json *expr = json_get(cmd, "def");

    m->on = t;
    if (c)
        c->expr = NULL;
    return c && expr ? sql_expr_text(m, expr, &c->type, &c->expr, err) : OK;
}

static enum status
type_to(struct sql_model *m, struct sql_table *t, struct sql_column *c,
        const struct json *cmd, struct error *err)
{
    const struct json *def = json_get(json_get(cmd, "def"), "ColumnDef");

    (void)t;
    return c ? sql_type_read(m, json_get(def, "typeName"), &c->type, err) : OK;
}

static enum status
add_constraint(struct sql_model *m, struct sql_table *t, struct sql_column *c,
               const struct json *cmd, struct error *err)
{
    return sql_constraint(m, t, c, json_get(json_get(cmd, "def"), "Constraint"),
                          err);
}

static enum status
drop_constraint(struct sql_model *m, struct sql_table *t, struct sql_column *c,
                const struct json *cmd, struct error *err)
{
    const char *name = json_get_str(cmd, "name", "");
    size_t kept = 0;

    (void)m;
    (void)c;
    (void)err;
    if (t->key_name && strcmp(t->key_name, name) == 0) {
        t->n_key = 0;
        t->key_name = NULL;
    }
    for (size_t i = 0; i < t->n_fks; i++)
        if (strcmp(t->fks[i].name, name) != 0)
            t->fks[kept++] = t->fks[i];
    t->n_fks = kept;
    return OK;
}

static enum status
drop_identity(struct sql_model *m, struct sql_table *t, struct sql_column *c,
              const struct json *cmd, struct error *err)
{
    (void)m;
    (void)t;
    (void)cmd;
    (void)err;
    if (c)
        c->identity = false;
    return OK;
}

static enum status
drop_expression(struct sql_model *m, struct sql_table *t, struct sql_column *c,
                const struct json *cmd, struct error *err)
{
    (void)m;
    (void)t;
    (void)cmd;
    (void)err;
    if (c) {
        c->generated = false;
        c->expr = NULL;
    }
    return OK;
}

static enum status
partition(struct sql_model *m, struct sql_table *t, struct sql_column *c,
          const struct json *cmd, struct error *err)
{
    const struct json *def = json_get(json_get(cmd, "def"), "PartitionCmd");
    bool attach =
        strcmp(json_get_str(cmd, "subtype", ""), "AT_AttachPartition") == 0;
    const char *schema, *name;

    (void)c;
    (void)sql_range(json_get(def, "name"), &schema, &name);
    struct sql_table *part = sql_table_find(m, schema, name);
    if (!part)
        return OK;
    for (const struct sql_table *up = t; attach && up; up = up->parent)
        if (up == part)
            return sql_fail(m, err, E_INPUT,
                            "%s.%s would be a partition of itself",
                            part->schema, part->name);
    part->parent = attach ? t : NULL;
    if (attach) /* a dump gives the key afterwards */
        return OK;
    for (size_t i = 0; i < t->n_fks; i++) {
        struct sql_fk *list =
            sql_grow(m, part->fks, part->n_fks, sizeof(*list));
        if (!list)
            return fail(err, E_NOMEM, "%s:%d: partition", m->file, m->line);
        part->fks = list;
        list[part->n_fks++] = t->fks[i];
    }
    return OK;
}

static enum status
row_security(struct sql_model *m, struct sql_table *t, struct sql_column *c,
             const struct json *cmd, struct error *err)
{
    (void)m;
    (void)c;
    (void)err;
    t->row_security =
        strcmp(json_get_str(cmd, "subtype", ""), "AT_EnableRowSecurity") == 0;
    return OK;
}

static const struct {
    const char *subtype;
    bool on_column; /* which must exist */
    alter_fn *run;
} alterations[] = {
    {"AT_AddColumn", false, add_column},
    {"AT_DropColumn", true, drop_column},
    {"AT_SetNotNull", true, not_null},
    {"AT_DropNotNull", true, not_null},
    {"AT_ColumnDefault", true, default_to},
    {"AT_AlterColumnType", true, type_to},
    {"AT_AddConstraint", false, add_constraint},
    {"AT_DropConstraint", false, drop_constraint},
    {"AT_AddIdentity", true, add_constraint},
    {"AT_DropIdentity", true, drop_identity},
    {"AT_DropExpression", true, drop_expression},
    {"AT_AttachPartition", false, partition},
    {"AT_DetachPartition", false, partition},
    {"AT_EnableRowSecurity", false, row_security},
    {"AT_DisableRowSecurity", false, row_security},
};

/* What is done to a parent reaches its partitions. */
static bool
inherited(const char *subtype)
{
    static const char *const rows[] = {
        "AT_AddColumn",   "AT_DropColumn",    "AT_SetNotNull",
        "AT_DropNotNull", "AT_ColumnDefault", "AT_AlterColumnType"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i], subtype) == 0)
            return true;
    return false;
}

static enum status
alter(struct sql_model *m, struct sql_table *t, const struct json *cmd,
      struct error *err)
{
    const char *subtype = json_get_str(cmd, "subtype", "");
    const char *name = json_get_str(cmd, "name", NULL);
    size_t i = 0, n = sizeof(alterations) / sizeof(alterations[0]);
    enum status rc;

    while (i < n && strcmp(alterations[i].subtype, subtype) != 0)
        i++;
    if (i == n)
        return OK; /* owner, storage, triggers, …: not in the model */
    struct sql_column *c = name ? sql_column_find(t, name) : NULL;
    if (alterations[i].on_column && !c &&
        !json_bool(json_get(cmd, "missing_ok"), false))
        return sql_fail(m, err, E_INPUT, "%s.%s has no column %s", t->schema,
                        t->name, name ? name : "");
    rc = alterations[i].run(m, t, c, cmd, err);
    for (size_t k = 0; rc == OK && inherited(subtype) && k < m->n_tables; k++)
        if (m->tables[k]->parent == t)
            rc = alter(m, m->tables[k], cmd, err);
    return rc;
}

enum status
sql_alter_table(struct sql_model *m, const struct json *node, struct error *err)
{
    const struct json *cmds = json_get(node, "cmds");
    const char *schema, *name;
    enum status rc = OK;

    if (!sql_range(json_get(node, "relation"), &schema, &name) ||
        strcmp(json_get_str(node, "objtype", ""), "OBJECT_TYPE") == 0 ||
        strcmp(json_get_str(node, "objtype", ""), "OBJECT_INDEX") == 0 ||
        strcmp(json_get_str(node, "objtype", ""), "OBJECT_SEQUENCE") == 0)
        return OK;
    struct sql_table *t = sql_table_find(m, schema, name);
    if (!t) { /* the platform's, or a sequence's owner through ALTER TABLE */
        bool quiet = json_bool(json_get(node, "missing_ok"), false);
        for (uint32_t i = 0; json_is(cmds, JSON_ARRAY) && i < cmds->n; i++)
            quiet =
                quiet ||
                strcmp(json_get_str(json_get(cmds->items[i], "AlterTableCmd"),
                                    "subtype", ""),
                       "AT_ChangeOwner") == 0;
        if (!quiet)
            sql_note(m, "ALTER TABLE %s%s%s: not made by these files",
                     schema ? schema : "", schema ? "." : "", name);
        return OK;
    }
    for (uint32_t i = 0; rc == OK && json_is(cmds, JSON_ARRAY) && i < cmds->n;
         i++)
        rc = alter(m, t, json_get(cmds->items[i], "AlterTableCmd"), err);
    return rc;
}

static void
rename_in(const char **names, size_t n, const char *from, const char *to)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], from) == 0)
            names[i] = to;
}

static void
rename_column(struct sql_model *m, struct sql_table *t, const char *from,
              const char *to)
{
    struct sql_column *c = sql_column_find(t, from);

    if (!c)
        return;
    c->name = to;
    rename_in(t->key, t->n_key, from, to);
    for (size_t i = 0; i < t->n_fks; i++)
        rename_in(t->fks[i].columns, t->fks[i].n, from, to);
    for (size_t i = 0; i < m->n_tables; i++) {
        struct sql_table *other = m->tables[i];
        for (size_t k = 0; k < other->n_fks; k++)
            if (other->fks[k].to == t && other->fks[k].key)
                rename_in(&other->fks[k].key, 1, from, to);
        if (other->parent == t)
            rename_column(m, other, from, to);
    }
}

static void
rename_constraint(struct sql_table *t, const char *from, const char *to)
{
    if (t->key_name)
        rename_in(&t->key_name, 1, from, to);
    for (size_t i = 0; i < t->n_fks; i++)
        rename_in(&t->fks[i].name, 1, from, to);
}

/* Defaults name their type: 'free'::public.plan. */
static enum status
retype_defaults(struct sql_model *m, struct sql_def *d, const char *schema,
                const char *name, struct error *err)
{
    const char *from = sql_qualified(m, d->schema, d->name);
    const char *to = sql_qualified(m, schema, name);

    for (size_t i = 0; from && to && i < m->n_tables; i++)
        for (size_t k = 0; k < m->tables[i]->n_columns; k++) {
            struct sql_column *c = &m->tables[i]->columns[k];
            const char *at = c->expr ? strstr(c->expr, from) : NULL;
            if (c->type.def != d || !at || at < c->expr + 2 || at[-1] != ':')
                continue;
            c->expr = arena_printf(m->w, "%.*s%s%s", (int)(at - c->expr),
                                   c->expr, to, at + strlen(from));
            if (!c->expr)
                return fail(err, E_NOMEM, "%s:%d: default", m->file, m->line);
        }
    d->schema = schema;
    d->name = name;
    return from && to ? OK
                      : fail(err, E_NOMEM, "%s:%d: type", m->file, m->line);
}

static struct sql_def *
def_of(const struct sql_model *m, const struct json *object)
{
    const struct json *list = json_get(json_get(object, "List"), "items");
    const char *schema, *name;

    if (!list)
        list = json_get(json_get(object, "TypeName"), "names");
    sql_names(list, &schema, &name);
    return sql_def_find(m, schema, name);
}

static bool
is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static const char *const relations[] = {"OBJECT_TABLE", "OBJECT_VIEW",
                                        "OBJECT_MATVIEW",
                                        "OBJECT_FOREIGN_TABLE", NULL};
static const char *const types[] = {"OBJECT_TYPE", "OBJECT_DOMAIN", NULL};

static enum status
rename_schema(struct sql_model *m, const char *from, const char *to)
{
    for (size_t i = 0; i < m->n_tables; i++)
        rename_in(&m->tables[i]->schema, 1, from, to);
    for (size_t i = 0; i < m->n_defs; i++)
        rename_in(&m->defs[i]->schema, 1, from, to);
    return OK;
}

static void
rename_trigger(struct sql_table *t, const char *from, const char *to)
{
    rename_in(t->triggers, t->n_triggers, from, to);
}

enum status
sql_rename(struct sql_model *m, const struct json *node, struct error *err)
{
    const char *what = json_get_str(node, "renameType", "");
    const char *from = json_get_str(node, "subname", "");
    const char *to = json_get_str(node, "newname", "");
    const char *schema, *name;

    if (strcmp(what, "OBJECT_SCHEMA") == 0)
        return rename_schema(m, from, to);
    if (is_one_of(what, types)) {
        struct sql_def *d = def_of(m, json_get(node, "object"));
        return d ? retype_defaults(m, d, d->schema, to, err) : OK;
    }
    (void)sql_range(json_get(node, "relation"), &schema, &name);
    struct sql_table *t = sql_table_find(m, schema, name);
    if (!t)
        return OK;
    if (is_one_of(what, relations))
        t->name = to;
    else if (strcmp(what, "OBJECT_COLUMN") == 0)
        rename_column(m, t, from, to);
    else if (strcmp(what, "OBJECT_TABCONSTRAINT") == 0)
        rename_constraint(t, from, to);
    else if (strcmp(what, "OBJECT_TRIGGER") == 0)
        rename_trigger(t, from, to);
    return OK;
}

/* A serial's sequence moves with its table. */
static enum status
move_table(struct sql_model *m, struct sql_table *t, const char *to,
           struct error *err)
{
    const char *from = sql_quoted(m, t->schema), *quoted = sql_quoted(m, to);
    const char *head = arena_printf(m->w, "nextval('%s.", from ? from : "");

    if (!from || !quoted || !head)
        return fail(err, E_NOMEM, "%s:%d: table", m->file, m->line);
    t->schema = to;
    for (size_t i = 0; i < t->n_columns; i++) {
        struct sql_column *c = &t->columns[i];
        if (!c->expr || strncmp(c->expr, head, strlen(head)) != 0)
            continue;
        c->expr = arena_printf(m->w, "nextval('%s.%s", quoted,
                               c->expr + strlen(head));
        if (!c->expr)
            return fail(err, E_NOMEM, "%s:%d: table", m->file, m->line);
    }
    return OK;
}

enum status
sql_set_schema(struct sql_model *m, const struct json *node, struct error *err)
{
    const char *what = json_get_str(node, "objectType", "");
    const char *to = json_get_str(node, "newschema", "");
    const struct json *object = json_get(node, "object");
    const char *schema, *name;

    if (is_one_of(what, types)) {
        struct sql_def *d = def_of(m, object);
        return d ? retype_defaults(m, d, to, d->name, err) : OK;
    }
    if (strcmp(what, "OBJECT_EXTENSION") == 0) {
        for (size_t i = 0; i < m->n_extensions; i++)
            if (strcmp(m->extensions[i].name,
                       sql_string(object) ? sql_string(object) : "") == 0)
                m->extensions[i].schema = to;
        return OK;
    }
    (void)sql_range(json_get(node, "relation"), &schema, &name);
    struct sql_table *t =
        is_one_of(what, relations) ? sql_table_find(m, schema, name) : NULL;
    return t ? move_table(m, t, to, err) : OK;
}
