/*
 * A database of its own for a test: a small SaaS in Supabase's shape, where
 * auth.users belongs to another role and ours is no superuser.
 *
 * Runs under tests/support/with_pg.sh, which sets SKENE_TEST_PG.
 */
#ifndef TESTS_TARGET_FIXTURE_H
#define TESTS_TARGET_FIXTURE_H

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "target/deploy.h"
#include "target/introspect.h"
#include "target/target.h"

/* Both want the name; tests raise no errors of their own. */
#undef fail

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

struct fixture {
    struct arena *a;
    char name[64];
    char conninfo[256]; /* as our role */
    PGconn *admin;      /* superuser */
    PGconn *user;       /* another session of our role */
    struct target *t;
    struct catalog *c;
    struct error err;
    bool push; /* as plan_for() takes it */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Runs SQL; the test fails with the server's message when it fails. */
void sql(PGconn *conn, const char *text);
/* False when the server refused. */
bool sql_try(PGconn *conn, const char *text);
/* The first cell of a query, "" for NULL or no row. In the arena. */
const char *cell(struct fixture *f, PGconn *conn, const char *text);
PGconn *session(const char *conninfo);
/* A URL of the cluster with another user and database. */
void url_of(char *out, size_t n, const char *login, const char *database);

void introspect_again(struct fixture *f);
/* What deploying these captures would change. */
struct plan *plan_for(struct fixture *f, const struct capture *captures,
                      size_t n);
/* Plans, applies; answers how much was changed. */
size_t deploy(struct fixture *f, const struct capture *captures, size_t n);

/* The test fails with the error's message when rc is not OK. */
void check_ok(enum status rc, const struct error *err, const char *file,
              int line);
#define assert_ok(rc, err) check_ok((rc), (err), __FILE__, __LINE__)

#endif
