#include "core/catalog.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/text.h"

enum column_type
column_type_of(const char *type_name, bool has_enum)
{
    static const struct {
        const char *name; /* without (n) and what follows a space */
        enum column_type type;
    } rows[] = {
        {"boolean", COLUMN_BOOL},
        {"bool", COLUMN_BOOL},
        {"smallint", COLUMN_INT},
        {"integer", COLUMN_INT},
        {"bigint", COLUMN_INT},
        {"int", COLUMN_INT},
        {"int2", COLUMN_INT},
        {"int4", COLUMN_INT},
        {"int8", COLUMN_INT},
        {"numeric", COLUMN_NUMERIC},
        {"decimal", COLUMN_NUMERIC},
        {"real", COLUMN_NUMERIC},
        {"double", COLUMN_NUMERIC},
        {"float4", COLUMN_NUMERIC},
        {"float8", COLUMN_NUMERIC},
        {"text", COLUMN_TEXT},
        {"character", COLUMN_TEXT},
        {"varchar", COLUMN_TEXT},
        {"bpchar", COLUMN_TEXT},
        {"citext", COLUMN_TEXT},
        {"public.citext", COLUMN_TEXT}, /* where the extension may be */
        {"extensions.citext", COLUMN_TEXT},
        {"name", COLUMN_TEXT},
        {"uuid", COLUMN_UUID},
        {"timestamp", COLUMN_TIMESTAMP},
        {"timestamptz", COLUMN_TIMESTAMP},
        {"date", COLUMN_DATE},
        {"jsonb", COLUMN_JSON},
        {"json", COLUMN_JSON},
    };
    size_t n = strcspn(type_name, " (");

    if (has_enum)
        return COLUMN_ENUM;
    if (strchr(type_name, '['))
        return COLUMN_OTHER;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strlen(rows[i].name) == n &&
            strncmp(type_name, rows[i].name, n) == 0)
            return rows[i].type;
    return COLUMN_OTHER;
}

const struct table *
catalog_table(const struct catalog *c, const char *full)
{
    return map_get(c->by_name, full);
}

const struct column *
table_column(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

const struct foreign_key *
table_fk(const struct table *t, const char *column)
{
    for (size_t i = 0; i < t->n_fks; i++)
        if (strcmp(t->fks[i].column, column) == 0)
            return &t->fks[i];
    return NULL;
}

const char *
catalog_nearest_table(const struct catalog *c, const char *full)
{
    int best = 64, at = -1;

    for (size_t i = 0; i < c->n_tables; i++) {
        int d = edit_distance(full, c->tables[i].full);
        if (d < best) {
            best = d;
            at = (int)i;
        }
    }
    return at >= 0 && best <= 2 + (int)strlen(full) / 3 ? c->tables[at].full
                                                        : NULL;
}

const char *
table_nearest_column(const struct table *t, const char *name)
{
    int best = 64, at = -1;

    for (size_t i = 0; i < t->n_columns; i++) {
        int d = edit_distance(name, t->columns[i].name);
        if (d < best) {
            best = d;
            at = (int)i;
        }
    }
    return at >= 0 && best <= 2 + (int)strlen(name) / 3 ? t->columns[at].name
                                                        : NULL;
}

static bool
defaults_to_now(const struct column *c)
{
    return c->default_expr &&
           (strcasestr(c->default_expr, "now()") ||
            strcasestr(c->default_expr, "current_timestamp") ||
            strcasestr(c->default_expr, "clock_timestamp") ||
            strcasestr(c->default_expr, "timezone('utc'"));
}

const char *
table_created_column(const struct table *t)
{
    static const char *const names[] = {"created_at", "inserted_at",
                                        "createdAt", "created", "created_on"};
    const char *only = NULL;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct column *c = table_column(t, names[i]);
        if (c && c->type == COLUMN_TIMESTAMP)
            return c->name;
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].type == COLUMN_TIMESTAMP &&
            defaults_to_now(&t->columns[i])) {
            only = t->columns[i].name;
            n++;
        }
    }
    return n == 1 ? only : NULL;
}

static bool
has_any(const char *name, const char *const *parts)
{
    for (; *parts; parts++)
        if (strcasestr(name, *parts))
            return true;
    return false;
}

bool
column_is_secret(const char *name)
{
    static const char *const parts[] = {"password",    "passwd",     "secret",
                                        "api_key",     "apikey",     "salt",
                                        "private_key", "credential", NULL};
    /* Counted tokens are a model's usage, and tell nothing. */
    static const char *const counts[] = {"tokens_",   "count", "max_",
                                         "total_",    "num_",  "limit",
                                         "remaining", NULL};

    return has_any(name, parts) ||
           (strcasestr(name, "token") && !has_any(name, counts));
}

