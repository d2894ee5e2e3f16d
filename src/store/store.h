/*
 * store/store.h - our own state: workspaces, integrations, features, events,
 * runs, actions, journeys. One interface; SQL in files; see db.h for drivers.
 *
 * Every operation runs inside a transaction. There is one writer at a time
 * (store_begin waits for it) and any number of readers. A worker batch, a
 * committer batch, a dispatcher batch: each is one transaction.
 *
 * Owns:   results live in the arena given; strings in `in` structs are only
 *         read.
 * Units:  times are microseconds UTC.
 * Errors: E_STORE (disk, lock), E_CONFLICT (unique, version), E_NOTFOUND.
 * Threads: a transaction belongs to the thread that began it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"

struct store;    /* opaque */
struct store_tx; /* opaque */

/* "sqlite:PATH" or a path. Creates the file (0600) and its folder (0700),
 * applies migrations, refuses a newer schema.
 * Errors: E_CONFLICT when another process holds the file, naming its pid;
 *         E_INPUT for an unknown scheme; E_IO. */
CHECKED enum status store_open(const char *url, struct store **out,
                               struct error *err);
void store_close(struct store *s); /* NULL is allowed */
/* Bytes on disk. */
int64_t store_bytes(struct store *s);

CHECKED enum status store_begin(struct store *s, bool write,
                                struct store_tx **out, struct error *err);
/* Durable when it returns OK. The transaction is gone either way. */
CHECKED enum status store_commit(struct store_tx *tx, struct error *err);
void store_rollback(struct store_tx *tx); /* NULL is allowed */

static inline void
store_rollbackp(struct store_tx **tx)
{
    store_rollback(*tx);
}
/* Rolls back at the end of the scope unless committed and set to NULL. */
#define AUTO_TX __attribute__((cleanup(store_rollbackp))) struct store_tx *

/* ---- tenancy and definitions ---- */

struct workspace {
    const char *id, *slug, *name;
    const char *settings; /* JSON */
};
CHECKED enum status workspace_ensure(struct store_tx *tx, const char *slug,
                                     const char *name, int64_t now_us,
                                     struct error *err);
CHECKED enum status workspace_get(struct store_tx *tx, struct arena *a,
                                  const char *slug, struct workspace *out,
                                  struct error *err);
CHECKED enum status workspace_by_id(struct store_tx *tx, struct arena *a,
                                    const char *id, struct workspace *out,
                                    struct error *err);

CHECKED enum status workspace_settings_put(struct store_tx *tx, const char *id,
                                           const char *settings,
                                           struct error *err);

struct integration {
    const char *id, *workspace_id;
    const char *name;
    const char *kind;        /* "postgres", "supabase" */
    const char *access_mode; /* "read_only", "read_write" */
    const char *transport;   /* "drain", "push", "push_only" */
    const char *status;      /* "connected", "disconnected" */
    const char *dsn_sealed;  /* connection string, sealed; NULL when none */
    const char *secret_hash; /* SHA-256 hex of the ingest secret */
    const char *epoch;       /* of the deployed config; "" before deploy */
    const char *catalog;     /* JSON of core/catalog; NULL before introspect */
    int64_t created_us;
};
/* Insert, or update by id. */
CHECKED enum status integration_put(struct store_tx *tx,
                                    const struct integration *in,
                                    struct error *err);
CHECKED enum status integration_list(struct store_tx *tx, struct arena *a,
                                     const char *workspace_id, /* NULL: all */
                                     struct integration **out, size_t *n,
                                     struct error *err);
CHECKED enum status integration_get(struct store_tx *tx, struct arena *a,
                                    const char *workspace_id, const char *id,
                                    struct integration *out, struct error *err);

struct feature_row {
    const char *id, *workspace_id, *integration_id;
    const char *key, *name;
    const char *status;   /* draft, active, paused, archived */
    int64_t version;      /* the newest; the active one when active */
    const char *document; /* JSON of that version */
    int64_t created_us, updated_us;
};
/* Makes the feature (version 1) or, when the key exists and the document
 * differs, a new version. *out is the row as it is now. */
CHECKED enum status feature_put(struct store_tx *tx, struct arena *a,
                                const struct feature_row *in, int64_t now_us,
                                struct feature_row *out, struct error *err);
CHECKED enum status feature_set_status(struct store_tx *tx,
                                       const char *workspace_id,
                                       const char *key, const char *status,
                                       int64_t now_us, struct error *err);
