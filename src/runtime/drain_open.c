#include "runtime/drain_open.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "runtime/lookups.h"
#include "target/drain.h"

enum { CONNECT_TIMEOUT_S = 3, ARENA_BYTES = 1024 * 1024 };

struct opening {
    pthread_t thread;
    struct secret dsn;
    bool read_only;
    int wake_fd;
    atomic_bool done;
    /* written by the thread before `done` */
    struct target *target;
    char epoch[EPOCH_BYTES];
    enum status rc;
    struct error err;
};

static enum status
open_and_prepare(struct opening *o, struct error *err)
{
    AUTO_ARENA a = arena_new(ARENA_BYTES);
    struct target_config config = {.conninfo = (const char *)o->dsn.bytes,
                                   .read_only = o->read_only,
                                   .connect_timeout_s = CONNECT_TIMEOUT_S,
                                   .application = "skene drain"};
    const char *epoch = NULL;

    if (!a)
        return fail(err, E_NOMEM, "drain");
    enum status rc = target_open(&config, &o->target, err);
    if (rc == OK)
        rc = drain_start(o->target, a, &epoch, err);
    if (rc == OK)
        (void)snprintf(o->epoch, sizeof(o->epoch), "%s", epoch);
    return rc;
}

static void *
run(void *arg)
{
    struct opening *o = arg;

    o->rc = open_and_prepare(o, &o->err);
    secret_free(&o->dsn);
    atomic_store(&o->done, true);
    (void)eventfd_write(o->wake_fd, 1);
    return NULL;
}

enum status
opening_start(struct runtime *rt, const struct integration *row, int wake_fd,
              struct opening **out, struct error *err)
{
    struct opening *o = calloc(1, sizeof(*o));

    if (!o)
        return fail(err, E_NOMEM, "drain");
    o->wake_fd = wake_fd;
    o->read_only = strcmp(row->access_mode, "read_only") == 0;
    enum status rc = integration_dsn(rt, row, &o->dsn, err);
    if (rc == OK && pthread_create(&o->thread, NULL, run, o) != 0)
        rc = fail(err, E_NOMEM, "thread that connects");
    if (rc != OK) {
        secret_free(&o->dsn);
        free(o);
        return rc;
    }
    *out = o;
    return OK;
}

bool
opening_done(const struct opening *o)
{
    return atomic_load(&o->done);
}

enum status
opening_take(struct opening *o, struct target **out, char epoch[EPOCH_BYTES],
             struct error *err)
{
    pthread_join(o->thread, NULL);
    enum status rc = o->rc;
    *out = NULL;
    if (rc == OK) {
        *out = o->target;
        memcpy(epoch, o->epoch, EPOCH_BYTES);
    } else {
        target_close(o->target);
        if (err)
            *err = o->err;
    }
    free(o);
    return rc;
}
