/*
 * core/gates.h - the last look before anything reaches a person (M7).
 */
#ifndef CORE_GATES_H
#define CORE_GATES_H

#include "core/decide.h"

struct send_facts {
    int64_t now_us;
    const char *subject_tz;    /* IANA name, or NULL: UTC */
    bool suppressed;           /* address on the suppression list */
    bool exited;               /* an exit predicate holds now */
    int64_t sent_feature;      /* within the feature's cap window */
    int64_t oldest_feature_us; /* oldest of those, for the next chance */
    int64_t workspace_cap, workspace_per_us; /* 0 = none */
    int64_t sent_workspace, oldest_workspace_us;
};

struct send_gate {
    enum verdict verdict; /* ENTERED = send now; QUIET_DEFERRED and CAPPED wait
                             until `until_us`; SUPPRESSED, COMPLETED: never */
    int64_t until_us;
    struct json *detail; /* [{"gate","result","detail"}…] */
};

/* Order: exit, suppression, quiet hours and days, caps. Errors: E_INPUT for
 * an unknown zone. */
CHECKED enum status send_gate(struct arena *a, const struct timing *t,
                              const struct send_facts *facts,
                              struct send_gate *out, struct error *err);

/* First instant >= now_us outside quiet hours and on an allowed day. */
CHECKED enum status quiet_until(const struct timing *t, const char *subject_tz,
                                int64_t now_us, int64_t *out,
                                struct error *err);

#endif
