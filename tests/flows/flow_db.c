#include <ctype.h>
#include <string.h>

#include "codec/time.h"
#include "core/predicate.h"
#include "flow.h"

static const struct json null_value = {.kind = JSON_NULL};

/* ---- tables ---- */

static struct json *
text_of(struct arena *a, const char *from, size_t n)
{
    return json_string_n(a, from, n);
}

/* "a.b.c" -> "a.b" and "c" */
static struct json *
foreign(struct arena *a, const char *column, const char *target)
{
    const char *dot = strrchr(target, '.');
    struct json *o = json_object(a);

    if (!dot)
        return NULL;
    o = json_put(a, o, "column", json_string(a, column));
    o = json_put(a, o, "table", text_of(a, target, (size_t)(dot - target)));
    return json_put(a, o, "key", json_string(a, dot + 1));
}

static struct json *
column_of(struct arena *a, char *text, struct json *key, struct json *fks)
{
    char *save = NULL;
    const char *name = strtok_r(text, " ", &save);
    const char *type = strtok_r(NULL, " ", &save);
    struct json *o = json_object(a);
    char *word;

    if (!name || !type)
        return NULL;
    if (strcmp(type, "time") == 0)
        type = "timestamp with time zone";
    while ((word = strtok_r(NULL, " ", &save))) {
        if (strcmp(word, "key") == 0)
            key = json_push(a, key, json_string(a, name));
        else if (strcmp(word, "->") == 0 &&
                 (word = strtok_r(NULL, " ", &save)) != NULL)
            fks = json_push(a, fks, foreign(a, name, word));
        else
            return NULL;
    }
    o = json_put(a, o, "name", json_string(a, name));
    o = json_put(a, o, "type", json_string(a, type));
    return key && fks ? o : NULL;
}

static struct json *
table_of(struct arena *a, char *line)
{
    char *colon = strchr(line, ':'), *dot = strchr(line, '.'), *save = NULL;
    struct json *o = json_object(a), *columns = json_array(a);
    struct json *key = json_array(a), *fks = json_array(a);

    if (!colon || !dot || dot > colon)
        return NULL;
    o = json_put(a, o, "schema", text_of(a, line, (size_t)(dot - line)));
    o = json_put(a, o, "name", text_of(a, dot + 1, (size_t)(colon - dot - 1)));
    o = json_put(a, o, "kind", json_string(a, "r"));
    o = json_put(a, o, "rows", json_integer(a, 0));
    for (char *c = strtok_r(colon + 1, ",", &save); c;
         c = strtok_r(NULL, ",", &save))
        columns = json_push(a, columns, column_of(a, c, key, fks));
    o = json_put(a, o, "columns", columns);
    o = json_put(a, o, "key", key);
    return json_put(a, o, "foreign_keys", fks);
}

enum status
db_new(struct arena *a, const char *text, struct db **out, struct error *err)
{
    struct json *root = json_object(a), *tables = json_array(a);
    char *copy = arena_strdup(a, text), *save = NULL;
    struct db *db = arena_alloc(a, sizeof(*db));

    if (!copy || !db)
        return fail(err, E_NOMEM, "tables");
    for (char *line = strtok_r(copy, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " ");
        if (*line == '\0' || *line == '#')
            continue;
        struct json *table = table_of(a, line);
        if (!table)
            return fail(err, E_INPUT, "cannot read the table '%.60s'", line);
        tables = json_push(a, tables, table);
    }
    db->a = a;
    enum status rc = catalog_from_json(a, json_put(a, root, "tables", tables),
                                       &db->catalog, err);
    if (rc != OK)
        return rc;
    db->tables = arena_array(a, db->catalog->n_tables, sizeof(*db->tables));
    for (size_t i = 0; db->tables && i < db->catalog->n_tables; i++)
        db->tables[i].t = &db->catalog->tables[i];
    *out = db;
    return db->tables ? OK : fail(err, E_NOMEM, "tables");
}

struct db_table *
db_table(struct db *db, const char *name)
{
    for (size_t i = 0; i < db->catalog->n_tables; i++)
        if (strcmp(db->tables[i].t->full, name) == 0)
            return &db->tables[i];
    return NULL;
}

/* ---- rows ---- */

const char *
db_key(struct arena *a, const struct table *t, const struct json *row)
{
    struct json *list = json_array(a);

    if (t->n_key == 0)
        return NULL;
    if (t->n_key == 1)
        return json_plain(a, json_get(row, t->key[0]));
    for (size_t i = 0; i < t->n_key; i++)
        list = json_push(a, list, json_clone(a, json_get(row, t->key[i])));
    return json_text(a, list);
}