CHECKED enum status feature_list(struct store_tx *tx, struct arena *a,
                                 const char *workspace_id, /* NULL: all */
                                 struct feature_row **out, size_t *n,
                                 struct error *err);
CHECKED enum status feature_get(struct store_tx *tx, struct arena *a,
                                const char *workspace_id, const char *key,
                                struct feature_row *out, struct error *err);
/* Document of one version, for runs that began on it. */
CHECKED enum status feature_version_get(struct store_tx *tx, struct arena *a,
                                        const char *feature_id, int64_t version,
                                        const char **document,
                                        struct error *err);
struct feature_version {
    int64_t version;
    const char *document;
    int64_t created_us;
};
/* Newest first, 500 at most. */
CHECKED enum status feature_versions(struct store_tx *tx, struct arena *a,
                                     const char *feature_id,
                                     struct feature_version **out, size_t *n,
                                     struct error *err);
/* Counter that changes whenever a definition does: caches compare it. */
CHECKED enum status store_generation(struct store_tx *tx, int64_t *out,
                                     struct error *err);

struct message_row {
    const char *workspace_id, *key, *subject, *body;
    int64_t updated_us;
};
CHECKED enum status message_put(struct store_tx *tx,
                                const struct message_row *in,
                                struct error *err);
CHECKED enum status message_get(struct store_tx *tx, struct arena *a,
                                const char *workspace_id, const char *key,
                                struct message_row *out, struct error *err);

CHECKED enum status message_list(struct store_tx *tx, struct arena *a,
                                 const char *workspace_id,
                                 struct message_row **out, size_t *n,
                                 struct error *err);

/* Named things of a workspace kept as JSON: deployments' digests, webhook
 * secrets (sealed), named connections (sealed). */
CHECKED enum status setting_put(struct store_tx *tx, const char *workspace_id,
                                const char *key, const char *value,
                                struct error *err);
CHECKED enum status setting_get(struct store_tx *tx, struct arena *a,
                                const char *workspace_id, const char *key,
                                const char **out, /* NULL when absent */
                                struct error *err);

struct named_value {
    const char *key, *value;
};
/* Those whose keys begin with `prefix`, by key. */
CHECKED enum status setting_list(struct store_tx *tx, struct arena *a,
                                 const char *workspace_id, const char *prefix,
                                 struct named_value **out, size_t *n,
                                 struct error *err);
CHECKED enum status setting_delete(struct store_tx *tx,
                                   const char *workspace_id, const char *key,
                                   struct error *err);

struct deployment_row {
    const char *id, *workspace_id, *integration_id;
    const char *plan; /* JSON */
    int64_t changes, applied_us;
};
CHECKED enum status deployment_add(struct store_tx *tx,
                                   const struct deployment_row *in,
                                   struct error *err);
CHECKED enum status deployment_list(struct store_tx *tx, struct arena *a,
                                    const char *workspace_id, size_t limit,
                                    struct deployment_row **out, size_t *n,
                                    struct error *err);

/* ---- events ---- */

struct event_row {
    const char *id; /* id_derive(): the dedupe key; its shard is in it */
    const char *workspace_id, *integration_id;
    int64_t source_id;  /* event_log.id */
    const char *type;   /* "schema.table.op" */
    const char *key;    /* entity id; NULL */
    const char *record; /* JSON text */
    const char *old;    /* JSON text; NULL */
    int64_t occurred_us, received_us;
    const char *transport; /* "drain", "push" */
    int queue_shard;       /* subject shard to decide it in; -1: no feature
                              wants it, store only */
    bool duplicate;        /* out of events_insert: was there before */
};
/* Inserts those not seen yet and queues them. */
CHECKED enum status events_insert(struct store_tx *tx, struct event_row *rows,
                                  size_t n, size_t *inserted,
                                  struct error *err);
/* Oldest queued events of a range of shards, ready at now_us. Each row's
 * queue entry is named by (queue_shard, queue_seq). */
struct queued_event {
    struct event_row event;
    int64_t seq;
    int64_t attempts;
};
CHECKED enum status queue_load(struct store_tx *tx, struct arena *a,
                               int shard_from, int shard_to, int64_t now_us,
                               size_t limit, struct queued_event **out,
                               size_t *n, struct error *err);
CHECKED enum status queue_done(struct store_tx *tx, int shard, int64_t seq,
                               struct error *err);
CHECKED enum status queue_later(struct store_tx *tx, int shard, int64_t seq,
                                int64_t not_before_us, struct error *err);
