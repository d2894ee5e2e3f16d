#include "target/audit.h"

#include "codec/time.h"
#include "target/push_sql.h"
#include "target/sql_text.h"

enum { AUDIT_MAX_BYTES = 256 * 1024 };

static enum status
audit_sql(struct arena *a, struct buf *out, const struct table *t,
          const struct capture *capture, size_t limit, struct error *err)
{
    const char *created = table_created_column(t);

    if (t->n_key == 0)
        return fail(err, E_UNSUPPORTED, "%s has no primary key", t->full);
    if (!created)
        return fail(err, E_UNSUPPORTED,
                    "%s has no column that tells when a row was made", t->full);
    created = sql_ident(a, created);
    const char *name = sql_table(a, t->full);
    if (!created || !name)
        return fail(err, E_NOMEM, "audit");
    buf_puts(out, "select k.key from (select ");
    sql_key(a, out, "t0", t->key, t->n_key);
    buf_printf(out,
               " as key, t0.%s as made from %s t0 where t0.%s >="
               " $1::timestamptz and t0.%s < $2::timestamptz",
               created, name, created, created);
    if (capture->n_when > 0) {
        buf_puts(out, " and ");
        push_any_sql(a, out, capture->when, capture->n_when, "t0", "t0");
    }
    buf_printf(out,
               ") k where not exists (select from skene_growth.event_log l"
               " where l.event_type = $3 and l.entity_id = k.key)"
               " order by k.made desc limit %zu",
               limit);
    return buf_check(out, "audit", err);
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
audit_rows(struct target *t, struct arena *a, const struct catalog *c,
           const struct capture *capture, int64_t since_us, int64_t until_us,
           size_t limit, const char ***out, size_t *n, struct error *err)
{
    AUTO_BUF text = buf_new(AUDIT_MAX_BYTES);
    char since[ISO_BYTES], until[ISO_BYTES];
    struct target_rows rows;
    const struct table *table = catalog_table(c, capture->table);

    *n = 0;
    if (!table)
        return fail(err, E_INVALID, "there is no table %s", capture->table);
    const char *params[] = {
        iso_write(since_us, since), iso_write(until_us, until),
        arena_printf(a, "%s.%s", capture->table, row_op_name(capture->op))};
    enum status rc = params[2] ? audit_sql(a, &text, table, capture, limit, err)
                               : fail(err, E_NOMEM, "audit");
    if (rc == OK)
        rc = target_query(t, a, text.data, params, 3, &rows, err);
    if (rc != OK)
        return rc == E_UNSUPPORTED ? rc : error_wrap(err, "audit");
    if (!(*out = arena_array(a, rows.n + 1, sizeof(**out))))
        return fail(err, E_NOMEM, "audit");
    for (size_t i = 0; i < rows.n; i++)
        (*out)[i] = target_cell(&rows, i, 0);
    *n = rows.n;
    return OK;
}
