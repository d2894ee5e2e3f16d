#include "target/sql_model.h"

#include <string.h>

enum { GROW_FIRST = 4, NOTES_MAX = 200 };

void *
sql_grow(struct sql_model *m, void *items, size_t n, size_t size)
{
    /* The list holds 4, 8, 16, …: full when n is one of these. */
    bool full = n == 0 || (n >= GROW_FIRST && (n & (n - 1)) == 0);

    if (!full)
        return items;
    void *more = arena_array(m->w, n ? 2 * n : GROW_FIRST, size);
    if (more && n)
        memcpy(more, items, n * size);
    return more;
}

void
sql_path_default(struct sql_model *m)
{
    m->path[0] = "public";
    m->n_path = 1;
}

void
sql_note(struct sql_model *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    const char *text = arena_vprintf(m->w, fmt, ap);
    va_end(ap);
    if (m->n_notes >= NOTES_MAX || !text)
        return;
    text = arena_printf(m->w, "%s:%d: %s", m->file, m->line, text);
    const char **notes = sql_grow(m, m->notes, m->n_notes, sizeof(*m->notes));
    if (!notes || !text)
        return;
    m->notes = notes;
    notes[m->n_notes++] = text;
}

const char *
sql_string(const struct json *node)
{
    return json_get_str(json_get(node, "String"), "sval", NULL);
}

void
sql_names(const struct json *list, const char **schema, const char **name)
{
    uint32_t n = json_is(list, JSON_ARRAY) ? list->n : 0;

    *name = n ? sql_string(list->items[n - 1]) : NULL;
    *schema = n > 1 ? sql_string(list->items[n - 2]) : NULL;
    if (!*name)
        *name = "";
}

bool
sql_range(const struct json *range, const char **schema, const char **name)
{
    *schema = json_get_str(range, "schemaname", NULL);
    *name = json_get_str(range, "relname", "");
    return json_get_str(range, "relpersistence", "p")[0] != 't';
}

static struct sql_table *
find_exact(const struct sql_model *m, const char *schema, const char *name)
{
    for (size_t i = 0; i < m->n_tables; i++)
        if (strcmp(m->tables[i]->name, name) == 0 &&
            strcmp(m->tables[i]->schema, schema) == 0)
            return m->tables[i];
    return NULL;
}

struct sql_table *
sql_table_find(const struct sql_model *m, const char *schema, const char *name)
{
    if (schema)
        return find_exact(m, schema, name);
    for (size_t i = 0; i < m->n_path; i++) {
        struct sql_table *t = find_exact(m, m->path[i], name);
        if (t)
            return t;
    }
    return NULL;
}

struct sql_column *
sql_column_find(const struct sql_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

enum status
sql_table_add(struct sql_model *m, const char *schema, const char *name,
              char kind, struct sql_table **out, struct error *err)
{
    if (!schema && !m->n_path) {
        (void)error_hint(err, "write schema.%s, or set search_path", name);
        return sql_fail(m, err, E_INPUT, "no schema to create %s in", name);
    }
    if (!schema)
        schema = m->path[0];
    if (find_exact(m, schema, name)) {
        (void)error_hint(err, "give the files in the order they are run in, "
                              "and each once");
        return sql_fail(m, err, E_INPUT, "%s.%s exists already", schema, name);
    }
    struct sql_table **list =
        sql_grow(m, m->tables, m->n_tables, sizeof(struct sql_table *));
    struct sql_table *t = arena_alloc(m->w, sizeof(*t));
    if (!list || !t)
        return fail(err, E_NOMEM, "%s: table %s", m->file, name);
    t->schema = schema;
    t->name = name;
    t->kind = kind;
    m->tables = list;
    m->tables[m->n_tables++] = t;
    *out = t;
    return OK;
}

static void
fks_to(struct sql_model *m, const struct sql_table *to, const char *column)
{
    for (size_t i = 0; i < m->n_tables; i++) {
        struct sql_table *t = m->tables[i];
        size_t kept = 0;
        for (size_t k = 0; k < t->n_fks; k++) {
            const struct sql_fk *fk = &t->fks[k];
            bool gone = fk->to == to &&
                        (!column || (fk->key && strcmp(fk->key, column) == 0));
            if (!gone)
                t->fks[kept++] = *fk;
        }
        t->n_fks = kept;
    }
}

static bool
depends(const struct sql_table *t, const struct sql_table *on)
{
    for (size_t i = 0; i < t->n_reads; i++)
        if (t->reads[i] == on)
            return true;
    return t->parent == on;
}

/* It goes first: views may read each other. */
void
sql_table_drop(struct sql_model *m, const struct sql_table *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->n_tables; i++)
        if (m->tables[i] != t)
            m->tables[kept++] = m->tables[i];
    m->n_tables = kept;
    fks_to(m, t, NULL);
    kept = 0;
    for (size_t i = 0; i < m->n_publications; i++)
        if (m->publications[i].table != t)
            m->publications[kept++] = m->publications[i];
    m->n_publications = kept;
    for (size_t i = m->n_tables; i-- > 0;)
        if (i < m->n_tables && depends(m->tables[i], t)) {
            sql_table_drop(m, m->tables[i]);
            i = m->n_tables;
        }
}

static bool
has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

void
sql_column_drop(struct sql_model *m, struct sql_table *t, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) != 0)
            t->columns[kept++] = t->columns[i];
    if (kept == t->n_columns)
        return;
    t->n_columns = kept;
    if (has(t->key, t->n_key, name))
        t->n_key = 0;
    kept = 0;
    for (size_t i = 0; i < t->n_fks; i++)
        if (!has(t->fks[i].columns, t->fks[i].n, name))
            t->fks[kept++] = t->fks[i];
    t->n_fks = kept;
    fks_to(m, t, name);
    for (size_t i = 0; i < m->n_tables; i++)
        if (m->tables[i]->parent == t)
            sql_column_drop(m, m->tables[i], name);
}

struct sql_column *
sql_column_add(struct sql_model *m, struct sql_table *t)
{
    struct sql_column *list =
        sql_grow(m, t->columns, t->n_columns, sizeof(*list));

    if (!list)
        return NULL;
    t->columns = list;
    list[t->n_columns] = (struct sql_column){0};
    return &list[t->n_columns++];
}

enum status
sql_name_add(struct sql_model *m, struct sql_name **list, size_t *n,
             struct sql_name name, struct error *err)
{
    struct sql_name *more = sql_grow(m, *list, *n, sizeof(*more));

    if (!more)
        return fail(err, E_NOMEM, "%s", m->file);
    *list = more;
    more[(*n)++] = name;
    return OK;
}

const char *
sql_extension(const struct sql_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_extensions; i++)
        if (strcmp(m->extensions[i].name, name) == 0)
            return m->extensions[i].schema;
    return NULL;
}