/* ---- implied foreign keys ---- */

/* The table that holds people: public.users, else auth.users, else the one
 * public table with an email column. */
static const struct table *
person_table(const struct catalog *c)
{
    static const char *const names[] = {"public.users", "auth.users",
                                        "public.profiles", "public.accounts",
                                        "public.people"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct table *t = catalog_table(c, names[i]);
        if (t && t->n_key == 1)
            return t;
    }
    return NULL;
}

static const struct table *
table_of_stem(const struct catalog *c, struct arena *a, const char *schema,
              const char *stem)
{
    const char *forms[] = {arena_printf(a, "%s.%ss", schema, stem),
                           arena_printf(a, "%s.%s", schema, stem),
                           arena_printf(a, "%s.%ses", schema, stem)};
    size_t n = strlen(stem);

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const struct table *t = forms[i] ? catalog_table(c, forms[i]) : NULL;
        if (t)
            return t;
    }
    if (n > 1 && stem[n - 1] == 'y') {
        const char *full =
            arena_printf(a, "%s.%.*sies", schema, (int)n - 1, stem);
        return full ? catalog_table(c, full) : NULL;
    }
    return NULL;
}

static const struct table *
implied_target(const struct catalog *c, struct arena *a, const struct table *t,
               const struct column *col)
{
    static const char *const roles[] = {
        "author",    "owner",     "creator",  "assignee", "inviter",
        "user",      "member",    "customer", "sender",   "receiver",
        "recipient", "requester", "reviewer", "manager"};
    size_t n = strlen(col->name);

    if (n < 4 || strcmp(col->name + n - 3, "_id") != 0)
        return NULL;
    char *stem = arena_strndup(a, col->name, n - 3);
    const struct table *to = stem ? table_of_stem(c, a, t->schema, stem) : NULL;
    if (to || !stem)
        return to;
    size_t s = strlen(stem);
    bool role = s > 5 && strcmp(stem + s - 5, "_user") == 0;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        role = role || strcmp(stem, roles[i]) == 0;
    return role ? person_table(c) : NULL;
}

static enum status
imply(struct arena *a, struct catalog *c, struct table *t, struct error *err)
{
    struct foreign_key *fks =
        arena_array(a, t->n_fks + t->n_columns + 1, sizeof(*fks));
    size_t n = t->n_fks;

    if (!fks)
        return fail(err, E_NOMEM, "keys of %s", t->full);
    if (n)
        memcpy(fks, t->fks, n * sizeof(*fks));
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct column *col = &t->columns[i];
        if (table_fk(t, col->name))
            continue;
        const struct table *to = implied_target(c, a, t, col);
        if (!to || to == t || to->n_key != 1)
            continue;
        fks[n++] = (struct foreign_key){.column = col->name,
                                        .table = to->full,
                                        .key = to->key[0],
                                        .implied = true};
    }
    t->fks = fks;
    t->n_fks = n;
    return OK;
}

enum status
catalog_finish(struct arena *a, struct catalog *c, struct error *err)
{
    enum status rc = OK;

    c->by_name = map_new(a);
    if (!c->by_name)
        return fail(err, E_NOMEM, "catalogue");
    for (size_t i = 0; rc == OK && i < c->n_tables; i++) {
        struct table *t = &c->tables[i];
        if (!t->full)
            t->full = arena_printf(a, "%s.%s", t->schema, t->name);
        rc = t->full ? map_put(c->by_name, t->full, t, err)
                     : fail(err, E_NOMEM, "catalogue");
    }
    for (size_t i = 0; rc == OK && i < c->n_tables; i++)
        rc = imply(a, c, &c->tables[i], err);
    return rc;
}

/* ---- JSON form ---- */

static struct json *
column_to_json(struct arena *a, const struct column *c)
{
    struct json *j = json_object(a);

    j = json_put(a, j, "name", json_string(a, c->name));
    j = json_put(a, j, "type", json_string(a, c->type_name));
    if (c->not_null)
        j = json_put(a, j, "not_null", json_boolean(a, true));
    if (c->generated)
        j = json_put(a, j, "generated", json_boolean(a, true));
    if (c->default_expr)
        j = json_put(a, j, "default", json_string(a, c->default_expr));
    if (c->enum_values) {
        struct json *values = json_array(a);
        for (size_t i = 0; c->enum_values[i]; i++)
            values = json_push(a, values, json_string(a, c->enum_values[i]));
        j = json_put(a, j, "enum", values);
    }
    return j;
}

static const struct {
    unsigned bit;
    const char *name;
} rights[] = {{RIGHT_SELECT, "select"},
              {RIGHT_INSERT, "insert"},
              {RIGHT_TRIGGER, "trigger"}};

