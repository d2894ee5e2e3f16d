/* From the schema the files made to the catalogue model. */
#include <stdlib.h>
#include <string.h>

#include "target/sql_model.h"

/* As sql/target/catalog_tables.sql hides them. */
static bool
hidden(const struct sql_table *t)
{
    static const char *const schemas[] = {"information_schema",
                                          "skene_growth",
                                          "storage",
                                          "realtime",
                                          "_realtime",
                                          "_analytics",
                                          "vault",
                                          "extensions",
                                          "graphql",
                                          "graphql_public",
                                          "pgbouncer",
                                          "net",
                                          "cron",
                                          "pgsodium",
                                          "pgsodium_masks",
                                          "pgtle",
                                          "pgmq",
                                          "supautils",
                                          "supabase_functions",
                                          "supabase_migrations"};

    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
        if (strcmp(t->schema, schemas[i]) == 0)
            return true;
    return t->parent || strncmp(t->schema, "pg_", 3) == 0 ||
           (strcmp(t->schema, "auth") == 0 && strcmp(t->name, "users") != 0);
}

/* A NULL-terminated copy, or NULL for an empty list; false without memory. */
static bool
copy_list(struct arena *a, const char *const *from, size_t n,
          const char *const **out)
{
    const char **list = NULL;

    if (n && !(list = arena_array(a, n + 1, sizeof(*list))))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(list[i] = arena_strdup(a, from[i])))
            return false;
    *out = list;
    return true;
}

static int
by_text(const void *x, const void *y)
{
    const char *const *sx = x, *const *sy = y;

    return strcmp(*sx, *sy);
}

static bool
copy_column(struct sql_model *m, struct arena *a, const struct sql_column *from,
            struct column *to)
{
    const struct sql_def *labels = NULL;
    const char *type = sql_type_text(m, &from->type);

    to->type = sql_type_kind(&from->type, &labels);
    to->name = arena_strdup(a, from->name);
    to->type_name = type ? arena_strdup(a, type) : NULL;
    to->not_null = from->not_null;
    to->generated = from->generated;
    if (from->expr && !(to->default_expr = arena_strdup(a, from->expr)))
        return false;
    if (!to->name || !to->type_name)
        return false;
    if (!labels)
        return true;
    if (labels->n_labels)
        return copy_list(a, labels->labels, labels->n_labels, &to->enum_values);
    return (to->enum_values = arena_array(a, 1, sizeof(char *))) != NULL;
}

static int
by_column(const void *x, const void *y)
{
    const struct sql_fk *fx = x, *fy = y;
    int order = strcmp(fx->columns[0], fy->columns[0]);

    return order ? order : strcmp(fx->name, fy->name);
}

static bool
copy_fks(struct arena *a, const struct sql_table *from, struct table *to)
{
    to->fks = arena_array(a, from->n_fks + 1, sizeof(*to->fks));
    if (!to->fks)
        return false;
    if (from->n_fks)
        qsort(from->fks, from->n_fks, sizeof(*from->fks), by_column);
    for (size_t i = 0; i < from->n_fks; i++) {
        const struct sql_fk *fk = &from->fks[i];
        const char *key = fk->key;
        if (fk->n != 1)
            continue;
        if (!key)
            key = fk->to && fk->to->n_key ? fk->to->key[0] : "id";
        struct foreign_key *out = &to->fks[to->n_fks++];
        out->column = arena_strdup(a, fk->columns[0]);
        out->key = arena_strdup(a, key);
        out->table =
            arena_printf(a, "%s.%s", fk->to ? fk->to->schema : fk->to_schema,
                         fk->to ? fk->to->name : fk->to_name);
        if (!out->column || !out->key || !out->table)
            return false;
    }
    return true;
}

static bool
copy_publications(struct sql_model *m, struct arena *a,
                  const struct sql_table *from, struct table *to)
{
    const char **names =
        arena_array(m->w, m->n_publications + 1, sizeof(*names));
    size_t n = 0;

    for (size_t i = 0; names && i < m->n_publications; i++) {
        const struct sql_name *p = &m->publications[i];
        bool in = p->table    ? p->table == from
                  : p->schema ? strcmp(p->schema, from->schema) == 0
                              : true;
        if (in && (from->kind == 'r' || from->kind == 'p'))
            names[n++] = p->name;
    }
    if (n > 1)
        qsort(names, n, sizeof(*names), by_text);
    size_t kept = n > 0;
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], names[kept - 1]) != 0)
            names[kept++] = names[i];
    return names && copy_list(a, names, kept, &to->publications);
}

static bool
copy_table(struct sql_model *m, struct arena *a, const struct sql_table *from,
           struct table *to)
{
    const char *const *key = NULL;

    to->schema = arena_strdup(a, from->schema);
    to->name = arena_strdup(a, from->name);
    to->full = arena_printf(a, "%s.%s", from->schema, from->name);
    to->kind = from->kind;
    to->row_estimate = -1;
    to->row_security = from->row_security;
    to->n_columns = from->n_columns;
    to->columns = arena_array(a, from->n_columns + 1, sizeof(*to->columns));
    to->key = arena_array(a, from->n_key + 1, sizeof(*to->key));
    if (!to->schema || !to->name || !to->full || !to->columns || !to->key ||
        !copy_list(a, from->key, from->n_key, &key))
        return false;
    for (size_t i = 0; i < from->n_key; i++)
        to->key[i] = key[i];
    to->n_key = from->n_key;
    for (size_t i = 0; i < from->n_columns; i++)
        if (!copy_column(m, a, &from->columns[i], &to->columns[i]))
            return false;
    if (from->n_triggers > 1)
        qsort(from->triggers, from->n_triggers, sizeof(*from->triggers),
              by_text);
    return copy_fks(a, from, to) && copy_publications(m, a, from, to) &&
           copy_list(a, from->triggers, from->n_triggers, &to->triggers);
}

static int
by_full_name(const void *x, const void *y)
{
    const struct table *tx = x, *ty = y;

    return strcmp(tx->full, ty->full);
}

static bool
copy_extensions(struct sql_model *m, struct arena *a, struct catalog *c)
{
    const char **names = arena_array(m->w, m->n_extensions + 1, sizeof(*names));

    for (size_t i = 0; names && i < m->n_extensions; i++)
        names[i] = m->extensions[i].name;
    if (names && m->n_extensions > 1)
        qsort(names, m->n_extensions, sizeof(*names), by_text);
    return names && copy_list(a, names, m->n_extensions, &c->extensions);
}

enum status
sql_finish(struct sql_model *m, struct arena *a, struct catalog **out,
           struct error *err)
{
    struct catalog *c = arena_alloc(a, sizeof(*c));

    if (!c ||
        !(c->tables = arena_array(a, m->n_tables + 1, sizeof(*c->tables))))
        return fail(err, E_NOMEM, "catalogue of %zu tables", m->n_tables);
    for (size_t i = 0; i < m->n_tables; i++)
        if (!hidden(m->tables[i]) &&
            !copy_table(m, a, m->tables[i], &c->tables[c->n_tables++]))
            return fail(err, E_NOMEM, "catalogue of %zu tables", m->n_tables);
    if (!copy_extensions(m, a, c) ||
        !copy_list(a, m->notes, m->n_notes, &c->notes))
        return fail(err, E_NOMEM, "catalogue of %zu tables", m->n_tables);
    qsort(c->tables, c->n_tables, sizeof(*c->tables), by_full_name);
    enum status rc = catalog_finish(a, c, err);
    if (rc == OK)
        *out = c;
    return rc;
}
