/* Types, DROP, search_path, extensions, triggers, publications. */
#include <string.h>

#include "target/sql_model.h"

/* ---- types ---- */

static enum status
labels_read(struct sql_model *m, struct sql_def *d, const struct json *list,
            struct error *err)
{
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++) {
        const char **more = sql_grow(m, d->labels, d->n_labels, sizeof(*more));
        if (!more)
            return fail(err, E_NOMEM, "%s:%d: enum", m->file, m->line);
        d->labels = more;
        more[d->n_labels++] = sql_string(list->items[i]);
    }
    return OK;
}

enum status
sql_create_enum(struct sql_model *m, const struct json *node, struct error *err)
{
    const char *schema, *name;
    struct sql_def *d = NULL;

    sql_names(json_get(node, "typeName"), &schema, &name);
    enum status rc = sql_def_add(m, schema, name, 'e', &d, err);
    return rc == OK ? labels_read(m, d, json_get(node, "vals"), err) : rc;
}

static size_t
label_at(const struct sql_def *d, const char *label)
{
    size_t i = 0;

    while (i < d->n_labels && strcmp(d->labels[i], label) != 0)
        i++;
    return i;
}

enum status
sql_alter_enum(struct sql_model *m, const struct json *node, struct error *err)
{
    const char *old = json_get_str(node, "oldVal", NULL);
    const char *label = json_get_str(node, "newVal", "");
    const char *beside = json_get_str(node, "newValNeighbor", NULL);
    const char *schema, *name;

    sql_names(json_get(node, "typeName"), &schema, &name);
    struct sql_def *d = sql_def_find(m, schema, name);
    if (!d) {
        sql_note(m, "ALTER TYPE %s: not made by these files", name);
        return OK;
    }
    if (old) {
        size_t i = label_at(d, old);
        if (i < d->n_labels)
            d->labels[i] = label;
        return OK;
    }
    if (label_at(d, label) < d->n_labels) {
        if (json_bool(json_get(node, "skipIfNewValExists"), false))
            return OK;
        return sql_fail(m, err, E_INPUT, "%s.%s has the value '%s' already",
                        d->schema, d->name, label);
    }
    size_t at = beside ? label_at(d, beside) : d->n_labels;
    if (beside && at == d->n_labels)
        return sql_fail(m, err, E_INPUT, "%s.%s has no value '%s'", d->schema,
                        d->name, beside);
    if (beside && json_bool(json_get(node, "newValIsAfter"), false))
        at++;
    const char **more = sql_grow(m, d->labels, d->n_labels, sizeof(*more));
    if (!more)
        return fail(err, E_NOMEM, "%s:%d: enum", m->file, m->line);
    d->labels = more;
    memmove(more + at + 1, more + at, (d->n_labels - at) * sizeof(*more));
    more[at] = label;
    d->n_labels++;
    return OK;
}

enum status
sql_create_domain(struct sql_model *m, const struct json *node,
                  struct error *err)
{
    const char *schema, *name;
    struct sql_def *d = NULL;

    sql_names(json_get(node, "domainname"), &schema, &name);
    enum status rc = sql_def_add(m, schema, name, 'd', &d, err);
    return rc == OK
               ? sql_type_read(m, json_get(node, "typeName"), &d->base, err)
               : rc;
}

enum status
sql_create_composite(struct sql_model *m, const struct json *node,
                     struct error *err)
{
    const char *schema, *name;
    struct sql_def *d = NULL;

    (void)sql_range(json_get(node, "typevar"), &schema, &name);
    return sql_def_add(m, schema, name, 'c', &d, err);
}

enum status
sql_create_range(struct sql_model *m, const struct json *node,
                 struct error *err)
{
    const char *schema, *name;
    struct sql_def *d = NULL;

    sql_names(json_get(node, "typeName"), &schema, &name);
    return sql_def_add(m, schema, name, 'r', &d, err);
}

/* ---- DROP ---- */

static void
drop_type(struct sql_model *m, struct sql_def *d, bool cascade)
{
    for (size_t i = 0; cascade && i < m->n_tables; i++) {
        struct sql_table *t = m->tables[i];
        for (size_t k = t->n_columns; k-- > 0;)
            if (t->columns[k].type.def == d)
                sql_column_drop(m, t, t->columns[k].name);
    }
    d->dropped = true;
}

static void
drop_schema(struct sql_model *m, const char *name)
{
    for (size_t i = m->n_tables; i-- > 0;)
        if (i < m->n_tables && strcmp(m->tables[i]->schema, name) == 0)
            sql_table_drop(m, m->tables[i]);
    for (size_t i = 0; i < m->n_defs; i++)
        if (strcmp(m->defs[i]->schema, name) == 0)
            drop_type(m, m->defs[i], true);
}

