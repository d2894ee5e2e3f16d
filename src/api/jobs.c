/*
 * The threads that run blocking handlers. Few on purpose: they wait on the
 * store and on customers' databases, and the queue before them is bounded so
 * that a flood is answered 503 at once.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "base/log.h"

enum { JOBS_MAX_QUEUED = 64, JOBS_MAX_THREADS = 8 };

struct jobs {
    struct queue *queue;
    pthread_t threads[JOBS_MAX_THREADS];
    int n;
};

static enum status
workspace_set(struct call *c, struct error *err)
{
    c->workspace_id = c->api->default_workspace;
    if (!c->workspace_slug)
        return OK;
    AUTO_TX tx = NULL;
    enum status rc = call_begin(c, false, &tx, err);
    if (rc != OK)
        return rc;
    struct workspace w = {0};
    rc = workspace_get(tx, c->a, c->workspace_slug, &w, err);
    if (rc == OK && strcmp(w.id, c->api->default_workspace) != 0)
        rc = fail(err, E_FORBIDDEN,
                  "this caller belongs to the default "
                  "workspace");
    return rc;
}

static void
job_run(struct call *c)
{
    struct error err = {0};
    struct answer out = {0};
    enum status rc = workspace_set(c, &err);

    if (rc == OK)
        rc = c->route->job(c, &out, &err);
    if (out.sent)
        return;
    if (rc == OK) {
        if (c->route->changes)
            runtime_wake(c->rt);
        answer_send(c, &out);
        return;
    }
    if (status_http(rc) >= 500)
        log_error(runtime_log(c->rt), "request_failed", &err);
    error_send(c, &err, NULL);
}

static void *
run(void *arg)
{
    struct jobs *j = arg;
    void *item;

    while (queue_pop_many(j->queue, &item, 1, -1) > 0)
        job_run(item);
    return NULL;
}

enum status
jobs_start(int threads, struct jobs **out, struct error *err)
{
    struct jobs *j = calloc(1, sizeof(*j));

    if (!j || !(j->queue = queue_new(JOBS_MAX_QUEUED))) {
        free(j);
        return fail(err, E_NOMEM, "job threads");
    }
    for (int i = 0; i < threads && i < JOBS_MAX_THREADS; i++) {
        if (pthread_create(&j->threads[i], NULL, run, j) != 0) {
            jobs_free(j);
            return fail(err, E_NOMEM, "job thread %d", i);
        }
        j->n++;
    }
    *out = j;
    return OK;
}

void
jobs_drain(struct jobs *j)
{
    if (!j)
        return;
    queue_close(j->queue);
    for (int i = 0; i < j->n; i++)
        pthread_join(j->threads[i], NULL);
    j->n = 0;
}

void
jobs_free(struct jobs *j)
{
    if (!j)
        return;
    jobs_drain(j);
    queue_free(j->queue);
    free(j);
}

bool
jobs_submit(struct jobs *j, struct call *c)
{
    return queue_try_push(j->queue, c);
}
