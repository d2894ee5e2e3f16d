/* Types: from libpg_query's TypeName to what format_type() prints. */
#include <stdio.h>
#include <string.h>

#include "target/sql_model.h"

struct sql_builtin {
    const char *name;           /* pg_type.typname */
    const char *before, *after; /* modifiers stand between them */
    enum column_type type;
};

/* "before" is NULL where the name itself is printed. */
static const struct sql_builtin builtins[] = {
    {"bool", "boolean", "", COLUMN_BOOL},
    {"int2", "smallint", "", COLUMN_INT},
    {"int4", "integer", "", COLUMN_INT},
    {"int8", "bigint", "", COLUMN_INT},
    {"float4", "real", "", COLUMN_NUMERIC},
    {"float8", "double precision", "", COLUMN_NUMERIC},
    {"numeric", "numeric", "", COLUMN_NUMERIC},
    {"text", "text", "", COLUMN_TEXT},
    {"varchar", "character varying", "", COLUMN_TEXT},
    {"bpchar", "character", "", COLUMN_TEXT},
    {"name", "name", "", COLUMN_TEXT},
    {"char", "\"char\"", "", COLUMN_OTHER},
    {"uuid", "uuid", "", COLUMN_UUID},
    {"timestamp", "timestamp", " without time zone", COLUMN_TIMESTAMP},
    {"timestamptz", "timestamp", " with time zone", COLUMN_TIMESTAMP},
    {"date", "date", "", COLUMN_DATE},
    {"time", "time", " without time zone", COLUMN_OTHER},
    {"timetz", "time", " with time zone", COLUMN_OTHER},
    {"interval", "interval", "", COLUMN_OTHER},
    {"json", "json", "", COLUMN_JSON},
    {"jsonb", "jsonb", "", COLUMN_JSON},
    {"bit", "bit", "", COLUMN_OTHER},
    {"varbit", "bit varying", "", COLUMN_OTHER},
#define OTHER(name)                  \
    {                                \
        name, name, "", COLUMN_OTHER \
    }
    OTHER("bytea"),
    OTHER("box"),
    OTHER("cidr"),
    OTHER("circle"),
    OTHER("datemultirange"),
    OTHER("daterange"),
    OTHER("inet"),
    OTHER("int4multirange"),
    OTHER("int4range"),
    OTHER("int8multirange"),
    OTHER("int8range"),
    OTHER("jsonpath"),
    OTHER("line"),
    OTHER("lseg"),
    OTHER("macaddr"),
    OTHER("macaddr8"),
    OTHER("money"),
    OTHER("nummultirange"),
    OTHER("numrange"),
    OTHER("oid"),
    OTHER("path"),
    OTHER("pg_lsn"),
    OTHER("point"),
    OTHER("polygon"),
    OTHER("regclass"),
    OTHER("regconfig"),
    OTHER("regnamespace"),
    OTHER("regproc"),
    OTHER("regrole"),
    OTHER("regtype"),
    OTHER("tid"),
    OTHER("tsmultirange"),
    OTHER("tsquery"),
    OTHER("tsrange"),
    OTHER("tstzmultirange"),
    OTHER("tstzrange"),
    OTHER("tsvector"),
    OTHER("txid_snapshot"),
    OTHER("xid"),
    OTHER("xid8"),
    OTHER("xml"),
#undef OTHER
};

/* Types that come with an extension: written without a schema, they are where
 * the extension is. */
static const struct {
    const char *type, *extension;
} extension_types[] = {
    {"citext", "citext"},     {"hstore", "hstore"},    {"ltree", "ltree"},
    {"lquery", "ltree"},      {"cube", "cube"},        {"vector", "vector"},
    {"halfvec", "vector"},    {"sparsevec", "vector"}, {"geometry", "postgis"},
    {"geography", "postgis"}, {"box2d", "postgis"},    {"box3d", "postgis"},
    {"isbn", "isn"},          {"seg", "seg"},
};

/* Words that quote_identifier() quotes: every keyword of PostgreSQL 15 that
 * is reserved somewhere (pg_get_keywords() where catcode <> 'U'). */
