#include "target/deploy.h"

#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "target/sql_text.h"
#include "target/target_internal.h"
#include "target_sql_deploy.h"

enum { TRIES = 3, PAUSE_MS = 200 };

/* A transaction holds no lock for longer than a writer would wait, and waits
 * for none longer than 2 s: behind a waiting DDL all writers queue up. */
static const char tx_begin[] =
    "begin read write;\n"
    "set local lock_timeout = '2s';\n"
    "set local search_path = pg_catalog, pg_temp;\n"
    "select pg_catalog.pg_advisory_xact_lock(1936418414, 1);\n";
static const char config_row[] =
    "insert into skene_growth.config (home) values (skene_growth.ident())"
    " on conflict do nothing";
static const char config_there[] =
    "select (to_regclass('skene_growth.config') is not null)::int::text";
static const char secret_known[] =
    "select (skene_growth.ingest_secret() is not distinct from $1)::int::text";
static const char secret_vault[] =
    "select (to_regprocedure('vault.create_secret(text,text,text,uuid)')"
    " is not null)::int::text";
static const char secret_update[] =
    "select s.id::text, vault.update_secret(s.id, $1)::text"
    " from vault.secrets s where s.name = 'skene_proxy_secret'";
static const char secret_create[] =
    "select vault.create_secret($1, 'skene_proxy_secret',"
    " 'Ingest-only secret of skene')::text";
static const char secret_config[] =
    "update skene_growth.config set ingest_secret = $1 where one";

/* Columns of home.sql. */
enum { H_HOME, H_EPOCH };
/* Columns of table_use.sql. */
enum { U_HOLDERS, U_WAITING, U_SUBSCRIBED, U_EVERYWHERE };

enum status
deploy_found(struct target *t, struct arena *a, struct object **out,
             size_t *out_n, struct error *err)
{
    struct target_rows rows;
    enum status rc = target_query(t, a, SQL_FOUND, NULL, 0, &rows, err);

    if (rc != OK)
        return error_wrap(err, "deployed objects");
    struct object *found = arena_array(a, rows.n + 1, sizeof(*found));
    if (!found)
        return fail(err, E_NOMEM, "deployed objects");
    for (size_t i = 0; i < rows.n; i++)
        found[i] = (struct object){
            .kind = target_cell(&rows, i, 0),
            .name = target_cell(&rows, i, 1),
            .on = target_cell(&rows, i, 2),
            .digest = target_cell(&rows, i, 3),
            .drop = target_cell(&rows, i, 4),
            .rows = strtoll(target_cell(&rows, i, 5), NULL, 10)};
    *out = found;
    *out_n = rows.n;
    return OK;
}

struct job {
    struct arena *a;
    const struct plan *plan; /* NULL: remove everything */
    const struct deploy_settings *settings;
    const char *epoch;
    const char *where; /* what the step at work locks, for a message */
};

static enum status
ask(struct target *t, struct job *j, const char *sql, const char *param,
    bool *yes, struct error *err)
{
    struct target_rows rows;
    enum status rc =
        target_query(t, j->a, sql, &param, param ? 1 : 0, &rows, err);

    *yes = rc == OK && rows.n > 0 && rows.values[0] && rows.values[0][0] == '1';
    return rc;
}

static enum status
check_home(struct target *t, struct job *j, struct error *err)
{
    struct target_rows rows;
    bool there = false;
    enum status rc = ask(t, j, config_there, NULL, &there, err);

    if (rc != OK || !there)
        return rc;
    rc = target_query(t, j->a, SQL_HOME, NULL, 0, &rows, err);
    if (rc != OK || rows.n == 0)
        return rc;
    const char *home = target_cell(&rows, 0, H_HOME);
    if (home && home[0] == '1')
        return OK;
    (void)error_hint(err, "skene adopt makes it a deployment of its own");
    return fail(err, E_CONFLICT,
                "this is a copy of the database that was deployed to");
}

static enum status
run_steps(struct target *t, struct job *j, struct error *err)
{
    for (size_t i = 0; i < j->plan->n; i++) {
        const struct plan_step *s = &j->plan->steps[i];
        const struct object *o = s->wanted ? s->wanted : s->found;
        if (s->action == PLAN_KEEP || !s->sql)
            continue;
        j->where = o->on[0] ? o->on : o->name;
        enum status rc = target_script(t, s->sql, err);
        if (rc != OK)
            return error_wrap(err, "%s %s %s", plan_action_name(s->action),
                              o->kind, o->name);
    }
    return OK;
}