static void
drop_named(struct sql_name *list, size_t *n, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++)
        if (strcmp(list[i].name, name) != 0)
            list[kept++] = list[i];
    *n = kept;
}

/* [schema,] table, trigger */
static void
drop_trigger(struct sql_model *m, const struct json *list)
{
    uint32_t n = list && json_is(list, JSON_ARRAY) ? list->n : 0;
    size_t kept = 0;

    if (n < 2)
        return;
    const char *trigger = sql_string(list->items[n - 1]);
    const char *table = sql_string(list->items[n - 2]);
    const char *schema = n > 2 ? sql_string(list->items[n - 3]) : NULL;
    struct sql_table *t = table ? sql_table_find(m, schema, table) : NULL;
    for (size_t i = 0; t && trigger && i < t->n_triggers; i++)
        if (strcmp(t->triggers[i], trigger) != 0)
            t->triggers[kept++] = t->triggers[i];
    if (t)
        t->n_triggers = kept;
}

static void
drop_one(struct sql_model *m, const char *what, const struct json *object,
         bool cascade)
{
    const struct json *list = json_get(json_get(object, "List"), "items");
    const struct json *type = json_get(object, "TypeName");
    const char *word = sql_string(object), *schema, *name;

    sql_names(list ? list : json_get(type, "names"), &schema, &name);
    if (strcmp(what, "OBJECT_TABLE") == 0 || strcmp(what, "OBJECT_VIEW") == 0 ||
        strcmp(what, "OBJECT_MATVIEW") == 0 ||
        strcmp(what, "OBJECT_FOREIGN_TABLE") == 0) {
        struct sql_table *t = sql_table_find(m, schema, name);
        if (t)
            sql_table_drop(m, t);
    } else if (strcmp(what, "OBJECT_TYPE") == 0 ||
               strcmp(what, "OBJECT_DOMAIN") == 0) {
        struct sql_def *d = sql_def_find(m, schema, name);
        if (d)
            drop_type(m, d, cascade);
    } else if (strcmp(what, "OBJECT_TRIGGER") == 0) {
        drop_trigger(m, list);
    } else if (strcmp(what, "OBJECT_SCHEMA") == 0 && word) {
        drop_schema(m, word);
    } else if (strcmp(what, "OBJECT_EXTENSION") == 0 && word) {
        drop_named(m->extensions, &m->n_extensions, word);
    } else if (strcmp(what, "OBJECT_PUBLICATION") == 0 && word) {
        drop_named(m->publications, &m->n_publications, word);
    }
}

enum status
sql_drop(struct sql_model *m, const struct json *node, struct error *err)
{
    const struct json *objects = json_get(node, "objects");
    const char *what = json_get_str(node, "removeType", "");
    bool cascade =
        strcmp(json_get_str(node, "behavior", ""), "DROP_CASCADE") == 0;

    (void)err;
    for (uint32_t i = 0; json_is(objects, JSON_ARRAY) && i < objects->n; i++)
        drop_one(m, what, objects->items[i], cascade);
    return OK;
}

/* ---- search_path ---- */

static void
path_add(struct sql_model *m, const char *name)
{
    if (name && *name && strcmp(name, "$user") != 0 && m->n_path < SQL_PATH_MAX)
        m->path[m->n_path++] = name;
}

enum status
sql_set(struct sql_model *m, const struct json *node, struct error *err)
{
    const struct json *args = json_get(node, "args");

    (void)err;
    if (strcmp(json_get_str(node, "name", ""), "search_path") != 0)
        return OK;
    if (!args) {
        sql_path_default(m);
        return OK;
    }
    m->n_path = 0;
    for (uint32_t i = 0; json_is(args, JSON_ARRAY) && i < args->n; i++) {
        const struct json *c = json_get(args->items[i], "A_Const");
        path_add(m, json_get_str(json_get(c, "sval"), "sval", ""));
    }
    return OK;
}

/* pg_dump's select pg_catalog.set_config('search_path', '', false). */
enum status
sql_select(struct sql_model *m, const struct json *node, struct error *err)
{
    const struct json *targets = json_get(node, "targetList");
    const struct json *one = json_is(targets, JSON_ARRAY) && targets->n == 1
                                 ? targets->items[0]
                                 : NULL;
    const struct json *call =
        json_get(json_get(json_get(one, "ResTarget"), "val"), "FuncCall");
    const struct json *args = json_get(call, "args");
    const char *schema, *name, *words[2] = {"", ""};

    (void)err;
    sql_names(json_get(call, "funcname"), &schema, &name);
    if (strcmp(name, "set_config") != 0 || !json_is(args, JSON_ARRAY))
        return OK;
    for (uint32_t i = 0; i < args->n && i < 2; i++)
        words[i] = json_get_str(
            json_get(json_get(args->items[i], "A_Const"), "sval"), "sval", "");
    if (strcmp(words[0], "search_path") != 0)
        return OK;
    m->n_path = 0;
    while (*words[1]) {
        size_t n = strcspn(words[1], ", \"");
        if (n)
            path_add(m, arena_strndup(m->w, words[1], n));
        words[1] += n + (words[1][n] != '\0');
    }
    return OK;
}

