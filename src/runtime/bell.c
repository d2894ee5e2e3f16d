#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/parts.h"

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool ringing;
};

struct bell *
bell_new(void)
{
    struct bell *b = calloc(1, sizeof(*b));
    pthread_condattr_t attr;

    if (!b)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->rung, &attr);
    pthread_condattr_destroy(&attr);
    return b;
}

void
bell_free(struct bell *b)
{
    if (!b)
        return;
    pthread_cond_destroy(&b->rung);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void
bell_ring(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
    b->ringing = true;
    pthread_cond_signal(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

bool
bell_wait(struct bell *b, int timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&b->lock);
    int rc = 0;
    while (!b->ringing && rc == 0)
        rc = pthread_cond_timedwait(&b->rung, &b->lock, &until);
    bool rung = b->ringing;
    b->ringing = false;
    pthread_mutex_unlock(&b->lock);
    return rung;
}
