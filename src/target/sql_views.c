/* Views: the columns of queries that only pick columns of known tables. */
#include <string.h>

#include "target/sql_model.h"

enum { SOURCES_MAX = 16 };

struct source {
    const char *alias;
    const struct sql_table *table;
};

struct query {
    struct source sources[SOURCES_MAX];
    size_t n;
    bool beyond; /* subqueries, functions, outer things: no columns */
};

static void
sources_add(const struct sql_model *m, struct query *q, const struct json *from)
{
    const struct json *join = json_get(from, "JoinExpr");
    const struct json *range = json_get(from, "RangeVar");
    const char *schema, *name;

    if (join) {
        /* USING and NATURAL merge columns, an alias hides the tables. */
        q->beyond = q->beyond || json_get(join, "usingClause") ||
                    json_get(join, "isNatural") || json_get(join, "alias");
        sources_add(m, q, json_get(join, "larg"));
        sources_add(m, q, json_get(join, "rarg"));
        return;
    }
    (void)sql_range(range, &schema, &name);
    const struct json *alias = json_get(range, "alias");
    const struct sql_table *t = range ? sql_table_find(m, schema, name) : NULL;
    if (!t || q->n == SOURCES_MAX || json_get(alias, "colnames") ||
        !t->n_columns) {
        q->beyond = true;
        return;
    }
    q->sources[q->n++] =
        (struct source){json_get_str(alias, "aliasname", name), t};
}

static enum status
column_put(struct sql_model *m, struct sql_table *t, const char *name,
           const struct sql_type *type, struct error *err)
{
    struct sql_column *c = sql_column_add(m, t);

    if (!c)
        return fail(err, E_NOMEM, "%s:%d: view", m->file, m->line);
    c->name = name;
    c->type = *type;
    return OK;
}

/* * or alias.* */
static enum status
star(struct sql_model *m, struct sql_table *t, struct query *q,
     const char *alias, struct error *err)
{
    enum status rc = OK;
    bool any = false;

    for (size_t i = 0; i < q->n; i++) {
        const struct sql_table *from = q->sources[i].table;
        if (alias && strcmp(alias, q->sources[i].alias) != 0)
            continue;
        any = true;
        for (size_t k = 0; rc == OK && k < from->n_columns; k++)
            rc = column_put(m, t, from->columns[k].name, &from->columns[k].type,
                            err);
    }
    q->beyond = q->beyond || !any;
    return rc;
}

static const struct sql_column *
column_of(const struct query *q, const char *alias, const char *name)
{
    const struct sql_column *found = NULL;

    for (size_t i = 0; i < q->n; i++) {
        const struct sql_column *c =
            alias && strcmp(alias, q->sources[i].alias) != 0
                ? NULL
                : sql_column_find(q->sources[i].table, name);
        if (c && found)
            return NULL;
        found = c ? c : found;
    }
    return found;
}

static enum status
reference(struct sql_model *m, struct sql_table *t, struct query *q,
          const struct json *ref, const char *as, const struct sql_type *cast,
          struct error *err)
{
    const struct json *fields = json_get(ref, "fields");
    uint32_t n = json_is(fields, JSON_ARRAY) ? fields->n : 0;
    const char *alias = n == 2 ? sql_string(fields->items[0]) : NULL;
    const char *name = n ? sql_string(fields->items[n - 1]) : NULL;

    if (n == 0 || n > 2 || (n == 2 && !alias)) {
        q->beyond = true;
        return OK;
    }
    if (!name && !cast)
        return star(m, t, q, alias, err);
    const struct sql_column *c = name ? column_of(q, alias, name) : NULL;
    if (!c) {
        q->beyond = true;
        return OK;
    }
    return column_put(m, t, as ? as : name, cast ? cast : &c->type, err);
}