static const char keywords[] =
    " all analyse analyze and any array as asc asymmetric authorization"
    " between bigint binary bit boolean both case cast char character check"
    " coalesce collate collation column concurrently constraint create cross"
    " current_catalog current_date current_role current_schema current_time"
    " current_timestamp current_user dec decimal default deferrable desc"
    " distinct do else end except exists extract false fetch float for foreign"
    " freeze from full grant greatest group grouping having ilike in initially"
    " inner inout int integer intersect interval into is isnull join lateral"
    " leading least left like limit localtime localtimestamp national natural"
    " nchar none normalize not notnull null nullif numeric offset on only or"
    " order out outer overlaps overlay placing position precision primary real"
    " references returning right row select session_user setof similar"
    " smallint some substring symmetric table tablesample then time timestamp"
    " to trailing treat trim true union unique user using values varchar"
    " variadic verbose when where window with xmlattributes xmlconcat"
    " xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot"
    " xmlserialize xmltable ";

enum { KEYWORD_MAX_BYTES = 24, NAME_QUOTED_BYTES = 2 * 64 + 3 };

static bool
is_keyword(const char *name)
{
    char word[KEYWORD_MAX_BYTES];
    int n = snprintf(word, sizeof(word), " %s ", name);

    return n > 0 && n < (int)sizeof(word) && strstr(keywords, word);
}

const char *
sql_quoted(struct sql_model *m, const char *name)
{
    size_t plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    bool digit = name[0] >= '0' && name[0] <= '9';

    if (!name[plain] && name[0] && !digit && !is_keyword(name))
        return name;
    AUTO_BUF b = buf_new(NAME_QUOTED_BYTES);
    buf_putc(&b, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            buf_putc(&b, '"');
        buf_putc(&b, *c);
    }
    buf_putc(&b, '"');
    return buf_ok(&b) ? arena_strndup(m->w, b.data, b.len) : NULL;
}

const char *
sql_qualified(struct sql_model *m, const char *schema, const char *name)
{
    const char *s = sql_quoted(m, schema), *n = sql_quoted(m, name);

    return s && n ? arena_printf(m->w, "%s.%s", s, n) : NULL;
}

static const struct sql_builtin *
builtin_find(const char *name)
{
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    return NULL;
}

struct sql_type
sql_type_builtin(const char *name)
{
    return (struct sql_type){.builtin = builtin_find(name)};
}

bool
sql_type_is(const struct sql_type *t, const char *builtin)
{
    return t && t->builtin && !t->array &&
           strcmp(t->builtin->name, builtin) == 0;
}

static struct sql_def *
def_exact(const struct sql_model *m, const char *schema, const char *name)
{
    for (size_t i = 0; i < m->n_defs; i++)
        if (!m->defs[i]->dropped && strcmp(m->defs[i]->name, name) == 0 &&
            strcmp(m->defs[i]->schema, schema) == 0)
            return m->defs[i];
    return NULL;
}

struct sql_def *
sql_def_find(const struct sql_model *m, const char *schema, const char *name)
{
    if (schema)
        return def_exact(m, schema, name);
    for (size_t i = 0; i < m->n_path; i++) {
        struct sql_def *d = def_exact(m, m->path[i], name);
        if (d)
            return d;
    }
    return NULL;
}

enum status
sql_def_add(struct sql_model *m, const char *schema, const char *name,
            char kind, struct sql_def **out, struct error *err)
{
    if (!schema && !m->n_path)
        return sql_fail(m, err, E_INPUT, "no schema to create type %s in",
                        name);
    if (!schema)
        schema = m->path[0];
    if (def_exact(m, schema, name))
        return sql_fail(m, err, E_INPUT, "type %s.%s exists already", schema,
                        name);
    struct sql_def **list =
        sql_grow(m, m->defs, m->n_defs, sizeof(struct sql_def *));
    struct sql_def *d = arena_alloc(m->w, sizeof(*d));
    if (!list || !d)
        return fail(err, E_NOMEM, "%s: type %s", m->file, name);
    d->schema = schema;
    d->name = name;
    d->kind = kind;
    m->defs = list;
    list[m->n_defs++] = d;
    *out = d;
    return OK;
}

const char *
sql_serial(const struct json *type_name)
{
    static const char *const rows[][2] = {
        {"serial", "int4"},  {"serial4", "int4"},     {"bigserial", "int8"},
        {"serial8", "int8"}, {"smallserial", "int2"}, {"serial2", "int2"}};
    const char *schema, *name;

    sql_names(json_get(type_name, "names"), &schema, &name);
    if (schema)
        return NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i][0], name) == 0)
            return rows[i][1];
    return NULL;
}

