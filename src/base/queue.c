#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **items; /* ring */
    size_t max, head, n;
    bool closed;
};

struct queue *
queue_new(size_t max_items)
{
    struct queue *q = calloc(1, sizeof(*q));
    pthread_condattr_t attr;

    if (!q)
        return NULL;
    q->items = calloc(max_items, sizeof(*q->items));
    if (!q->items) {
        free(q);
        return NULL;
    }
    q->max = max_items;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    return q;
}

void
queue_free(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
}

bool
queue_try_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && q->n < q->max;
    if (room) {
        q->items[(q->head + q->n) % q->max] = item;
        q->n++;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return room;
}

static void
wait_filled(struct queue *q, int timeout_ms)
{
    struct timespec until;

    if (timeout_ms < 0) {
        while (q->n == 0 && !q->closed)
            pthread_cond_wait(&q->filled, &q->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int rc = 0;
    while (q->n == 0 && !q->closed && rc == 0)
        rc = pthread_cond_timedwait(&q->filled, &q->lock, &until);
}

size_t
queue_pop_many(struct queue *q, void **out, size_t max, int timeout_ms)
{
    size_t n = 0;

    pthread_mutex_lock(&q->lock);
    wait_filled(q, timeout_ms);
    while (n < max && q->n > 0) {
        out[n++] = q->items[q->head];
        q->head = (q->head + 1) % q->max;
        q->n--;
    }
    pthread_mutex_unlock(&q->lock);
    return n;
}

void
queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

bool
queue_closed(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    pthread_mutex_unlock(&q->lock);
    return closed;
}

size_t
queue_length(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->n;
    pthread_mutex_unlock(&q->lock);
    return n;
}