/* ---- what else the catalogue tells ---- */

enum status
sql_create_extension(struct sql_model *m, const struct json *node,
                     struct error *err)
{
    const struct json *options = json_get(node, "options");
    struct sql_name one = {.name = json_get_str(node, "extname", "")};

    for (uint32_t i = 0; json_is(options, JSON_ARRAY) && i < options->n; i++) {
        const struct json *o = json_get(options->items[i], "DefElem");
        if (strcmp(json_get_str(o, "defname", ""), "schema") == 0)
            one.schema = sql_string(json_get(o, "arg"));
    }
    if (!one.schema)
        one.schema = m->n_path ? m->path[0] : "public";
    if (sql_extension(m, one.name))
        return OK;
    return sql_name_add(m, &m->extensions, &m->n_extensions, one, err);
}

/* Only its name: defaults that call it print with its schema. */
enum status
sql_create_function(struct sql_model *m, const struct json *node,
                    struct error *err)
{
    struct sql_name one = {0};

    sql_names(json_get(node, "funcname"), &one.schema, &one.name);
    if (!one.schema)
        one.schema = m->n_path ? m->path[0] : "public";
    return sql_name_add(m, &m->functions, &m->n_functions, one, err);
}

enum status
sql_create_trigger(struct sql_model *m, const struct json *node,
                   struct error *err)
{
    const char *name = json_get_str(node, "trigname", "");
    const char *schema, *table, *function_schema, *function;

    (void)sql_range(json_get(node, "relation"), &schema, &table);
    sql_names(json_get(node, "funcname"), &function_schema, &function);
    struct sql_table *t = sql_table_find(m, schema, table);
    if (!t || (function_schema && strcmp(function_schema, "skene_growth") == 0))
        return OK;
    for (size_t i = 0; i < t->n_triggers; i++)
        if (strcmp(t->triggers[i], name) == 0)
            return OK; /* CREATE OR REPLACE TRIGGER */
    const char **more = sql_grow(m, t->triggers, t->n_triggers, sizeof(*more));
    if (!more)
        return fail(err, E_NOMEM, "%s:%d: trigger", m->file, m->line);
    t->triggers = more;
    more[t->n_triggers++] = name;
    return OK;
}

static enum status
publish(struct sql_model *m, const char *name, const struct json *list,
        struct error *err)
{
    enum status rc = OK;

    for (uint32_t i = 0; rc == OK && json_is(list, JSON_ARRAY) && i < list->n;
         i++) {
        const struct json *o = json_get(list->items[i], "PublicationObjSpec");
        const struct json *range =
            json_get(json_get(o, "pubtable"), "relation");
        const char *schema = json_get_str(o, "name", NULL), *table;
        struct sql_name one = {.name = name, .schema = schema};
        if (range) {
            (void)sql_range(range, &schema, &table);
            one.table = sql_table_find(m, schema, table);
        } else if (!schema && m->n_path) { /* CURRENT_SCHEMA */
            one.schema = m->path[0];
        }
        if (one.table || one.schema)
            rc =
                sql_name_add(m, &m->publications, &m->n_publications, one, err);
    }
    return rc;
}

enum status
sql_create_publication(struct sql_model *m, const struct json *node,
                       struct error *err)
{
    const char *name = json_get_str(node, "pubname", "");

    if (json_bool(json_get(node, "for_all_tables"), false))
        return sql_name_add(m, &m->publications, &m->n_publications,
                            (struct sql_name){.name = name}, err);
    return publish(m, name, json_get(node, "pubobjects"), err);
}

enum status
sql_alter_publication(struct sql_model *m, const struct json *node,
                      struct error *err)
{
    const struct json *list = json_get(node, "pubobjects");
    const char *name = json_get_str(node, "pubname", "");
    const char *action = json_get_str(node, "action", "");

    if (strcmp(action, "AP_SetObjects") == 0)
        drop_named(m->publications, &m->n_publications, name);
    if (strcmp(action, "AP_DropObjects") != 0)
        return publish(m, name, list, err);
    size_t from = m->n_publications, kept = 0;
    enum status rc = publish(m, name, list, err);
    for (size_t i = 0; i < from; i++) {
        bool gone = false;
        for (size_t k = from; k < m->n_publications; k++)
            gone =
                gone || (strcmp(m->publications[i].name, name) == 0 &&
                         m->publications[i].table == m->publications[k].table);
        if (!gone)
            m->publications[kept++] = m->publications[i];
    }
    m->n_publications = kept;
    return rc;
}
