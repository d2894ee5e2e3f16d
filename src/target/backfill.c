#include "target/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/capture.h"
#include "target/capture_sql.h"
#include "target/push_sql.h"
#include "target/sql_text.h"

enum { PREVIEW_MAX_BYTES = 256 * 1024 };

static const char trigger_there[] =
    "select (exists (select from pg_catalog.pg_trigger t"
    " where t.tgname = $1 and t.tgrelid = to_regclass($2)"
    " and t.tgenabled <> 'D'))::int::text";
static const char waiting[] =
    "select l.entity_id from skene_growth.event_log l"
    " where l.event_type = $1 and l.entity_id = any($2::text[])";

enum status
backfill_ready(struct target *t, struct arena *a, const struct feature *f,
               bool *out, struct error *err)
{
    const struct capture c = {.table = f->table, .op = f->op};
    struct capture_names names;
    struct target_rows rows;

    *out = false;
    enum status rc = capture_names(a, &c, &names, err);
    if (rc != OK)
        return rc;
    const char *params[] = {names.trigger, sql_table(a, f->table)};
    if (!params[1])
        return fail(err, E_NOMEM, "backfill");
    rc = target_query(t, a, trigger_there, params, 2, &rows, err);
    *out = rc == OK && rows.n == 1 && target_cell(&rows, 0, 0)[0] == '1';
    return rc;
}

enum status
backfill_new_rows_out(struct target *t, struct arena *a,
                      const struct feature *f, struct scanned_row *rows,
                      size_t *n, struct error *err)
{
    const char **keys = arena_array(a, *n + 1, sizeof(*keys));
    struct map *found = map_new(a);
    struct target_rows list;
    size_t kept = 0;

    if (!keys || !found)
        return fail(err, E_NOMEM, "backfill");
    for (size_t i = 0; i < *n; i++)
        keys[i] = rows[i].key;
    const char *params[] = {
        arena_printf(a, "%s.%s", f->table, row_op_name(f->op)),
        sql_array(a, keys, *n)};
    if (!params[0] || !params[1])
        return fail(err, E_NOMEM, "backfill");
    enum status rc = target_query(t, a, waiting, params, 2, &list, err);
    for (size_t i = 0; rc == OK && i < list.n; i++)
        rc = map_put(found, target_cell(&list, i, 0), found, err);
    if (rc != OK)
        return rc;
    for (size_t i = 0; i < *n; i++)
        if (!map_get(found, rows[i].key))
            rows[kept++] = rows[i];
    *n = kept;
    return OK;
}

enum status
backfill_preview(struct target *t, struct arena *a, const struct catalog *c,
                 const struct feature *f, struct backfill_preview *out,
                 struct error *err)
{
    AUTO_BUF text = buf_new(PREVIEW_MAX_BYTES);
    const struct table *table = catalog_table(c, f->table);
    struct push push;
    struct target_rows rows;

    if (!table)
        return fail(err, E_INVALID, "there is no table %s", f->table);
    const char *name = sql_table(a, f->table);
    enum status rc = push_of(a, table, f, &push, err);
    if (rc != OK || !name)
        return rc != OK ? rc : fail(err, E_NOMEM, "preview");
    buf_puts(&text, "select count(*)::text, (count(*) filter (where ");
    if (push.n)
        push_sql(a, &text, &push, "t0", "t0");
    else
        buf_puts(&text, "true");
    buf_printf(&text, "))::text from %s t0", name);
    rc = buf_check(&text, "preview", err);
    if (rc == OK)
        rc = target_query(t, a, text.data, NULL, 0, &rows, err);
    if (rc != OK)
        return error_wrap(err, "preview of %s", f->table);
    *out = (struct backfill_preview){
        .rows = strtoll(target_cell(&rows, 0, 0), NULL, 10),
        .matching = strtoll(target_cell(&rows, 0, 1), NULL, 10),
        .exact = push.n == f->conditions.n};
    return OK;
}
