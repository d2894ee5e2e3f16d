/*
 * target/channel.h - a customer's database behind something that takes a text
 * of SQL and answers rows as JSON, such as a management API: no session, no
 * parameters, no transaction over several calls.
 *
 * A target over a channel drains by lease and polls (a sweep); what needs a
 * session is refused with E_UNSUPPORTED.
 */
#ifndef TARGET_CHANNEL_H
#define TARGET_CHANNEL_H

#include "codec/json.h"
#include "target/target.h"

struct sql_channel {
    void *self;
    int server_version; /* 150004 */
    /* Runs the text, of one statement or several, in one transaction; *rows is
     * an array with an object for each row of its last statement. Errors: E_DB
     * with err->sqlstate, E_NET, E_BUSY when asked too often. */
    enum status (*run)(void *self, struct arena *a, const char *sql,
                       bool read_only, struct json **rows, struct error *err);
    void (*close)(void *self);
};

/* Owns: the target closes the channel, also when this fails. */
CHECKED enum status target_over(const struct sql_channel *channel,
                                bool read_only, struct target **out,
                                struct error *err);
/* Whether it is one: then drain it seldom. */
bool target_is_channel(const struct target *t);

#endif
