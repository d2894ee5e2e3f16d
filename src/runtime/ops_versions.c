/* Versions of a feature and the runs that are on them (M10). */
#include <string.h>

#include "core/decide.h"
#include "core/feature_diff.h"
#include "runtime/ops_parts.h"

enum { PAGE_ROWS = 500, PAGE_TRIES = 20, PAGE_MAX_BYTES = 64 * 1024 * 1024 };

static enum status
parse(struct arena *a, const char *text, struct feature **out,
      struct error *err)
{
    return feature_parse_text(a, text, strlen(text), out, err);
}

static enum status
changes_between(struct arena *a, const char *from, const char *to,
                struct json **out, struct error *err)
{
    struct feature *x = NULL, *y = NULL;
    enum status rc = parse(a, from, &x, err);

    if (rc == OK)
        rc = parse(a, to, &y, err);
    if (rc != OK)
        return rc;
    *out = feature_diff(a, x, y);
    return *out ? OK : fail(err, E_NOMEM, "changes");
}

enum status
op_versions(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *key, struct json **out, struct error *err)
{
    struct feature_version *list = NULL;
    struct json *data = json_array(a);
    struct feature_row row;
    size_t n = 0;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc == OK)
        rc = feature_versions(tx, a, row.id, &list, &n, err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        struct json *o = json_object(a), *changes = json_array(a);
        if (i + 1 < n)
            rc = changes_between(a, list[i + 1].document, list[i].document,
                                 &changes, err);
        o = op_put_int(a, o, "version", list[i].version);
        o = op_put_time(a, o, "created_at", list[i].created_us);
        o = json_put(a, o, "changes", changes);
        data = json_push(a, data, o);
    }
    *out = json_put(a, json_object(a), "data", data);
    *out = json_put(a, *out, "next_cursor", json_null(a));
    return rc == OK && !*out ? fail(err, E_NOMEM, "versions") : rc;
}

enum status
op_version_diff(struct runtime *rt, struct arena *a, const char *workspace_id,
                const char *key, int64_t from, int64_t to, struct json **out,
                struct error *err)
{
    const char *old = NULL, *new = NULL;
    struct json *changes = NULL, *o = json_object(a);
    struct feature_row row;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &row, err);
    if (rc != OK)
        return rc;
    to = to ? to : row.version;
    from = from ? from : to - 1;
    if (from < 1)
        return fail(err, E_NOTFOUND, "%s has only one version", key);
    rc = feature_version_get(tx, a, row.id, from, &old, err);
    if (rc == OK)
        rc = feature_version_get(tx, a, row.id, to, &new, err);
    if (rc != OK)
        return error_wrap(err, "versions %lld and %lld of %s", (long long)from,
                          (long long)to, key);
    rc = changes_between(a, old, new, &changes, err);
    o = op_put_string(a, o, "feature", key);
    o = op_put_int(a, o, "from", from);
    o = op_put_int(a, o, "to", to);
    *out = json_put(a, o, "changes", changes);
    return rc == OK && !*out ? fail(err, E_NOMEM, "changes") : rc;
}

/* ---- runs in flight ---- */

struct moving {
    struct runtime *rt;
    struct feature_row row;
    struct feature *f;
    const char *reason; /* NULL: they migrate, or only count */
    bool migrate, older, dry;
    int64_t in_flight, moved;
    struct arena *a; /* of the answer */
    struct json *states;
};

static enum status
exit_run(struct moving *m, struct store_tx *tx, struct arena *a,
         struct run_row *run, struct error *err)
{
    int64_t now_us = runtime_now_us(m->rt);
    struct id id = id_new(now_us);
    struct json *detail = op_put_string(a, json_object(a), "reason", m->reason);
    struct decision_row d = {.workspace_id = run->workspace_id,
                             .id = id.text,
                             .feature_id = run->feature_id,
                             .feature_key = m->row.key,
                             .version = run->version,
                             .verdict = verdict_name(VERDICT_COMPLETED),
                             .subject_key = run->subject_key,
                             .run_id = run->id,
                             .at_us = now_us,
                             .detail = detail ? json_text(a, detail) : NULL};

    if (!d.detail)
        return fail(err, E_NOMEM, "decision");
    run->status = run_status_name(RUN_EXITED);
    run->due_us = 0;
    enum status rc = run_update(tx, run, err);
    return rc == OK ? decision_add(tx, &d, err) : rc;
}

