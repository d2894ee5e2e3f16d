#include "target/capture_sql.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "target/push_sql.h"
#include "target/sql_text.h"

enum { NAME_BYTES = 63, HASH_CHARS = 8 };

/* What a function body calls the row, and where it comes from. */
struct row_names {
    const char *alias; /* of the row the event tells of */
    const char *from;  /* " from new_rows n", or "" for row triggers */
    const char *old;   /* of the old row of an update */
};

static struct row_names
row_names(const struct capture *c)
{
    bool gone = c->op == ROW_DELETE;

    if (c->row_level)
        return (struct row_names){gone ? "old" : "new", "", "old"};
    return gone ? (struct row_names){"o", " from old_rows o", ""}
                : (struct row_names){"n", " from new_rows n", ""};
}

static char
slug_char(char c)
{
    if (isupper((unsigned char)c))
        return (char)tolower((unsigned char)c);
    return islower((unsigned char)c) || isdigit((unsigned char)c) ? c : '_';
}

/* "public.users" -> public_users. *exact tells that no other table can have
 * the same slug: nothing was replaced and the schema's end is certain. */
static char *
slug(struct arena *a, const char *table, bool *exact)
{
    size_t schema = strcspn(table, ".");
    char *s = arena_strdup(a, table);

    *exact = !memchr(table, '_', schema);
    for (size_t i = 0; s && s[i]; i++) {
        s[i] = slug_char(table[i]);
        if (i != schema && s[i] != table[i])
            *exact = false;
    }
    return s;
}

static const char *
object_name(struct arena *a, const char *prefix, const struct capture *c)
{
    char hash[SHA256_HEX_BYTES];
    bool exact;
    char *s = slug(a, c->table, &exact);
    const char *op = row_op_name(c->op);

    if (!s)
        return NULL;
    size_t room = NAME_BYTES - strlen(prefix) - strlen(op) - 1;
    if (exact && strlen(s) <= room)
        return arena_printf(a, "%s%s_%s", prefix, s, op);
    sha256_hex(c->table, strlen(c->table), hash);
    size_t keep = room - HASH_CHARS - 1;
    return arena_printf(a, "%s%.*s_%.*s_%s", prefix,
                        (int)(strlen(s) < keep ? strlen(s) : keep), s,
                        HASH_CHARS, hash, op);
}

enum status
capture_names(struct arena *a, const struct capture *c,
              struct capture_names *out, struct error *err)
{
    out->function = object_name(a, "skene_growth_fn_", c);
    out->trigger = object_name(a, "skene_growth_trg_", c);
    return out->function && out->trigger ? OK : fail(err, E_NOMEM, "names");
}

static enum status
find_columns(struct arena *a, const struct table *t, const char *const *names,
             size_t n, const struct column ***out, struct error *err)
{
    const struct column **columns =
        arena_array(a, n + 1, sizeof(const struct column *));

    if (!columns)
        return fail(err, E_NOMEM, "columns");
    for (size_t i = 0; i < n; i++) {
        if (column_is_secret(names[i]))
            return fail(err, E_FORBIDDEN, "%s.%s never leaves the database",
                        t->full, names[i]);
        columns[i] = table_column(t, names[i]);
        if (!columns[i])
            return fail(err, E_INVALID, "%s has no column %s", t->full,
                        names[i]);
    }
    *out = columns;
    return OK;
}

static void
metadata(struct arena *a, struct buf *out, const struct capture *c,
         const struct row_names *r, const struct column *const *columns)
{
    sql_object(a, out, r->alias, columns, c->n_columns);
    if (c->op != ROW_UPDATE)
        return;
    buf_puts(out, "\n            || jsonb_build_object('_old', ");
    sql_object(a, out, r->old, columns, c->n_columns);
    buf_putc(out, ')');
}

static void
changed(struct arena *a, struct buf *out, const struct column *const *columns,
        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? "\n           or " : "");
        push_changed_sql(a, out, columns[i]);
    }
}

static void
insert_sql(struct arena *a, struct buf *out, const struct capture *c,
           const struct row_names *r, const char *event,
           const struct column *const *columns)
{
    buf_printf(out,
               "        insert into skene_growth.event_log"
               " (event_type, entity_id, metadata)\n        select %s, ",
               event);
    sql_key(a, out, r->alias, c->key, c->n_key);
    buf_puts(out, ",\n            ");
    metadata(a, out, c, r, columns);
    if (*r->from)
        buf_printf(out, "\n       %s", r->from);
    if (c->n_when > 0 && c->op != ROW_UPDATE) {
        buf_puts(out, "\n        where ");
        push_any_sql(a, out, c->when, c->n_when, r->alias, r->old);
    }
    buf_puts(out, ";\n");
}

