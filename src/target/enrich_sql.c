#include "target/enrich_sql.h"

#include <string.h>

#include "target/sql_text.h"
#include "target_sql_enrich_sql.h"

enum { RULE_MAX_BYTES = 64 * 1024 };

static const char map_there[] =
    "select 1 where to_regclass('skene_growth.enrichment_map') is not null";

/* Columns of enrich_rules.sql. */
enum { R_EVENT, R_KEY, R_RULE, R_STRIP_AFTER };

enum status
enrich_rules(struct target *t, struct arena *a, struct enrichment **out,
             size_t *n, struct error *err)
{
    struct target_rows rows;

    *out = NULL;
    *n = 0;
    enum status rc = target_query(t, a, map_there, NULL, 0, &rows, err);
    if (rc != OK || rows.n == 0)
        return rc;
    rc = target_query(t, a, SQL_ENRICH_RULES, NULL, 0, &rows, err);
    if (rc != OK)
        return error_wrap(err, "enrichment rules");
    if (rows.n > ENRICH_RULES_MAX)
        return fail(err, E_TOOBIG, "%zu enrichment rules, at most %d", rows.n,
                    ENRICH_RULES_MAX);
    if (!(*out = arena_array(a, rows.n + 1, sizeof(**out))))
        return fail(err, E_NOMEM, "enrichment rules");
    for (size_t i = 0; rc == OK && i < rows.n; i++) {
        const char *text = target_cell(&rows, i, R_RULE);
        struct json *rule = NULL;
        rc = json_parse(a, text, strlen(text), RULE_MAX_BYTES, &rule, err);
        if (rc == OK)
            rc = enrich_parse(a, target_cell(&rows, i, R_EVENT),
                              target_cell(&rows, i, R_KEY), rule,
                              target_cell(&rows, i, R_STRIP_AFTER)[0] == '1',
                              &(*out)[i], err);
    }
    *n = rc == OK ? rows.n : 0;
    return rc;
}

/* j."id" = (row ->> 'user_id')::uuid; types without a cast of ours compare as
 * text. */
static void
join_on(struct arena *a, struct buf *out, const struct table *from,
        const struct enrich_pair *on)
{
    const struct column *column = table_column(from, on->column);
    const char *type = sql_type(column->type);
    const char *ident = sql_ident(a, on->column);
    const char *name = sql_literal(a, on->name);

    buf_printf(out, "j.%s%s = (enrich.row_data ->> %s)%s%s", ident ? ident : "",
               type ? "" : "::text", name ? name : "", type ? "::" : "",
               type ? type : "");
}

static void
select_list(struct arena *a, struct buf *out, const struct table *from,
            const struct enrichment *r)
{
    for (size_t i = 0; i < r->n_select; i++) {
        const char *label = sql_literal(a, r->select[i].name);
        buf_printf(out, "%sjsonb_build_object(%s, ", i ? " || " : "",
                   label ? label : "");
        sql_value(a, out, "j", table_column(from, r->select[i].column));
        buf_putc(out, ')');
    }
}

static void
key_order(struct arena *a, struct buf *out, const struct table *from)
{
    for (size_t i = 0; i < from->n_key; i++) {
        const char *ident = sql_ident(a, from->key[i]);
        buf_printf(out, "%sj.%s", i ? ", " : "\n            order by ",
                   ident ? ident : "");
    }
}

static enum status
join_sql(struct arena *a, struct buf *out, const struct catalog *c,
         const struct enrichment *r, struct error *err)
{
    const struct table *from = catalog_table(c, r->from);
    const char *table = sql_table(a, r->from), *key = sql_literal(a, r->key);

    if (!from || !table || !key)
        return fail(err, from ? E_NOMEM : E_INVALID, "join with %s", r->from);
    buf_puts(out, "        begin\n            select ");
    select_list(a, out, from, r);
    buf_printf(out,
               " into found_row\n            from %s j\n            where ",
               table);
    for (size_t i = 0; i < r->n_on; i++) {
        buf_puts(out, i ? "\n              and " : "");
        join_on(a, out, from, &r->on[i]);
    }
    key_order(a, out, from);
    buf_printf(out,
               "\n            limit 1;\n"
               "            if found then\n"
               "                context := context ||"
               " jsonb_build_object(%s, found_row);\n"
               "            end if;\n"
               "        exception when others then\n"
               "            null; -- without this context\n"
               "        end;\n",
               key);
    return OK;
}

static enum status
joins_sql(struct arena *a, struct buf *out, const struct catalog *c,
          const struct enrichment *rules, size_t n, struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++) {
        const char *event = sql_literal(a, rules[i].event);
        if (!rules[i].from)
            continue;
        if (!event)
            return fail(err, E_NOMEM, "enrichment");
        buf_printf(out, "    if enrich.event_type = %s then\n", event);
        rc = join_sql(a, out, c, &rules[i], err);
        buf_puts(out, "    end if;\n");
    }
    return rc == OK ? buf_check(out, "enrich()", err) : rc;
}

enum status
enrich_function_sql(struct arena *a, const struct catalog *c,
                    const struct enrichment *rules, size_t n, struct buf *out,
                    struct error *err)
{
    AUTO_BUF joins = buf_new(out->max);
    enum status rc = joins_sql(a, &joins, c, rules, n, err);

    if (rc != OK)
        return rc;
    const char *text = joins.len ? joins.data : "";
    const char *tag = sql_dollar_tag(a, text);
    if (!tag)
        return fail(err, E_NOMEM, "enrichment");
    buf_printf(out,
               "create or replace function skene_growth.enrich("
               "event_type text, row_data jsonb)\n"
               "returns jsonb language plpgsql stable security definer\n"
               "set search_path = pg_catalog, pg_temp as %s\n"
               "declare\n    found_row jsonb;\n    context jsonb := '{}';\n"
               "begin\n%s"
               "    return skene_growth.strip(enrich.event_type,"
               " enrich.row_data) || context;\n"
               "end %s;\n"
               "revoke all on function skene_growth.enrich(text, jsonb)"
               " from public;\n",
               tag, text, tag);
    return OK;
}
