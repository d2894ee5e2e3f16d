/*
 * core/capture.h - what must be captured for a set of active features: one
 * entry per (table, operation), shared by all of them; and the plan that takes
 * the database from what is deployed to what is wanted. Pure.
 */
#ifndef CORE_CAPTURE_H
#define CORE_CAPTURE_H

#include "core/feature.h"
#include "core/pushdown.h"

/* One trigger to be. */
struct capture {
    const char *table; /* "schema.table" */
    enum row_op op;
    const char **columns; /* allow-list, sorted; never secret columns */
    size_t n_columns;
    const char **key; /* primary-key columns; empty: no entity id */
    size_t n_key;
    bool row_level;       /* UPDATE, partitioned and foreign tables */
    const char **changed; /* UPDATE: any of these columns changed; empty: any
                             captured column */
    size_t n_changed;
    const struct push *when; /* a row that fulfils none of these is of no use
                                to anyone; NULL: every row may be */
    size_t n_when;
    const char **features; /* keys that share it, sorted */
    size_t n_features;
};

/* Union over features of the columns their paths, conditions, messages and
 * subject need, for triggers and watches. Views and temporary tables are
 * refused with the reason (E_UNSUPPORTED). Sorted by table, op. */
CHECKED enum status capture_wanted(struct arena *a, const struct catalog *c,
                                   const struct feature *const *features,
                                   size_t n, struct capture **out,
                                   size_t *out_n, struct error *err);

/* Local columns a schedule's scan must read for a feature: those its subject,
 * conditions and effects name, and the key. Sorted; never secret ones. */
CHECKED enum status scan_columns(struct arena *a, const struct catalog *c,
                                 const struct feature *f, const char ***out,
                                 size_t *n, struct error *err);

/* What goes on at a table while a trigger is to be made on it. */
struct table_use {
    const char *holders;    /* "pid 7 (psql), 40 s": we would wait for them */
    int64_t waiting;        /* sessions that wait for the table already */
    bool subscribed;        /* logical replication writes into it */
    const char *everywhere; /* publications of all tables; NULL: none */
    const char *const *triggers; /* of others; NULL-terminated, or NULL */
};

/* An object of schema skene_growth: wanted or found. */
struct object {
    const char *kind;   /* "schema", "table", "function", "trigger" */
    const char *name;   /* "skene_growth.fn(…)", or trigger name */
    const char *on;     /* table of a trigger; "" otherwise */
    const char *digest; /* SHA-256 of the definition; "" when unknown */
    const char *sql;    /* wanted only: statement that makes it */
    const char *drop;   /* statement that removes it */
    const char **features;
    size_t n_features;
    int64_t rows;                /* of the table, estimate; -1 unknown */
    const struct table_use *use; /* wanted triggers; NULL: not looked at */
    const char *event;           /* wanted triggers: "public.users.insert" */
};

enum plan_action {
    PLAN_KEEP,
    PLAN_CREATE,
    PLAN_REPLACE,
    PLAN_REMOVE,
    PLAN_ACTION_COUNT
};
const char *plan_action_name(enum plan_action a); /* "create" … */

struct plan_step {
    enum plan_action action;
    const struct object *wanted; /* NULL for remove */
    const struct object *found;  /* NULL for create */
    const char *sql;
    const char *lock;    /* "none", "SHARE ROW EXCLUSIVE on public.users" */
    const char *warning; /* all of them, with "; " between; or NULL */
};

struct plan {
    struct plan_step *steps; /* in the order to apply */
    size_t n;
    size_t n_changes; /* steps that are not keep */
};

/* Idempotent: diffing what was applied gives no changes. */
CHECKED enum status plan_diff(struct arena *a, const struct object *wanted,
                              size_t n_wanted, const struct object *found,
                              size_t n_found, struct plan **out,
                              struct error *err);
struct json *plan_to_json(struct arena *a, const struct plan *p);
/* Tree with the SQL, lock levels, who shares what. */
void plan_text(struct buf *out, const struct plan *p, bool color,
               bool with_sql);

#endif