static enum status
target(struct sql_model *m, struct sql_table *t, struct query *q,
       const struct json *node, struct error *err)
{
    const struct json *val = json_get(node, "val");
    const struct json *cast = json_get(val, "TypeCast");
    const char *as = json_get_str(node, "name", NULL);
    struct sql_type type;

    if (cast) {
        enum status rc =
            sql_type_read(m, json_get(cast, "typeName"), &type, err);
        if (rc != OK)
            return rc;
        val = json_get(cast, "arg");
    }
    return reference(m, t, q, json_get(val, "ColumnRef"), as,
                     cast ? &type : NULL, err);
}

static enum status
reads(struct sql_model *m, struct sql_table *t, const struct query *q,
      struct error *err)
{
    t->reads = arena_array(m->w, q->n + 1, sizeof(struct sql_table *));
    if (!t->reads)
        return fail(err, E_NOMEM, "%s:%d: view", m->file, m->line);
    for (size_t i = 0; i < q->n; i++)
        t->reads[i] = q->sources[i].table;
    t->n_reads = q->n;
    return OK;
}

enum status
sql_query_columns(struct sql_model *m, struct sql_table *t,
                  const struct json *query, const struct json *aliases,
                  struct error *err)
{
    const struct json *select = json_get(query, "SelectStmt");
    const struct json *from = json_get(select, "fromClause");
    const struct json *list = json_get(select, "targetList");
    struct query q = {.beyond = json_get(select, "withClause") ||
                                !json_is(from, JSON_ARRAY) ||
                                !json_is(list, JSON_ARRAY)};
    enum status rc = OK;

    t->n_columns = 0;
    for (uint32_t i = 0; !q.beyond && i < from->n; i++)
        sources_add(m, &q, from->items[i]);
    for (uint32_t i = 0; rc == OK && !q.beyond && i < list->n; i++)
        rc = target(m, t, &q, json_get(list->items[i], "ResTarget"), err);
    if (rc == OK && t->kind != 'r')
        rc = reads(m, t, &q, err);
    if (rc != OK)
        return rc;
    if (q.beyond) {
        t->n_columns = 0;
        sql_note(m, "%s.%s: the columns of its query are left out", t->schema,
                 t->name);
        return OK;
    }
    for (uint32_t i = 0;
         json_is(aliases, JSON_ARRAY) && i < aliases->n && i < t->n_columns;
         i++)
        t->columns[i].name = sql_string(aliases->items[i]);
    return OK;
}

enum status
sql_create_view(struct sql_model *m, const struct json *node, struct error *err)
{
    const char *schema, *name;
    struct sql_table *t = NULL;

    if (!sql_range(json_get(node, "view"), &schema, &name))
        return OK;
    if (json_bool(json_get(node, "replace"), false)) {
        const char *in = schema ? schema : m->n_path ? m->path[0] : "";
        t = sql_table_find(m, in, name);
    }
    enum status rc = t ? OK : sql_table_add(m, schema, name, 'v', &t, err);
    return rc == OK ? sql_query_columns(m, t, json_get(node, "query"),
                                        json_get(node, "aliases"), err)
                    : rc;
}

/* CREATE TABLE AS, CREATE MATERIALIZED VIEW. */
enum status
sql_create_table_as(struct sql_model *m, const struct json *node,
                    struct error *err)
{
    const struct json *into = json_get(node, "into");
    bool view =
        strcmp(json_get_str(node, "objtype", ""), "OBJECT_MATVIEW") == 0;
    const char *schema, *name;
    struct sql_table *t = NULL;

    if (!sql_range(json_get(into, "rel"), &schema, &name))
        return OK;
    if (json_bool(json_get(node, "if_not_exists"), false)) {
        const char *in = schema ? schema : m->n_path ? m->path[0] : "";
        if (sql_table_find(m, in, name))
            return OK;
    }
    enum status rc = sql_table_add(m, schema, name, view ? 'm' : 'r', &t, err);
    return rc == OK ? sql_query_columns(m, t, json_get(node, "query"),
                                        json_get(into, "colNames"), err)
                    : rc;
}
