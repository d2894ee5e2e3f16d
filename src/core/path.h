/*
 * core/path.h - paths from a row to a value, as feature documents write them:
 * `col`, `fk_col.col`, `json_col->key`, `table@fk_col[role=owner].col`.
 */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include "core/catalog.h"

struct path_hop {
    const char *column;   /* column of the row reached so far, or the table of a
                             reverse hop when `via` is set */
    const char *json_key; /* ->key, or NULL */
    const char *via;      /* reverse hop: fk column of `column` (a table) that
                             points at the row reached so far; else NULL */
    const char *filter_column; /* [col=value] of a reverse hop, or NULL */
    const char *filter_value;
};

struct path {
    const char *text; /* as written */
    struct path_hop *hops;
    size_t n;
};

enum { PATH_MAX_HOPS = 8 };

/* Errors: E_INPUT names the position. */
CHECKED enum status path_parse(struct arena *a, const char *text,
                               struct path *out, struct error *err);

/* True when the path is one column of the row itself (maybe with ->key). */
bool path_is_local(const struct path *p);

/* One resolved step: from `table`, join the next over these columns. */
struct path_join {
    const struct table *from;
    const char *from_column;
    const struct table *to;
    const char *to_column;
    const char *filter_column; /* on `to` */
    const char *filter_value;
};

struct path_resolved {
    struct path_join joins[PATH_MAX_HOPS];
    size_t n_joins;
    const struct table *table;   /* that holds the final column */
    const struct column *column; /* the final column */
    const char *json_key;
};

/* Resolves against the catalogue from `start`. A path that ends on a foreign
 * key names that column itself.
 * Errors: E_INVALID names the missing table or column and the nearest one. */
CHECKED enum status path_resolve(const struct catalog *c,
                                 const struct table *start,
                                 const struct path *p,
                                 struct path_resolved *out, struct error *err);

#endif