static enum status
write_secret(struct target *t, struct job *j, struct error *err)
{
    const char *secret = j->settings->ingest_secret;
    struct target_rows rows;
    bool yes = false;

    if (!secret)
        return OK;
    enum status rc = ask(t, j, secret_known, secret, &yes, err);
    if (rc != OK || yes)
        return rc;
    rc = ask(t, j, secret_vault, NULL, &yes, err);
    if (rc != OK)
        return rc;
    if (!yes)
        return target_query(t, j->a, secret_config, &secret, 1, NULL, err);
    rc = target_query(t, j->a, secret_update, &secret, 1, &rows, err);
    if (rc != OK || rows.n > 0)
        return rc;
    return target_query(t, j->a, secret_create, &secret, 1, &rows, err);
}

static enum status
write_settings(struct target *t, struct job *j, struct error *err)
{
    const struct deploy_settings *s = j->settings;
    struct target_rows rows;
    const char *params[] = {s->notify_on ? "t" : "f", s->push_on ? "t" : "f",
                            s->ingest_url,
                            arena_printf(j->a, "%d", s->bell_ms)};

    if (!params[3])
        return fail(err, E_NOMEM, "settings");
    j->where = "skene_growth.config";
    enum status rc = target_script(t, config_row, err);
    if (rc == OK)
        rc = target_query(t, j->a, SQL_SETTINGS, params, 4, NULL, err);
    if (rc == OK)
        rc = write_secret(t, j, err);
    if (rc == OK)
        rc = target_query(t, j->a, SQL_HOME, NULL, 0, &rows, err);
    if (rc != OK)
        return error_wrap(err, "settings");
    if (rows.n == 0)
        return fail(err, E_DB, "skene_growth.config has no row");
    j->epoch = target_cell(&rows, 0, H_EPOCH);
    return OK;
}

static enum status
work(struct target *t, struct job *j, struct error *err)
{
    if (!j->plan)
        return target_script(t, "drop schema if exists skene_growth cascade",
                             err);
    enum status rc = check_home(t, j, err);
    if (rc == OK)
        rc = run_steps(t, j, err);
    return rc == OK ? write_settings(t, j, err) : rc;
}

static enum status
attempt(struct target *t, struct job *j, struct error *err)
{
    t->in_tx = true;
    j->where = "another deployment";
    enum status rc = target_script(t, tx_begin, err);
    if (rc == OK)
        rc = work(t, j, err);
    if (rc == OK)
        rc = target_script(t, "commit", err);
    else
        target_undo(t);
    t->in_tx = false;
    return rc;
}

static bool
lock_not_had(const struct error *err)
{
    return strcmp(err->sqlstate, "55P03") == 0 || /* lock_timeout */
           strcmp(err->sqlstate, "40P01") == 0;   /* deadlock */
}

static enum status
run(struct target *t, struct job *j, struct error *err)
{
    struct error why = {0};
    enum status rc = OK;

    if (t->read_only)
        return target_script(t, "", err); /* refuses, with the hint */
    if (t->channel) {
        (void)error_hint(err, "write it with skene deploy --out, and run that");
        return fail(err, E_UNSUPPORTED,
                    "deploying takes several steps in one transaction");
    }
    for (int try = 1; try <= TRIES; try++) {
        why = (struct error){0};
        rc = attempt(t, j, &why);
        if (rc == OK || !lock_not_had(&why) || !target_alive(t))
            break;
        (void)poll(NULL, 0, PAUSE_MS * try);
    }
    if (rc != OK && lock_not_had(&why)) {
        (void)error_hint(err, "a long transaction holds it; try again when "
                              "it has ended (pg_stat_activity shows it)");
        return fail(err, E_BUSY,
                    "the lock on %s was not free within 2 s, %d times",
                    j->where, TRIES);
    }
    if (rc != OK && err)
        *err = why;
    return rc;
}

enum status
deploy_apply(struct target *t, struct arena *a, const struct plan *plan,
             const struct deploy_settings *settings, const char **epoch,
             struct error *err)
{
    struct job j = {.a = a, .plan = plan, .settings = settings};
    enum status rc = run(t, &j, err);

    if (rc != OK)
        return rc == E_FORBIDDEN ? rc : error_wrap(err, "deploy");
    *epoch = j.epoch;
    return OK;
}

enum status
deploy_remove(struct target *t, struct error *err)
{
    struct job j = {0};
    enum status rc = run(t, &j, err);

    return rc == OK || rc == E_FORBIDDEN ? rc : error_wrap(err, "remove");
}

enum status
deploy_adopt(struct target *t, struct arena *a, int64_t *forgotten,
             struct error *err)
{
    struct job j = {.a = a};
    struct target_rows rows;
    bool there = false;

    *forgotten = 0;
    if (t->read_only)
        return target_script(t, "", err); /* refuses, with the hint */
    enum status rc = ask(t, &j, config_there, NULL, &there, err);
    if (rc == OK && !there)
        return fail(err, E_NOTFOUND, "skene_growth is not deployed here");
    if (rc == OK)
        rc = target_query(t, a, SQL_ADOPT, NULL, 0, &rows, err);
    if (rc != OK)
        return error_wrap(err, "adopt");
    if (strcmp(target_cell(&rows, 0, 0), "0") == 0)
        return fail(err, E_CONFLICT,
                    "this database is its own home already: no copy");
    *forgotten = strtoll(target_cell(&rows, 0, 1), NULL, 10);
    return OK;
}

