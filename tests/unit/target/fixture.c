#include "fixture.h"

#include <stdio.h>

#include "target/enrich_sql.h"
#include "target/sql_text.h"

enum { ARENA_BYTES = 256 * 1024 * 1024 };

static const char roles_sql[] =
    "do $$ begin"
    " if to_regrole('saas_admin') is null then"
    "   create role saas_admin login createrole createdb bypassrls;"
    "   create role supabase_auth_admin login noinherit;"
    "   create role app_writer login;"
    " end if; end $$";

static const char schema_sql[] =
    "create schema auth authorization supabase_auth_admin;"
    "grant usage on schema auth to saas_admin;"
    "create table auth.users (id uuid primary key default gen_random_uuid(),"
    "  email text, encrypted_password text, last_sign_in_at timestamptz,"
    "  created_at timestamptz default now());"
    "alter table auth.users owner to supabase_auth_admin;"
    "grant all on all tables in schema auth to saas_admin;"
    "grant create on schema public to saas_admin;"
    "grant usage on schema public to app_writer;"
    "set role saas_admin;"
    "create type plan as enum ('free', 'pro');"
    "create table profiles (id uuid primary key references auth.users(id),"
    "  full_name text, meta jsonb, plan plan not null default 'free',"
    "  score numeric, logins int, active boolean, tags text[],"
    "  created_at timestamptz default now());"
    "create table projects (id bigint generated always as identity"
    "  primary key, owner_id uuid references profiles(id), name text,"
    "  settings json, created_at timestamptz default now());"
    "create table members (org int, person int, role text,"
    "  project_id bigint references projects(id), user_id uuid,"
    "  primary key (org, person));"
    "create table notes (body text);"
    "grant insert, update, delete, select on all tables in schema public"
    "  to app_writer;"
    "reset role;";

void
check_ok(enum status rc, const struct error *err, const char *file, int line)
{
    if (rc == OK)
        return;
    print_error("%s (%s)\n", err->msg, err->sqlstate);
    _fail(file, line);
}

PGconn *
session(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

bool
sql_try(PGconn *conn, const char *text)
{
    PGresult *r = PQexec(conn, text);
    ExecStatusType s = PQresultStatus(r);

    PQclear(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
}

void
sql(PGconn *conn, const char *text)
{
    if (!sql_try(conn, text))
        fail_msg("%s: %s", text, PQerrorMessage(conn));
}

const char *
cell(struct fixture *f, PGconn *conn, const char *text)
{
    PGresult *r = PQexec(conn, text);

    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    const char *v =
        arena_strdup(f->a, PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    return v;
}

void
url_of(char *out, size_t n, const char *login, const char *database)
{
    const char *base = getenv("SKENE_TEST_PG"); /* NOLINT: one thread */
    const char *host = base ? strchr(base, '@') : NULL;

    assert_non_null(host); /* run me through tests/support/with_pg.sh */
    (void)snprintf(out, n, "postgres://%s%.*s/%s", login,
                   host ? (int)strcspn(host, "/") : 0, host, database);
}

static void
quiet(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

int
fixture_setup(void **state)
{
    static int count;
    char base[256];
    struct fixture *f = calloc(1, sizeof(*f));

    f->a = arena_new(ARENA_BYTES);
    (void)snprintf(f->name, sizeof(f->name), "t%d", ++count);
    url_of(base, sizeof(base), "postgres", "postgres");
    PGconn *root = session(base);
    char create[128];
    (void)snprintf(create, sizeof(create), "create database %s", f->name);
    sql(root, create);
    sql(root, roles_sql);
    (void)snprintf(create, sizeof(create),
                   "grant create on database %s to saas_admin", f->name);
    sql(root, create);
    PQfinish(root);
    url_of(base, sizeof(base), "postgres", f->name);
    f->admin = session(base);
    PQsetNoticeReceiver(f->admin, quiet, NULL);
    sql(f->admin, schema_sql);
    url_of(f->conninfo, sizeof(f->conninfo), "saas_admin", f->name);
    f->user = session(f->conninfo);
    PQsetNoticeReceiver(f->user, quiet, NULL);
    struct target_config config = {.conninfo = f->conninfo};
    assert_ok(target_open(&config, &f->t, &f->err), &f->err);
    introspect_again(f);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;

    target_close(f->t);
    PQfinish(f->admin);
    PQfinish(f->user);
    arena_free(f->a);
    free(f);
    return 0;
}

void
introspect_again(struct fixture *f)
{
    assert_ok(introspect(f->t, f->a, false, &f->c, &f->err), &f->err);
}

struct plan *
plan_for(struct fixture *f, const struct capture *captures, size_t n)
{
    struct object *wanted, *found;
    struct enrichment *rules;
    size_t n_wanted, n_found, n_rules;
    struct plan *plan;

    assert_ok(enrich_rules(f->t, f->a, &rules, &n_rules, &f->err), &f->err);
    assert_ok(enrich_check(f->c, rules, n_rules, captures, n, &f->err),
              &f->err);
    const struct deploy_for in = {.catalog = f->c,
                                  .captures = captures,
                                  .n_captures = n,
                                  .rules = rules,
                                  .n_rules = n_rules,
                                  .server_version = target_version(f->t),
                                  .push = f->push};
    assert_ok(deploy_wanted(f->a, &in, &wanted, &n_wanted, &f->err), &f->err);
    assert_ok(deploy_found(f->t, f->a, &found, &n_found, &f->err), &f->err);
    assert_ok(plan_diff(f->a, wanted, n_wanted, found, n_found, &plan, &f->err),
              &f->err);
    return plan;
}

size_t
deploy(struct fixture *f, const struct capture *captures, size_t n)
{
    static const struct deploy_settings settings = {.notify_on = true,
                                                    .bell_ms = 100};
    struct plan *plan = plan_for(f, captures, n);
    const char *epoch = NULL;

    assert_ok(deploy_apply(f->t, f->a, plan, &settings, &epoch, &f->err),
              &f->err);
    assert_non_null(epoch);
    return plan->n_changes;
}