static enum status
one(struct moving *m, struct store_tx *tx, struct arena *a, struct run_row *run,
    bool count, struct error *err)
{
    const struct state *s = feature_state(m->f, run->state);
    bool moves = m->reason || (m->migrate && s && !s->final);

    if (m->older && run->version >= m->row.version)
        return OK;
    if (count) {
        int64_t n = json_int(json_get(m->states, run->state), 0);
        char *state = arena_strdup(m->a, run->state);
        m->in_flight++;
        m->moved += moves;
        m->states = state ? op_put_int(m->a, m->states, state, n + 1) : NULL;
    }
    if (m->dry || !moves)
        return OK;
    if (m->reason)
        return exit_run(m, tx, a, run, err);
    run->version = m->row.version;
    run->due_us = runtime_now_us(m->rt);
    return run_set_version(tx, run, err);
}

/* One page is one transaction; a run that a worker moved meanwhile is read
 * again. */
static enum status
page(struct moving *m, struct arena *a, const char *after, bool again,
     const char **last, size_t *n, struct error *err)
{
    struct run_row *rows = NULL;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(m->rt), !m->dry, &tx, err);

    if (rc == OK)
        rc = runs_of_feature(tx, a, m->row.id, after, PAGE_ROWS, &rows, n, err);
    for (size_t i = 0; rc == OK && i < *n; i++)
        rc = one(m, tx, a, &rows[i], !again, err);
    if (rc == OK && *n)
        *last = rows[*n - 1].id;
    return rc == OK && !m->dry ? op_commit(m->rt, &tx, err) : rc;
}

static enum status
move(struct moving *m, struct error *err)
{
    AUTO_ARENA even = arena_new(PAGE_MAX_BYTES);
    AUTO_ARENA odd = arena_new(PAGE_MAX_BYTES);
    struct arena *pages[] = {even, odd};
    const char *after = "";
    size_t n = PAGE_ROWS;
    int turn = 0, tries = 0;
    enum status rc = even && odd ? OK : fail(err, E_NOMEM, "runs");

    while (rc == OK && n == PAGE_ROWS) {
        const char *last = after;
        arena_reset(pages[turn]); /* the cursor lives in the page before */
        rc = page(m, pages[turn], after, tries > 0, &last, &n, err);
        if (rc == E_CONFLICT && ++tries < PAGE_TRIES) {
            rc = OK;
            n = PAGE_ROWS;
            continue;
        }
        tries = 0;
        after = last;
        turn = 1 - turn;
    }
    return rc;
}

static enum status
load(struct runtime *rt, struct arena *a, const char *workspace_id,
     const char *key, struct moving *m, struct error *err)
{
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);

    m->rt = rt;
    m->a = a;
    m->states = json_object(a);
    if (rc == OK)
        rc = feature_get(tx, a, workspace_id, key, &m->row, err);
    return rc == OK ? parse(a, m->row.document, &m->f, err) : rc;
}

enum status
op_runs_end(struct runtime *rt, struct arena *a, const char *workspace_id,
            const char *key, const char *reason, struct error *err)
{
    struct moving m = {.reason = reason};
    enum status rc = load(rt, a, workspace_id, key, &m, err);

    return rc == OK ? move(&m, err) : rc;
}

enum status
op_runs_move(struct runtime *rt, struct arena *a, const char *workspace_id,
             const char *key, const char *what, bool dry, struct json **out,
             struct error *err)
{
    bool ends = strcmp(what, "exit") == 0, keep = strcmp(what, "keep") == 0;
    struct moving m = {.migrate = strcmp(what, "migrate") == 0,
                       .older = true,
                       .dry = dry || keep,
                       .reason =
                           ends ? "a newer version took its place" : NULL};

    if (!ends && !keep && !m.migrate) {
        (void)error_field(err, "do");
        return fail(err, E_INVALID, "do is keep, migrate or exit");
    }
    enum status rc = load(rt, a, workspace_id, key, &m, err);
    if (rc == OK)
        rc = move(&m, err);
    if (rc != OK)
        return rc;
    struct json *o = op_put_string(a, json_object(a), "feature", key);
    o = op_put_int(a, o, "version", m.row.version);
    o = op_put_string(a, o, "do", what);
    o = op_put_bool(a, o, "dry", m.dry);
    o = op_put_int(a, o, "in_flight", m.in_flight);
    o = op_put_int(a, o, "moved", m.moved);
    o = op_put_int(a, o, "kept", m.in_flight - m.moved);
    *out = json_put(a, o, "states", m.states);
    return *out ? OK : fail(err, E_NOMEM, "runs");
}