CHECKED enum status queue_count(struct store_tx *tx, int64_t *out,
                                struct error *err);
CHECKED enum status event_get(struct store_tx *tx, struct arena *a,
                              const char *workspace_id, const char *id,
                              struct event_row *out, struct error *err);

struct decision_row {
    const char *workspace_id, *event_id; /* event_id NULL: a timer or scan */
    const char *id;                      /* UUIDv7 of the decision; its order */
    const char *feature_id, *feature_key;
    int64_t version;
    const char *verdict;
    const char *subject_key; /* NULL when unresolved */
    const char *run_id;      /* NULL when none */
    int64_t at_us;
    const char *detail; /* JSON */
};
/* Stored in the event's shard (or the run's, without an event). */
CHECKED enum status decision_add(struct store_tx *tx,
                                 const struct decision_row *in,
                                 struct error *err);
CHECKED enum status decisions_of_event(struct store_tx *tx, struct arena *a,
                                       const char *workspace_id,
                                       const char *event_id,
                                       struct decision_row **out, size_t *n,
                                       struct error *err);

/* Filters of the log; NULL or 0 = any. Newest first. `before_id` is the
 * cursor: rows with a smaller id. */
struct log_filter {
    const char *workspace_id; /* required */
    const char *feature_key, *type, *verdict, *subject_key;
    int64_t since_us, until_us;
    const char *before_id; /* newest first, below it */
    const char *after_id;  /* oldest first, above it: for the live tail */
    size_t limit;
};
CHECKED enum status events_list(struct store_tx *tx, struct arena *a,
                                const struct log_filter *filter,
                                struct event_row **out, size_t *n,
                                struct error *err);
CHECKED enum status decisions_list(struct store_tx *tx, struct arena *a,
                                   const struct log_filter *filter,
                                   struct decision_row **out, size_t *n,
                                   struct error *err);

/* ---- runs ---- */

struct run_row {
    const char *id, *workspace_id, *integration_id, *feature_id;
    int shard; /* shard_of(workspace, subject key) */
    int64_t version;
    const char *subject_table, *subject_id, *subject_key;
    const char *row_table, *row_key;
    const char *record;   /* JSON; NULL */
    const char *event_id; /* NULL for a schedule */
    const char *event_type;
    const char *state;
    const char *status; /* active, completed, exited, ended */
    int64_t entered_us, state_entered_us, state_entry, checked_us;
    int64_t due_us;   /* 0 = none */
    int64_t rev;      /* optimistic version: run_update checks it */
    const char *goal; /* NULL; "entered", "holdout": it measures a goal */
};
CHECKED enum status run_insert(struct store_tx *tx, const struct run_row *in,
                               struct error *err);
/* Errors: E_CONFLICT when rev is not the stored one: load again. */
CHECKED enum status run_update(struct store_tx *tx, const struct run_row *in,
                               struct error *err);
/* Active runs of a subject in a feature; of a trigger row in a feature. */
CHECKED enum status runs_of_subject(struct store_tx *tx, struct arena *a,
                                    int shard, const char *feature_id,
                                    const char *subject_key,
                                    struct run_row **out, size_t *n,
                                    struct error *err);
CHECKED enum status runs_of_row(struct store_tx *tx, struct arena *a,
                                const char *feature_id, const char *row_key,
                                struct run_row **out, size_t *n,
                                struct error *err);
/* Whether a run, over or not, began with the row. */
CHECKED enum status run_of_row_any(struct store_tx *tx, const char *feature_id,
                                   const char *row_key, bool *out,
                                   struct error *err);
CHECKED enum status runs_due(struct store_tx *tx, struct arena *a,
                             int shard_from, int shard_to, int64_t now_us,
                             size_t limit, struct run_row **out, size_t *n,
                             struct error *err);
/* When the next one is due; 0 = none. */
CHECKED enum status runs_next_due(struct store_tx *tx, int64_t *out,
                                  struct error *err);
/* All runs of a subject, newest first, any status. */
CHECKED enum status runs_of_journey(struct store_tx *tx, struct arena *a,
                                    const char *workspace_id,
                                    const char *subject_key,
                                    struct run_row **out, size_t *n,
                                    struct error *err);
/* Active runs of a feature above an id; goals are not among them. */
CHECKED enum status runs_of_feature(struct store_tx *tx, struct arena *a,
                                    const char *feature_id,
                                    const char *after_id, size_t limit,
                                    struct run_row **out, size_t *n,
                                    struct error *err);
