/*
 * runtime/feed.h - the live log: what the committer, workers and dispatcher
 * publish, to any number of readers.
 *
 * A reader that stops reading is dropped; it comes back with the last id it
 * saw and is filled in from the store.
 */
#ifndef RUNTIME_FEED_H
#define RUNTIME_FEED_H

#include "net/http_server.h"
#include "runtime/runtime.h"

struct feed;                    /* opaque: the readers */
struct feed *feed_new(void);    /* NULL when out of memory */
void feed_free(struct feed *f); /* ends the streams; NULL is allowed */

/* Hands the stream over; it gets every line published from now on for that
 * workspace, and a comment every 15 s. */
CHECKED enum status feed_add(struct runtime *rt, const char *workspace_id,
                             struct http_stream *stream, struct error *err);
/* `kind` is the SSE event name ("decision", "action", "event"), `id` its
 * UUIDv7, `json` one line. Threads: any. Never blocks on readers. */
void feed_publish(struct runtime *rt, const char *workspace_id,
                  const char *kind, const char *id, const char *json);
bool feed_wanted(struct runtime *rt); /* anybody listening? */
/* A comment to every reader, so that what is in between keeps the connection
 * open; also finds out who is gone. The clock thread calls it. */
void feed_heartbeat(struct runtime *rt);

#endif
