#include "target/failed.h"

#include <stdlib.h>
#include <string.h>

#include "target_sql_failed.h"

enum { LIST_MAX = 500 };

/* 42P01, 3F000: no such table, no such schema. */
static enum status
explain(enum status rc, struct error *err)
{
    bool missing = rc == E_DB && err &&
                   (strcmp(err->sqlstate, "42P01") == 0 ||
                    strcmp(err->sqlstate, "3F000") == 0);

    if (missing)
        return fail(err, E_NOTFOUND, "skene_growth is not deployed here");
    return rc == OK || rc == E_FORBIDDEN ? rc
                                         : error_wrap(err, "failed events");
}

static int64_t
number(const struct target_rows *rows, size_t i, int column)
{
    return strtoll(target_cell(rows, i, column), NULL, 10);
}

enum status
failed_list(struct target *t, struct arena *a, int limit, int64_t before,
            struct failed_event **out, size_t *n, struct error *err)
{
    struct target_rows rows;
    const char *params[] = {
        arena_printf(a, "%d", limit < LIST_MAX ? limit : LIST_MAX),
        arena_printf(a, "%lld", (long long)before)};

    *n = 0;
    if (!params[0] || !params[1])
        return fail(err, E_NOMEM, "failed events");
    enum status rc = target_query(t, a, SQL_FAILED_LIST, params, 2, &rows, err);
    if (rc != OK)
        return explain(rc, err);
    *out = arena_array(a, rows.n + 1, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "failed events");
    for (size_t i = 0; i < rows.n; i++)
        (*out)[i] =
            (struct failed_event){.id = number(&rows, i, 0),
                                  .event_type = target_cell(&rows, i, 1),
                                  .entity_id = target_cell(&rows, i, 2),
                                  .payload = target_cell(&rows, i, 3),
                                  .reason = target_cell(&rows, i, 4),
                                  .moved_us = number(&rows, i, 5)};
    *n = rows.n;
    return OK;
}

enum status
failed_replay(struct target *t, struct arena *a, int64_t id, int64_t *n,
              struct error *err)
{
    struct target_rows rows;
    const char *params[] = {arena_printf(a, "%lld", (long long)id)};

    *n = 0;
    if (!params[0])
        return fail(err, E_NOMEM, "failed events");
    if (target_read_only(t))
        return target_script(t, "", err); /* refuses, with the hint */
    enum status rc =
        target_query(t, a, SQL_FAILED_REPLAY, params, 1, &rows, err);
    if (rc == OK)
        *n = number(&rows, 0, 0);
    return explain(rc, err);
}

enum status
failed_forget(struct target *t, int days, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    const char *params[] = {a ? arena_printf(a, "%d", days) : NULL};

    if (!params[0])
        return fail(err, E_NOMEM, "failed events");
    return explain(target_query(t, a, SQL_FAILED_FORGET, params, 1, NULL, err),
                   err);
}
