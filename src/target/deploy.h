/*
 * target/deploy.h - the objects of schema skene_growth: what is wanted, what
 * is there, and applying the plan between them.
 *
 * Source: docs/spec.md, capture.
 */
#ifndef TARGET_DEPLOY_H
#define TARGET_DEPLOY_H

#include "core/capture.h"
#include "core/enrich.h"
#include "target/target.h"

/* What a deployment is made for. */
struct deploy_for {
    const struct catalog *catalog;
    const struct capture *captures;
    size_t n_captures;
    const struct enrichment *rules; /* checked: enrich_check() */
    size_t n_rules;
    int server_version; /* 150004 */
    bool push; /* events are pushed: the outbox itself has the doorbell */
    const struct table_use *use; /* of each capture's table; NULL: unknown */
};

/* The schema's tables and functions, then one function and one trigger per
 * capture, as plan objects with SQL and digest. Pure. */
CHECKED enum status deploy_wanted(struct arena *a, const struct deploy_for *in,
                                  struct object **out, size_t *out_n,
                                  struct error *err);
/* Our objects in the database, with the digest each carries in its comment. */
CHECKED enum status deploy_found(struct target *t, struct arena *a,
                                 struct object **out, size_t *out_n,
                                 struct error *err);

/* What goes on at the tables of these captures now, one each. */
CHECKED enum status deploy_use(struct target *t, struct arena *a,
                               const struct catalog *c,
                               const struct capture *captures, size_t n,
                               struct table_use **out, struct error *err);

struct deploy_settings {
    bool notify_on;            /* a drain is attached */
    bool push_on;              /* pg_net doorbell */
    const char *ingest_url;    /* NULL = none */
    const char *ingest_secret; /* NULL = keep what is there */
    int bell_ms;               /* 0 = every statement; 100 by default */
};

/* Applies the plan and the settings in one transaction under an advisory
 * lock, lock_timeout 2 s, three tries. *epoch = the deployed config's epoch.
 * Applying an empty plan only writes settings that differ.
 * Errors: E_FORBIDDEN read only; E_BUSY lock not obtained (says on what);
 *         E_CONFLICT home differs (a clone): adopt first; E_DB. */
CHECKED enum status deploy_apply(struct target *t, struct arena *a,
                                 const struct plan *plan,
                                 const struct deploy_settings *settings,
                                 const char **epoch, struct error *err);
/* The same as a migration file's text: all of it, or in the two parts of the
 * published layout. *steps counts what the text changes. */
enum script_part { SCRIPT_ALL, SCRIPT_SCHEMA, SCRIPT_TRIGGERS };
CHECKED enum status deploy_script(const struct plan *plan,
                                  enum script_part part, struct buf *out,
                                  size_t *steps, struct error *err);
/* Makes a copy of a database a home of its own, with a new epoch; the events
 * it brought along, which are the original's, are forgotten. *forgotten counts
 * them. Errors: E_FORBIDDEN read only; E_CONFLICT it is no copy; E_NOTFOUND
 * nothing is deployed. */
CHECKED enum status deploy_adopt(struct target *t, struct arena *a,
                                 int64_t *forgotten, struct error *err);
/* DROP SCHEMA skene_growth CASCADE: a complete uninstall. */
CHECKED enum status deploy_remove(struct target *t, struct error *err);

#endif