/* The kill switch, looked at by a session at most every 100 ms: a query each
 * time is a sixth of what a captured row costs when many write at once. What
 * somebody else puts into the setting keeps the switch from this session. */
static const char switch_sql[] =
    "        if now_ms operator(pg_catalog.>=)"
    " coalesce(pg_catalog.current_setting('skene_growth.look', true), '')"
    " then\n"
    "            if (select k.capture_on from skene_growth.config k) is false"
    " then\n"
    "                return null;\n"
    "            end if;\n"
    "            perform pg_catalog.set_config('skene_growth.look',\n"
    "                (now_ms::pg_catalog.int8 operator(pg_catalog.+) 100)"
    "::pg_catalog.text, false);\n"
    "        end if;\n";

static void
ladder_sql(struct arena *a, struct buf *out, const struct capture *c,
           const struct row_names *r, const char *event,
           const struct column *const *keys)
{
    buf_printf(out,
               "    exception when others then\n"
               "        why := pg_catalog.concat(sqlstate, ' ', sqlerrm);\n"
               "        begin\n"
               "            perform skene_growth.rescue(%s,\n"
               "                (select "
               "pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(",
               event);
    sql_key(a, out, r->alias, c->key, c->n_key);
    buf_puts(out, ",\n                    ");
    sql_object(a, out, r->alias, keys, c->n_key);
    buf_printf(out,
               "))%s), why);\n"
               "        exception when others then\n"
               "            begin\n"
               "                perform skene_growth.rescue("
               "%s, '[]', why);\n"
               "            exception when others then\n"
               "                raise warning"
               " 'skene_growth: capture of %% failed: %%', %s, why;\n"
               "            end;\n"
               "        end;\n"
               "    end;\n",
               r->from, event, event);
}

struct capture_columns {
    const struct column **all, **keys, **changed;
    size_t n_changed;
};

static enum status
columns_of(struct arena *a, const struct table *t, const struct capture *c,
           struct capture_columns *out, struct error *err)
{
    enum status rc =
        find_columns(a, t, c->columns, c->n_columns, &out->all, err);

    if (rc == OK)
        rc = find_columns(a, t, c->key, c->n_key, &out->keys, err);
    if (rc == OK)
        rc = find_columns(a, t, c->changed, c->n_changed, &out->changed, err);
    if (rc != OK)
        return rc;
    out->n_changed = c->n_changed;
    if (c->n_changed == 0) { /* any captured column */
        out->changed = out->all;
        out->n_changed = c->n_columns;
    }
    return OK;
}

/* Nearly always the session knows that the bell rests. A bell that fails does
 * not undo the event. */
static const char bell_sql[] =
    "        if found and now_ms operator(pg_catalog.>=)"
    " coalesce(pg_catalog.current_setting('skene_growth.quiet', true), '')"
    " then\n"
    "            begin\n"
    "                perform skene_growth.bell(now_ms::pg_catalog.int8);\n"
    "            exception when others then\n"
    "                null;\n"
    "            end;\n"
    "        end if;\n";

/* A body in which all is named in full may run in anybody's search_path. A
 * path of its own would be set and put back with every statement. Conditions
 * are not written so, and IS DISTINCT FROM cannot be. */
static bool
needs_path(const struct capture *c)
{
    return c->n_when > 0 || c->op == ROW_UPDATE;
}

static void
body_sql(struct arena *a, struct buf *out, const struct capture *c, bool push,
         const char *event, const struct capture_columns *columns)
{
    struct row_names r = row_names(c);

    buf_puts(out, "declare\n"
                  "    now_ms text := pg_catalog.floor(extract(epoch from"
                  " pg_catalog.clock_timestamp())"
                  " operator(pg_catalog.*) 1000);\n"
                  "    why text;\nbegin\n    begin\n");
    if (c->op == ROW_UPDATE && columns->n_changed > 0) {
        buf_puts(out, "        if not (");
        changed(a, out, columns->changed, columns->n_changed);
        buf_puts(out, ") then\n            return null;\n        end if;\n");
    }
    if (c->op == ROW_UPDATE && c->n_when > 0) {
        buf_puts(out, "        if not ");
        push_any_sql(a, out, c->when, c->n_when, r.alias, r.old);
        buf_puts(out, " then\n            return null;\n        end if;\n");
    }
    buf_puts(out, switch_sql);
    insert_sql(a, out, c, &r, event, columns->all);
    if (!push)
        buf_puts(out, bell_sql);
    ladder_sql(a, out, c, &r, event, columns->keys);
    buf_puts(out, "    return null;\nend ");
}