int
db_find(const struct db *db, const struct db_table *t, const char *key)
{
    for (size_t i = 0; i < t->n; i++) {
        const char *k = db_key(db->a, t->t, t->rows[i]);
        if (k && strcmp(k, key) == 0)
            return (int)i;
    }
    return -1;
}

/* ---- facts ---- */

static const struct json *
joined(struct db *db, const struct path_join *j, const struct json *row)
{
    const char *want = json_plain(db->a, json_get(row, j->from_column));
    const struct db_table *t = db_table(db, j->to->full);

    for (size_t i = 0; want && t && i < t->n; i++) {
        const char *have =
            json_plain(db->a, json_get(t->rows[i], j->to_column));
        const char *mark =
            j->filter_column
                ? json_plain(db->a, json_get(t->rows[i], j->filter_column))
                : NULL;
        if (have && strcmp(have, want) == 0 &&
            (!j->filter_column || (mark && strcmp(mark, j->filter_value) == 0)))
            return t->rows[i];
    }
    return NULL;
}

static enum status
value_at(struct db *db, const struct table *t, const struct json *row,
         const struct path *path, const struct json **out, struct error *err)
{
    struct path_resolved r;
    enum status rc = path_resolve(db->catalog, t, path, &r, err);

    *out = &null_value;
    for (size_t i = 0; rc == OK && row && i < r.n_joins; i++)
        row = joined(db, &r.joins[i], row);
    if (rc != OK || !row)
        return rc;
    const struct json *v = json_get(row, r.column->name);
    if (r.json_key)
        v = json_get(v, r.json_key);
    *out = v ? v : &null_value;
    return OK;
}

static enum status
where_holds(struct db *db, const struct table *t, const struct json *row,
            const struct fact_need *need, int64_t now_us, bool *holds,
            struct error *err)
{
    enum status rc = OK;

    *holds = true;
    for (uint32_t i = 0; rc == OK && *holds && i < need->where->n; i++) {
        const struct json *item = need->where->items[i], *v = NULL;
        enum op op = OP_EQ;
        enum truth truth = TRUTH_NO;
        struct path path;
        rc = path_parse(db->a, json_get_str(item, "path", ""), &path, err);
        if (rc == OK && !op_parse(json_get_str(item, "op", ""), &op))
            rc = fail(err, E_INPUT, "a where without an operator");
        if (rc == OK)
            rc = value_at(db, t, row, &path, &v, err);
        if (rc == OK)
            rc = op_eval(op, v, json_get(item, "value"), now_us, &truth, err);
        *holds = truth == TRUTH_YES;
    }
    return rc;
}

static bool
in_window(const struct table *t, const struct json *row,
          const struct fact_need *need)
{
    const char *column = table_created_column(t);
    const char *text = column ? json_get_str(row, column, NULL) : NULL;
    int64_t at = 0;

    if (!text || iso_parse(text, strlen(text), &at, NULL) != OK)
        return need->since_us == 0;
    return at >= need->since_us && (!need->until_us || at <= need->until_us);
}

static enum status
count(struct db *db, const struct fact_need *need, int64_t now_us,
      const struct json **out, struct error *err)
{
    const struct db_table *t = db_table(db, need->table);
    int64_t n = 0;
    enum status rc = t ? OK : fail(err, E_INPUT, "no table %s", need->table);

    for (size_t i = 0; rc == OK && i < t->n; i++) {
        const struct json *v = NULL;
        bool holds = false;
        rc = value_at(db, t->t, t->rows[i], need->path, &v, err);
        const char *link = json_plain(db->a, v);
        if (rc == OK && link && strcmp(link, need->link_value) == 0 &&
            in_window(t->t, t->rows[i], need))
            rc = where_holds(db, t->t, t->rows[i], need, now_us, &holds, err);
        n += holds;
    }
    *out = json_integer(db->a, n);
    return rc;
}

static enum status
answer(struct db *db, const struct fact_need *need, int64_t now_us,
       const struct json **out, struct error *err)
{
    if (need->kind == FACT_COUNT)
        return count(db, need, now_us, out, err);
    const struct db_table *t = db_table(db, need->table);
    if (!t)
        return fail(err, E_INPUT, "no table %s", need->table);
    int row = db_find(db, t, need->row_key);
    return value_at(db, t->t, row < 0 ? NULL : t->rows[row], need->path, out,
                    err);
}

enum status
db_fetch(struct db *db, struct facts *facts, int64_t now_us, struct error *err)
{
    const struct fact_need *const *wanted;
    size_t n = facts_wanted(facts, &wanted);
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        const struct json *v = NULL;
        rc = answer(db, wanted[i], now_us, &v, err);
        if (rc == OK)
            rc = facts_put(facts, wanted[i]->key, json_clone(db->a, v), err);
    }
    facts_clear_wanted(facts);
    return rc;
}
