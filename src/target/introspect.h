/*
 * target/introspect.h - reads a live database into the catalogue model.
 */
#ifndef TARGET_INTROSPECT_H
#define TARGET_INTROSPECT_H

#include "core/catalog.h"
#include "target/target.h"

/* Tables, columns, types, enums, keys, row estimates of every schema the role
 * may see, without the system's and the platform's internals (pg_catalog,
 * information_schema, skene_growth, storage, realtime, vault, …; `auth` shows
 * users alone, unless `all`). A constant number of queries. */
CHECKED enum status introspect(struct target *t, struct arena *a, bool all,
                               struct catalog **out, struct error *err);

/* What `doctor` and the status page want to know. */
struct target_status {
    const char *version; /* "15.4" */
    const char *role;    /* current_user */
    bool superuser;
    bool can_create_schema;
    bool deployed; /* schema skene_growth exists */
    bool event_log, failed_events, config, enrich; /* object by object */
    bool capture_on;
    bool pg_net;           /* extension installed */
    bool home_ok;          /* clone guard agrees */
    const char *epoch;     /* "" before deploy */
    int64_t backlog;       /* rows in event_log */
    int64_t failed;        /* rows in failed_events */
    int64_t oldest_us;     /* age of the oldest event in microseconds; 0 */
    int64_t clock_skew_us; /* their now() minus ours */
    int64_t triggers;      /* ours */
};
CHECKED enum status target_status_get(struct target *t, struct arena *a,
                                      int64_t now_us, struct target_status *out,
                                      struct error *err);

#endif