enum status
capture_function_sql(struct arena *a, const struct catalog *catalog,
                     const struct capture *c, const struct capture_names *names,
                     bool push, struct buf *out, struct error *err)
{
    AUTO_BUF body = buf_new(out->max);
    const struct table *t = catalog_table(catalog, c->table);
    struct capture_columns columns = {0};

    if (!t)
        return fail(err, E_INVALID, "there is no table %s", c->table);
    enum status rc = columns_of(a, t, c, &columns, err);
    if (rc != OK || !columns.all || !columns.keys || !columns.changed)
        return rc;
    const char *event = arena_printf(a, "%s.%s", c->table, row_op_name(c->op));
    event = event ? sql_literal(a, event) : NULL;
    if (!event)
        return fail(err, E_NOMEM, "capture of %s", c->table);
    body_sql(a, &body, c, push, event, &columns);
    rc = buf_check(&body, "trigger function", err);
    if (rc != OK)
        return rc;
    const char *tag = sql_dollar_tag(a, body.data);
    if (!tag)
        return fail(err, E_NOMEM, "capture of %s", c->table);
    buf_printf(out,
               "create or replace function skene_growth.%s()\n"
               "returns trigger language plpgsql security definer%s as %s\n"
               "%s%s;\n"
               "revoke all on function skene_growth.%s() from public;\n",
               names->function,
               needs_path(c) ? "\nset search_path = pg_catalog, pg_temp" : "",
               tag, body.data, tag, names->function);
    return OK;
}

static void
create_trigger(struct arena *a, const struct capture *c,
               const struct capture_names *names, const char *how,
               struct buf *out)
{
    const char *table = sql_table(a, c->table);
    const char *rows = c->row_level          ? ""
                       : c->op == ROW_DELETE ? "referencing old table as "
                                               "old_rows "
                                             : "referencing new table as "
                                               "new_rows ";

    buf_printf(out,
               "%s trigger %s after %s on %s\n"
               "    %sfor each %s execute function skene_growth.%s();\n",
               how, names->trigger, row_op_name(c->op), table ? table : "",
               rows, c->row_level ? "row" : "statement", names->function);
}

/* A trigger that exists already and differs is taken away with its function,
 * which is then made again as it was: DROP TRIGGER needs the table's owner. */
static void
make_room(struct arena *a, const struct capture *c,
          const struct capture_names *names, struct buf *out)
{
    const char *table = sql_table(a, c->table);
    const char *literal = table ? sql_literal(a, table) : NULL;

    buf_printf(out,
               "do $do$\n"
               "declare\n"
               "    def text;\n"
               "    note text;\n"
               "begin\n"
               "    select pg_catalog.pg_get_functiondef(p.oid),\n"
               "           pg_catalog.obj_description(p.oid, 'pg_proc')\n"
               "    into def, note\n"
               "    from pg_catalog.pg_trigger t\n"
               "    join pg_catalog.pg_proc p on p.oid = t.tgfoid\n"
               "    where t.tgname = '%s' and t.tgrelid = %s"
               "::pg_catalog.regclass;\n"
               "    if def is not null then\n"
               "        drop function skene_growth.%s() cascade;\n"
               "        execute def;\n"
               "        revoke all on function skene_growth.%s()"
               " from public;\n"
               "        execute pg_catalog.format('comment on function"
               " skene_growth.%s() is %%L', note);\n"
               "    end if;\n"
               "end $do$;\n",
               names->trigger, literal ? literal : "", names->function,
               names->function, names->function);
}

void
capture_trigger_sql(struct arena *a, const struct capture *c,
                    const struct capture_names *names, int server_version,
                    struct buf *out)
{
    if (server_version >= 140000) {
        create_trigger(a, c, names, "create or replace", out);
        return;
    }
    make_room(a, c, names, out);
    create_trigger(a, c, names, "create", out);
}