enum status
deploy_use(struct target *t, struct arena *a, const struct catalog *c,
           const struct capture *captures, size_t n, struct table_use **out,
           struct error *err)
{
    struct target_rows rows;
    const char **names = arena_array(a, n + 1, sizeof(*names));

    if (!names || !(*out = arena_array(a, n + 1, sizeof(**out))))
        return fail(err, E_NOMEM, "tables");
    for (size_t i = 0; i < n; i++)
        if (!(names[i] = sql_table(a, captures[i].table)))
            return fail(err, E_NOMEM, "tables");
    const char *params[] = {sql_array(a, names, n)};
    if (!params[0])
        return fail(err, E_NOMEM, "tables");
    enum status rc = target_query(t, a, SQL_TABLE_USE, params, 1, &rows, err);
    if (rc != OK)
        return error_wrap(err, "tables");
    for (size_t i = 0; i < n && i < rows.n; i++) {
        const struct table *table = catalog_table(c, captures[i].table);
        (*out)[i] = (struct table_use){
            .holders = target_cell(&rows, i, U_HOLDERS),
            .waiting = strtoll(target_cell(&rows, i, U_WAITING), NULL, 10),
            .subscribed = target_cell(&rows, i, U_SUBSCRIBED)[0] == '1',
            .everywhere = target_cell(&rows, i, U_EVERYWHERE),
            .triggers = table ? table->triggers : NULL};
    }
    return OK;
}

/* ---- migration files ---- */

static bool
is_capture(const struct object *o)
{
    return strstr(o->name, "skene_growth_fn_") ||
           strncmp(o->name, "skene_growth_trg_", 17) == 0;
}

static char
slug_char(char c)
{
    static const char from[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *upper = c ? strchr(from, c) : NULL;

    if (upper)
        return "abcdefghijklmnopqrstuvwxyz"[upper - from];
    bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!kept)
        c = '_';
    return c;
}

static void
slug_put(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(out, slug_char(text[i]));
}

static void
legacy_name(struct buf *out, const char *kind, const char *event,
            const char *feature)
{
    const char *op = strrchr(event, '.');
    const char *from = strncmp(event, "public.", 7) == 0 ? event + 7 : event;

    buf_printf(out, "-- stands for skene_growth_%s_", kind);
    slug_put(out, from, (size_t)(op - from));
    buf_putc(out, '_');
    while (*++op)
        buf_putc(out, (char)toupper((unsigned char)*op));
    buf_putc(out, '_');
    slug_put(out, feature, strlen(feature));
    buf_putc(out, '\n');
}

/* The names that the published generator gives a feature's trigger, one each;
 * its `status` command looks for them in the migrations. */
static void
legacy_names(struct buf *out, const struct object *o)
{
    for (size_t i = 0; o->event && i < o->n_features; i++) {
        legacy_name(out, "fn", o->event, o->features[i]);
        legacy_name(out, "trg", o->event, o->features[i]);
    }
}

static void
step_sql(struct buf *out, const struct plan_step *s)
{
    const struct object *o = s->wanted ? s->wanted : s->found;
    size_t n = strlen(s->sql);

    buf_printf(out, "\n-- %s %s %s\n", plan_action_name(s->action), o->kind,
               o->name);
    for (size_t i = 0; i < o->n_features; i++)
        buf_printf(out, "-- serves the feature %.*s\n",
                   (int)strcspn(o->features[i], "\r\n"), o->features[i]);
    legacy_names(out, o);
    buf_puts(out, s->sql);
    if (n == 0 || !strchr(";\n", s->sql[n - 1]))
        buf_putc(out, ';');
    buf_putc(out, '\n');
}

enum status
deploy_script(const struct plan *plan, enum script_part part, struct buf *out,
              size_t *steps, struct error *err)
{
    *steps = 0;
    buf_puts(out, "-- Made by skene. What runs inside your database: see"
                  " docs/spec.md, capture.\n"
                  "-- Undo all of it: drop schema skene_growth cascade;\n");
    buf_puts(out, tx_begin);
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_step *s = &plan->steps[i];
        const struct object *o = s->wanted ? s->wanted : s->found;
        if (s->action == PLAN_KEEP || !s->sql ||
            (part == SCRIPT_SCHEMA && is_capture(o)) ||
            (part == SCRIPT_TRIGGERS && !is_capture(o)))
            continue;
        step_sql(out, s);
        *steps += 1;
    }
    buf_puts(out, "\ncommit;\n");
    return buf_check(out, "migration", err);
}