/* A type of an extension, or one that nobody made. */
static const char *
name_unknown(struct sql_model *m, const char *schema, const char *name)
{
    size_t n = sizeof(extension_types) / sizeof(extension_types[0]);

    for (size_t i = 0; !schema && i < n; i++)
        if (strcmp(extension_types[i].type, name) == 0)
            schema = sql_extension(m, extension_types[i].extension);
    if (!schema)
        sql_note(m, "type %s is not made by these files", name);
    return schema ? sql_qualified(m, schema, name) : sql_quoted(m, name);
}

enum status
sql_type_read(struct sql_model *m, const struct json *node,
              struct sql_type *out, struct error *err)
{
    const struct json *mods = json_get(node, "typmods");
    const char *schema, *name, *serial = sql_serial(node);

    *out = (struct sql_type){.array = json_get(node, "arrayBounds") != NULL};
    sql_names(json_get(node, "names"), &schema, &name);
    if (serial)
        name = serial;
    if (!schema || strcmp(schema, "pg_catalog") == 0)
        out->builtin = builtin_find(name);
    if (!out->builtin)
        out->def = sql_def_find(m, schema, name);
    if (!out->builtin && !out->def)
        out->as_written = name_unknown(m, schema, name);
    if (!out->builtin && !out->def && !out->as_written)
        return fail(err, E_NOMEM, "%s: type %s", m->file, name);
    for (uint32_t i = 0; json_is(mods, JSON_ARRAY) && i < mods->n && i < 2;
         i++) {
        const struct json *c = json_get(mods->items[i], "A_Const");
        if (!c) { /* geometry(Point,4326) */
            out->n_mods = 0;
            sql_note(m, "modifiers of type %s are left out", name);
            break;
        }
        out->mods[out->n_mods++] = sql_integer(m, c);
    }
    return OK;
}

struct sql_type
sql_type_plain(const struct sql_type *t)
{
    struct sql_type out = *t;

    out.n_mods = 0;
    return out;
}

/* INTERVAL_MASK of its fields: "interval day to second(3)". */
static const char *
interval_text(struct sql_model *m, const struct sql_type *t)
{
    static const struct {
        int bit;
        const char *name;
    } fields[] = {{2, "year"},  {1, "month"},   {3, "day"},
                  {10, "hour"}, {11, "minute"}, {12, "second"}};
    enum { FULL_RANGE = 0x7fff };
    const char *first = NULL, *last = NULL;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (t->mods[0] != FULL_RANGE && (t->mods[0] >> fields[i].bit & 1)) {
            first = first ? first : fields[i].name;
            last = fields[i].name;
        }
    const char *range = !first || first == last
                            ? first
                            : arena_printf(m->w, "%s to %s", first, last);
    const char *text = arena_printf(m->w, "interval%s%s", range ? " " : "",
                                    range ? range : "");
    return text && t->n_mods == 2
               ? arena_printf(m->w, "%s(%lld)", text, (long long)t->mods[1])
               : text;
}

static const char *
builtin_text(struct sql_model *m, const struct sql_type *t)
{
    const struct sql_builtin *b = t->builtin;

    if (!t->n_mods && strcmp(b->name, "bpchar") == 0)
        return "bpchar"; /* "character" alone would be character(1) */
    if (!t->n_mods)
        return arena_printf(m->w, "%s%s", b->before, b->after);
    if (strcmp(b->name, "interval") == 0)
        return interval_text(m, t);
    if (strcmp(b->name, "numeric") == 0)
        return arena_printf(m->w, "numeric(%lld,%lld)", (long long)t->mods[0],
                            (long long)t->mods[1]);
    return arena_printf(m->w, "%s(%lld)%s", b->before, (long long)t->mods[0],
                        b->after);
}

const char *
sql_type_text(struct sql_model *m, const struct sql_type *t)
{
    const char *text = t->as_written;

    if (t->builtin)
        text = builtin_text(m, t);
    else if (t->def)
        text = sql_qualified(m, t->def->schema, t->def->name);
    else if (text && t->n_mods)
        text = arena_printf(m->w, "%s(%lld)", text, (long long)t->mods[0]);
    return text && t->array ? arena_printf(m->w, "%s[]", text) : text;
}

enum column_type
sql_type_kind(const struct sql_type *t, const struct sql_def **labels)
{
    *labels = NULL;
    while (t->def && !t->array && t->def->kind == 'd')
        t = &t->def->base;
    if (t->array)
        return COLUMN_OTHER;
    if (t->builtin)
        return t->builtin->type;
    if (!t->def)
        return column_type_of(t->as_written, false);
    if (t->def->kind == 'e')
        *labels = t->def;
    return *labels ? COLUMN_ENUM : COLUMN_OTHER;
}
