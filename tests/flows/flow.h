/*
 * tests/flows/flow.h - the parts of the flow runner: a small database in
 * memory, a world with a frozen clock that calls the real core, and the
 * reader of .flow files. README.md describes the files.
 */
#ifndef TESTS_FLOWS_FLOW_H
#define TESTS_FLOWS_FLOW_H

#include "base/map.h"
#include "core/capture.h"
#include "core/sim.h"

enum {
    FLOW_MAX_BYTES = 512 * 1024 * 1024,
    ROWS_MAX = 200,
    LINES_MAX = 400,
    ITEMS_MAX = 200,
};

/* ---- flow_db.c ---- */

struct db_table {
    const struct table *t;
    struct json *rows[ROWS_MAX];
    size_t n;
};

struct db {
    struct arena *a;
    struct catalog *catalog;
    struct db_table *tables;
};

/* `text`: "schema.table: column type [key] [-> table.column], …" a line. */
CHECKED enum status db_new(struct arena *a, const char *text, struct db **out,
                           struct error *err);
struct db_table *db_table(struct db *db, const char *name);
/* Position of the row, or -1. */
int db_find(const struct db *db, const struct db_table *t, const char *key);
/* The key as the triggers write it: text, or a JSON array of several. */
const char *db_key(struct arena *a, const struct table *t,
                   const struct json *row);
/* Answers everything that is wanted. */
CHECKED enum status db_fetch(struct db *db, struct facts *facts, int64_t now_us,
                             struct error *err);

/* ---- flow_world.c ---- */

struct told { /* what happened, a line each */
    const char *lines[LINES_MAX];
    size_t n;
};

struct shown { /* last line told of a run */
    const char *run, *line;
};

struct staged {
    const char *subject_key;
    enum stage stage;
};

struct answer {
    int code;
    int64_t retry_after_s;
};

struct world {
    struct arena *a;
    struct db *db;
    struct feature *f;
    struct capture *captures;
    size_t n_captures;
    struct sim *sim;
    bool paused, holding;
    int64_t now_us, scan_us;
    int64_t next_source_id;
    struct event *waiting[ITEMS_MAX]; /* received, not decided */
    size_t n_waiting;
    const char *seen[ITEMS_MAX]; /* ids of events */
    size_t n_seen;
    struct event *last;
    struct shown shown[ITEMS_MAX];
    size_t n_shown;
    struct map *keys, *attempts; /* of effects */
    struct staged stages[ITEMS_MAX];
    size_t n_stages;
    struct answer answers[ITEMS_MAX];
    size_t n_answers, next_answer;
    struct told told;
    struct error *err;
};

PRINTF_LIKE(2, 3) void tell(struct world *w, const char *fmt, ...);
/* "2026-01-05 09:00", with seconds when there are some. */
const char *time_text(struct world *w, int64_t us);

CHECKED enum status world_feature(struct world *w, const char *text, size_t n);
/* Decides the event now, unless deliveries are held. */
CHECKED enum status world_receive(struct world *w, struct event *e);
CHECKED enum status world_repeat(struct world *w);
CHECKED enum status world_deliver(struct world *w);
CHECKED enum status world_pause(struct world *w, bool paused);
/* Moves the clock and does all that falls due until then, in order. */
CHECKED enum status world_until(struct world *w, int64_t at_us);

/* ---- flow_change.c ---- */

CHECKED enum status world_change(struct world *w, enum row_op op,
                                 struct db_table *t, const char *key,
                                 const struct json *values);

/* ---- flow_send.c ---- */

/* An effect leaves, or is settled: tells of it, and asks the receiver. */
CHECKED enum status effect_told(struct world *w, struct sim_told *told);

#endif