/* Writes version and due_us. Errors: as run_update(). */
CHECKED enum status run_set_version(struct store_tx *tx,
                                    const struct run_row *in,
                                    struct error *err);
struct goal_count {
    int64_t version;
    const char *arm, *state;
    int64_t n, over; /* all, and those whose time is over */
};
/* over_us: goals of entries by then are over. */
CHECKED enum status goals_count(struct store_tx *tx, struct arena *a,
                                const char *workspace_id,
                                const char *feature_id, int64_t over_us,
                                struct goal_count **out, size_t *n,
                                struct error *err);
CHECKED enum status goal_of_subject(struct store_tx *tx,
                                    const char *workspace_id,
                                    const char *feature_id,
                                    const char *subject_key, bool *out,
                                    struct error *err);
struct run_count {
    const char *feature_id, *state, *status;
    int64_t n;
};
CHECKED enum status runs_count(struct store_tx *tx, struct arena *a,
                               const char *workspace_id, struct run_count **out,
                               size_t *n, struct error *err);

struct enrolment_row {
    const char *workspace_id, *feature_id, *subject_key;
    int64_t entries, last_entered_us;
    bool matched;
    int64_t rev; /* 0 = new */
};
/* Zeroed (rev 0) when never seen. */
CHECKED enum status enrolment_get(struct store_tx *tx, const char *workspace_id,
                                  const char *feature_id,
                                  const char *subject_key,
                                  struct enrolment_row *out, struct error *err);
/* Errors: E_CONFLICT when rev is not the stored one. */
CHECKED enum status enrolment_put(struct store_tx *tx,
                                  const struct enrolment_row *in,
                                  struct error *err);

/* Stage of a subject; history kept. */
CHECKED enum status stage_get(struct store_tx *tx, struct arena *a,
                              const char *workspace_id, const char *subject_key,
                              const char **stage, /* NULL when none */
                              struct error *err);
CHECKED enum status stage_put(struct store_tx *tx, const char *workspace_id,
                              const char *subject_key, const char *stage,
                              const char *run_id, int64_t at_us,
                              struct error *err);

/* Where the scan of a schedule stands. */
struct schedule_row {
    const char *feature_id;
    int64_t next_us;         /* next start; 0 = not planned yet */
    const char *scan_after;  /* keyset position inside a running scan; NULL */
    int64_t scan_started_us; /* 0 = no scan runs */
};
CHECKED enum status schedule_get(struct store_tx *tx, struct arena *a,
                                 const char *feature_id,
                                 struct schedule_row *out, struct error *err);
CHECKED enum status schedule_put(struct store_tx *tx,
                                 const struct schedule_row *in,
                                 struct error *err);

/* ---- actions ---- */

struct action_row {
    const char *id; /* UUIDv7 */
    const char *workspace_id;
    const char *key; /* idempotency key: unique for ever */
    const char *run_id, *feature_id, *feature_key;
    int64_t version;
    const char *event_id; /* NULL */
    const char *subject_key;
    const char *kind;    /* email, webhook, track, set_stage */
    const char *address; /* email: to; webhook: URL or connection; NULL */
    const char *payload; /* JSON: the effect, its state, message context */
    const char *status;  /* pending, succeeded, failed, skipped */
    const char *verdict; /* gate result of a skipped or deferred one; NULL */
    int64_t attempts;
    int64_t due_us, created_us, done_us;
    const char *last_error;  /* NULL */
    const char *provider_id; /* e.g. Resend's message id; NULL */
    const char *gates;       /* JSON of the last gate check; NULL */
};
/* Ignored (no error) when the key exists already. */
CHECKED enum status action_insert(struct store_tx *tx,
                                  const struct action_row *in,
                                  struct error *err);
CHECKED enum status actions_due(struct store_tx *tx, struct arena *a,
                                int shard_from, int shard_to, int64_t now_us,
                                size_t limit, struct action_row **out,
                                size_t *n, struct error *err);
CHECKED enum status actions_next_due(struct store_tx *tx, int64_t *out,
                                     struct error *err);
/* Writes status, verdict, attempts, due_us, done_us, last_error, provider_id,
 * gates by id. */
CHECKED enum status action_update(struct store_tx *tx,
                                  const struct action_row *in,
                                  struct error *err);
struct attempt_row {
    const char *action_id;
    int64_t number, at_us, latency_us;
    int code;             /* HTTP or SMTP; 0 = none */
    const char *outcome;  /* succeeded, retry, failed */
    const char *message;  /* NULL */
    const char *response; /* first bytes; NULL */
};
CHECKED enum status attempt_add(struct store_tx *tx,
                                const struct attempt_row *in,
                                struct error *err);