/* Members with nothing in them are left out. */
static struct json *
put_list(struct arena *a, struct json *j, const char *member,
         const char *const *list)
{
    struct json *out = json_array(a);

    if (!list || !list[0])
        return j;
    for (; *list; list++)
        out = json_push(a, out, json_string(a, *list));
    return json_put(a, j, member, out);
}

static struct json *
put_rights(struct arena *a, struct json *j, unsigned mask)
{
    struct json *out = json_array(a);

    if (!(mask & RIGHTS_KNOWN))
        return j;
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
        if (mask & rights[i].bit)
            out = json_push(a, out, json_string(a, rights[i].name));
    return json_put(a, j, "rights", out);
}

static struct json *
table_to_json(struct arena *a, const struct table *t)
{
    struct json *j = json_object(a), *columns = json_array(a);
    struct json *key = json_array(a), *fks = json_array(a);
    char kind[2] = {t->kind, '\0'};

    for (size_t i = 0; i < t->n_columns; i++)
        columns = json_push(a, columns, column_to_json(a, &t->columns[i]));
    for (size_t i = 0; i < t->n_key; i++)
        key = json_push(a, key, json_string(a, t->key[i]));
    for (size_t i = 0; i < t->n_fks; i++) {
        if (t->fks[i].implied)
            continue;
        struct json *fk = json_object(a);
        fk = json_put(a, fk, "column", json_string(a, t->fks[i].column));
        fk = json_put(a, fk, "table", json_string(a, t->fks[i].table));
        fk = json_put(a, fk, "key", json_string(a, t->fks[i].key));
        fks = json_push(a, fks, fk);
    }
    j = json_put(a, j, "schema", json_string(a, t->schema));
    j = json_put(a, j, "name", json_string(a, t->name));
    j = json_put(a, j, "kind", json_string(a, kind));
    j = json_put(a, j, "rows", json_integer(a, t->row_estimate));
    if (t->owner)
        j = json_put(a, j, "owner", json_string(a, t->owner));
    j = json_put(a, j, "columns", columns);
    j = json_put(a, j, "key", key);
    j = json_put(a, j, "foreign_keys", fks);
    if (t->parent)
        j = json_put(a, j, "partition_of", json_string(a, t->parent));
    j = put_list(a, j, "publications", t->publications);
    j = put_list(a, j, "triggers", t->triggers);
    if (t->row_security)
        j = json_put(a, j, "row_security", json_boolean(a, true));
    return put_rights(a, j, t->rights);
}

struct json *
catalog_to_json(struct arena *a, const struct catalog *c)
{
    struct json *tables = json_array(a);

    for (size_t i = 0; i < c->n_tables; i++)
        tables = json_push(a, tables, table_to_json(a, &c->tables[i]));
    struct json *j = json_put(a, json_object(a), "tables", tables);
    j = put_list(a, j, "extensions", c->extensions);
    return put_list(a, j, "notes", c->notes);
}

static enum status
bad(struct error *err, const char *where, size_t i, const char *what)
{
    enum status rc =
        fail(err, E_INPUT, "catalogue: %s[%zu].%s", where, i, what);

    (void)error_field(err, "%s[%zu].%s", where, i, what);
    return rc;
}

static const char *const *
strings_of(struct arena *a, const struct json *j, size_t *n)
{
    size_t count = json_is(j, JSON_ARRAY) ? j->n : 0;
    const char **out = arena_array(a, count + 1, sizeof(*out));

    *n = 0;
    for (size_t i = 0; out && i < count; i++)
        if (json_is(j->items[i], JSON_STRING))
            out[(*n)++] = j->items[i]->text;
    return out;
}

static enum status
columns_from_json(struct arena *a, const struct json *j, struct table *t,
                  struct error *err)
{
    t->n_columns = json_is(j, JSON_ARRAY) ? j->n : 0;
    t->columns = arena_array(a, t->n_columns + 1, sizeof(*t->columns));
    if (!t->columns)
        return fail(err, E_NOMEM, "catalogue");
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct json *c = j->items[i];
        const struct json *values = json_get(c, "enum");
        size_t n = 0;
        struct column *out = &t->columns[i];
        out->name = json_get_str(c, "name", NULL);
        out->type_name = json_get_str(c, "type", NULL);
        if (!out->name || !out->type_name)
            return bad(err, "columns", i, out->name ? "type" : "name");
        out->not_null = json_bool(json_get(c, "not_null"), false);
        out->generated = json_bool(json_get(c, "generated"), false);
        out->default_expr = json_get_str(c, "default", NULL);
        if (json_is(values, JSON_ARRAY))
            out->enum_values = strings_of(a, values, &n);
        out->type = column_type_of(out->type_name, out->enum_values != NULL);
    }
    return OK;
}

