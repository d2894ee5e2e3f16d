/*
 * core/feature_read.h - reading members of a document with the path of each
 * error. Shared by feature_parse.c and feature_machine.c alone.
 */
#ifndef CORE_FEATURE_READ_H
#define CORE_FEATURE_READ_H

#include "core/feature.h"

/* Where the reader stands: "machine.states.s0.transitions[0]". */
struct place {
    const struct place *up;
    const char *name; /* NULL: an array item */
    size_t index;
};

struct reader {
    struct arena *a;
    struct error *err;
};

/* Raises E_INVALID at `at` (and `.member` when given). */
__attribute__((format(printf, 4, 5))) enum status bad_at(struct reader *r,
                                                         const struct place *at,
                                                         const char *member,
                                                         const char *fmt, ...);
/* Refuses members that `allowed` (NULL-terminated) does not list. */
CHECKED enum status only(struct reader *r, const struct place *at,
                         const struct json *j, const char *const *allowed);
/* A string member: *out stays NULL when absent and not `required`. */
CHECKED enum status get_text(struct reader *r, const struct place *at,
                             const struct json *j, const char *member,
                             bool required, const char **out);
CHECKED enum status get_path(struct reader *r, const struct place *at,
                             const struct json *j, const char *member,
                             bool required, struct path *out);
CHECKED enum status get_duration(struct reader *r, const struct place *at,
                                 const struct json *j, const char *member,
                                 int64_t *out);
CHECKED enum status get_table(struct reader *r, const struct place *at,
                              const struct json *j, const char *member,
                              const char **out);
CHECKED enum status read_predicates(struct reader *r, const struct place *at,
                                    const struct json *j,
                                    struct predicates *out);
CHECKED enum status read_match(struct reader *r, const struct place *at,
                               const struct json *j, const char *member,
                               struct match *out);
CHECKED enum status read_machine(struct reader *r, const struct place *at,
                                 const struct json *j, struct feature *f);

#endif