CHECKED enum status attempts_of(struct store_tx *tx, struct arena *a,
                                const char *action_id, struct attempt_row **out,
                                size_t *n, struct error *err);
CHECKED enum status action_get(struct store_tx *tx, struct arena *a,
                               const char *workspace_id, const char *id,
                               struct action_row *out, struct error *err);
/* Newest first; status, event, run NULL = any; before_id = cursor. */
CHECKED enum status actions_list(struct store_tx *tx, struct arena *a,
                                 const char *workspace_id, const char *status,
                                 const char *event_id, const char *run_id,
                                 const char *before_id, size_t limit,
                                 struct action_row **out, size_t *n,
                                 struct error *err);

/* Messages that reached a person, for caps. */
CHECKED enum status send_add(struct store_tx *tx, const char *workspace_id,
                             const char *subject_key, const char *feature_id,
                             const char *action_id, int64_t at_us,
                             struct error *err);
/* Count and oldest since an instant; feature_id NULL = whole workspace. */
CHECKED enum status sends_count(struct store_tx *tx, const char *workspace_id,
                                const char *subject_key, const char *feature_id,
                                int64_t since_us, int64_t *count,
                                int64_t *oldest_us, struct error *err);

struct mail_row {
    const char *id; /* the action's id: once only */
    const char *workspace_id, *sender, *recipient, *subject, *html, *text;
    const char *headers; /* JSON */
    int64_t at_us;
};
CHECKED enum status inbox_add(struct store_tx *tx, const struct mail_row *in,
                              struct error *err);
CHECKED enum status inbox_list(struct store_tx *tx, struct arena *a,
                               const char *workspace_id, const char *before_id,
                               size_t limit, struct mail_row **out, size_t *n,
                               struct error *err);
CHECKED enum status inbox_get(struct store_tx *tx, struct arena *a,
                              const char *workspace_id, const char *id,
                              struct mail_row *out, struct error *err);

struct track_row {
    const char *id; /* the action's id: once only */
    const char *workspace_id, *event, *subject_key, *properties;
    int64_t at_us;
};
CHECKED enum status track_add(struct store_tx *tx, const struct track_row *in,
                              struct error *err);
CHECKED enum status tracks_list(struct store_tx *tx, struct arena *a,
                                const char *workspace_id, const char *before_id,
                                size_t limit, struct track_row **out, size_t *n,
                                struct error *err);

CHECKED enum status suppression_add(struct store_tx *tx,
                                    const char *workspace_id,
                                    const char *address, const char *reason,
                                    int64_t at_us, struct error *err);
CHECKED enum status suppression_remove(struct store_tx *tx,
                                       const char *workspace_id,
                                       const char *address, struct error *err);
CHECKED enum status suppression_find(struct store_tx *tx, struct arena *a,
                                     const char *workspace_id,
                                     const char *address,
                                     const char **reason, /* NULL: none */
                                     struct error *err);
struct suppression_row {
    const char *address, *reason;
    int64_t at_us;
};
CHECKED enum status suppression_list(struct store_tx *tx, struct arena *a,
                                     const char *workspace_id,
                                     struct suppression_row **out, size_t *n,
                                     struct error *err);

/* ---- counts, leases, retention ---- */

/* Totals for the demo, the overview and /metrics. */
struct store_counts {
    int64_t events, queued, decisions, runs_active, actions_pending;
    int64_t actions_succeeded, actions_failed, actions_skipped, mails, tracks;
};
CHECKED enum status store_counts(struct store_tx *tx, const char *workspace_id,
                                 struct store_counts *out, struct error *err);

/* Takes or renews the lease of every shard for a node. *fence is the token a
 * batch transaction checks with lease_check(). Errors: E_CONFLICT when another
 * node's lease has not run out. */
CHECKED enum status lease_take(struct store_tx *tx, const char *node,
                               int64_t now_us, int64_t until_us, int64_t *fence,
                               struct error *err);
CHECKED enum status lease_check(struct store_tx *tx, int shard, int64_t fence,
                                struct error *err);

/* Deletes at most `limit` events older than before_us with their decisions;
 * *deleted tells whether to call again. */
CHECKED enum status retention_step(struct store_tx *tx, int64_t before_us,
                                   size_t limit, int64_t *deleted,
                                   struct error *err);

#endif