static enum status
fks_from_json(struct arena *a, const struct json *j, struct table *t,
              struct error *err)
{
    t->n_fks = json_is(j, JSON_ARRAY) ? j->n : 0;
    t->fks = arena_array(a, t->n_fks + 1, sizeof(*t->fks));
    if (!t->fks)
        return fail(err, E_NOMEM, "catalogue");
    for (size_t i = 0; i < t->n_fks; i++) {
        struct foreign_key *fk = &t->fks[i];
        fk->column = json_get_str(j->items[i], "column", NULL);
        fk->table = json_get_str(j->items[i], "table", NULL);
        fk->key = json_get_str(j->items[i], "key", NULL);
        if (!fk->column || !fk->table || !fk->key)
            return bad(err, "foreign_keys", i, "column, table, key");
    }
    return OK;
}

static enum status
list_from_json(struct arena *a, const struct json *j, const char *member,
               const char *const **out, struct error *err)
{
    const struct json *list = json_get(j, member);
    size_t n = 0;

    if (!json_is(list, JSON_ARRAY))
        return OK;
    *out = strings_of(a, list, &n);
    return *out ? OK : fail(err, E_NOMEM, "catalogue: %s", member);
}

static unsigned
rights_from_json(const struct json *j)
{
    unsigned mask = json_is(j, JSON_ARRAY) ? RIGHTS_KNOWN : 0;

    for (uint32_t i = 0; mask && i < j->n; i++)
        for (size_t k = 0; k < sizeof(rights) / sizeof(rights[0]); k++)
            if (strcmp(json_str(j->items[i], ""), rights[k].name) == 0)
                mask |= rights[k].bit;
    return mask;
}

static enum status
optional_from_json(struct arena *a, const struct json *j, struct table *t,
                   struct error *err)
{
    t->parent = json_get_str(j, "partition_of", NULL);
    t->row_security = json_bool(json_get(j, "row_security"), false);
    t->rights = rights_from_json(json_get(j, "rights"));
    enum status rc =
        list_from_json(a, j, "publications", &t->publications, err);
    return rc == OK ? list_from_json(a, j, "triggers", &t->triggers, err) : rc;
}

static enum status
table_from_json(struct arena *a, const struct json *j, size_t i,
                struct table *t, struct error *err)
{
    size_t n = 0;

    t->schema = json_get_str(j, "schema", NULL);
    t->name = json_get_str(j, "name", NULL);
    if (!t->schema || !t->name)
        return bad(err, "tables", i, t->schema ? "name" : "schema");
    t->kind = json_get_str(j, "kind", "r")[0];
    t->row_estimate = json_int(json_get(j, "rows"), -1);
    t->owner = json_get_str(j, "owner", NULL);
    const struct json *key = json_get(j, "key");
    t->key = arena_array(a, json_is(key, JSON_ARRAY) ? key->n + 1 : 1,
                         sizeof(*t->key));
    if (!t->key)
        return fail(err, E_NOMEM, "catalogue");
    const char *const *names = strings_of(a, key, &n);
    for (size_t k = 0; names && k < n; k++)
        t->key[t->n_key++] = names[k];
    enum status rc = columns_from_json(a, json_get(j, "columns"), t, err);
    if (rc == OK)
        rc = fks_from_json(a, json_get(j, "foreign_keys"), t, err);
    if (rc == OK)
        rc = optional_from_json(a, j, t, err);
    return rc == OK ? OK : error_wrap(err, "table %s.%s", t->schema, t->name);
}

enum status
catalog_from_json(struct arena *a, const struct json *j, struct catalog **out,
                  struct error *err)
{
    const struct json *tables = json_get(j, "tables");
    struct catalog *c = arena_alloc(a, sizeof(*c));

    if (!json_is(tables, JSON_ARRAY)) {
        (void)fail(err, E_INPUT, "catalogue: 'tables' must be an array");
        (void)error_field(err, "tables");
        return E_INPUT;
    }
    if (!c || !(c->tables = arena_array(a, tables->n + 1, sizeof(*c->tables))))
        return fail(err, E_NOMEM, "catalogue of %u tables", tables->n);
    c->n_tables = tables->n;
    for (size_t i = 0; i < c->n_tables; i++) {
        enum status rc =
            table_from_json(a, tables->items[i], i, &c->tables[i], err);
        if (rc != OK)
            return rc;
    }
    enum status rc = list_from_json(a, j, "extensions", &c->extensions, err);
    if (rc == OK)
        rc = list_from_json(a, j, "notes", &c->notes, err);
    if (rc != OK)
        return rc;
    *out = c;
    return catalog_finish(a, c, err);
}
