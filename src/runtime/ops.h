/*
 * runtime/ops.h - what a face can ask for besides reading the store:
 * integrations, definitions, deployments, explanations. Blocking: run them on
 * a job thread, never on an HTTP pool thread.
 *
 * Answers are JSON values in the caller's arena, in the shape the API sends.
 */
#ifndef RUNTIME_OPS_H
#define RUNTIME_OPS_H

#include "core/capture.h"
#include "runtime/runtime.h"

/* Opens the database, introspects it, stores the integration sealed.
 * *secret = its new ingest secret, shown once.
 * Errors: those of target_open(); E_CONFLICT name taken. */
CHECKED enum status op_connect(struct runtime *rt, struct arena *a,
                               const char *workspace_id, const char *name,
                               const char *conninfo, const char *access_mode,
                               const char *transport, struct json **out,
                               const char **secret, struct error *err);
/* {"id","name","kind","access_mode","transport","status","drain":{…},
 *  "database":{version, role, schema objects…}|null,"error":…}. An unreachable
 * database is an answer, not an error. */
CHECKED enum status op_integration_status(struct runtime *rt, struct arena *a,
                                          const char *workspace_id,
                                          const char *integration_id,
                                          struct json **out, struct error *err);
/* Reads the catalogue again and stores it. `refresh` false: the stored one. */
CHECKED enum status op_schema(struct runtime *rt, struct arena *a,
                              const char *workspace_id,
                              const char *integration_id, bool refresh,
                              struct json **out, struct error *err);
/* Stops the drain; `drop` also removes skene_growth from the database. */
CHECKED enum status op_disconnect(struct runtime *rt, struct arena *a,
                                  const char *workspace_id,
                                  const char *integration_id, bool drop,
                                  struct error *err);
/* {"data":[{id, type, entity_id, reason, payload, moved_at}],"next_cursor"}:
 * what failed in the customer's database, newest first. */
CHECKED enum status op_failed_events(struct runtime *rt, struct arena *a,
                                     const char *workspace_id,
                                     const char *integration_id, int limit,
                                     int64_t before, struct json **out,
                                     struct error *err);
/* Puts failed events back into the outbox: one, or all (id 0); *n counts
 * events. Errors: E_NOTFOUND no such id. */
CHECKED enum status op_failed_replay(struct runtime *rt, struct arena *a,
                                     const char *workspace_id,
                                     const char *integration_id, int64_t id,
                                     int64_t *n, struct error *err);
/* Makes a restored copy a deployment of its own; see deploy_adopt(). */
CHECKED enum status op_adopt(struct runtime *rt, struct arena *a,
                             const char *workspace_id,
                             const char *integration_id, int64_t *forgotten,
                             struct error *err);
/* New ingest secret; the old one is refused at once. */
CHECKED enum status op_rotate_secret(struct runtime *rt, struct arena *a,
                                     const char *workspace_id,
                                     const char *integration_id,
                                     const char **secret, struct error *err);

/* Validates a document (text in YAML or JSON) against the integration's
 * catalogue and stores it as draft or new version. integration_id NULL = the
 * only one. Out: the feature as op_feature() shows it. */
CHECKED enum status op_feature_put(struct runtime *rt, struct arena *a,
                                   const char *workspace_id,
                                   const char *integration_id, const char *text,
                                   size_t n, struct json **out,
                                   struct error *err);
/* "active", "paused", "archived". Active features need a deployment: the
 * answer's "pending_deploy" tells. */
CHECKED enum status op_feature_status(struct runtime *rt, struct arena *a,
                                      const char *workspace_id, const char *key,
                                      const char *status, struct json **out,
                                      struct error *err);
/* {"id","key","name","status","version","stage","source","document",
 *  "runs":{state:n},…}; key NULL: {"data":[…]} of all, without documents. */
CHECKED enum status op_feature(struct runtime *rt, struct arena *a,
                               const char *workspace_id, const char *key,
                               struct json **out, struct error *err);

/* Rows made since then of whose insert no event came (capture was off, a
 * replica wrote them, a push was lost): {"since","until","missing","data":
 * [{"table","rows","more","missing","samples"} or {"table","cannot"}]}. Goes
 * back to the newest change of the deployment at most. */
CHECKED enum status op_audit(struct runtime *rt, struct arena *a,
                             const char *workspace_id,
                             const char *integration_id, int64_t since_us,
                             struct json **out, struct error *err);

/* {"feature","backfill","state","table","rows","matching","exact",
 * "started_at","position"}: how many rows that exist already would enter, or
 * where entering them stands. "matching" counts the conditions that SQL can
 * tell; "exact" says that those are all. Reads the whole table. */
CHECKED enum status op_backfill(struct runtime *rt, struct arena *a,
                                const char *workspace_id, const char *key,
                                struct json **out, struct error *err);

/* Plan for the active features (and `also`, a draft's key, or NULL). */
CHECKED enum status op_plan(struct runtime *rt, struct arena *a,
                            const char *workspace_id,
                            const char *integration_id, const char *also,
                            struct plan **out, struct error *err);
/* A plan as migration files: {"all","schema","triggers"}, each the SQL text or
 * null when it changes nothing. */
CHECKED enum status op_migrations(struct arena *a, const struct plan *plan,
                                  struct json **out, struct error *err);
/* Plans and applies; {"deployment_id","changes","steps":[…]}. */
CHECKED enum status op_deploy(struct runtime *rt, struct arena *a,
                              const char *workspace_id,
                              const char *integration_id, struct json **out,
                              struct error *err);

/* The answer of /events/{id}/explain; see core/explain.h. */
CHECKED enum status op_explain(struct runtime *rt, struct arena *a,
                               const char *workspace_id, const char *event_id,
                               const char *feature_key, /* NULL: all */
                               struct json **out, struct error *err);

/* {"data":[{"version","created_at","changes":[…]}]}: newest first, each with
 * what it changed; see core/feature_diff.h. */
CHECKED enum status op_versions(struct runtime *rt, struct arena *a,
                                const char *workspace_id, const char *key,
                                struct json **out, struct error *err);
/* What changed between two versions: {"feature","from","to","changes"}. */
CHECKED enum status op_version_diff(struct runtime *rt, struct arena *a,
                                    const char *workspace_id, const char *key,
                                    int64_t from, int64_t to, struct json **out,
                                    struct error *err);
/* Runs in flight on older versions (M10): "keep" them there, "migrate" those
 * whose state the newest version has, "exit" them. `dry` only counts.
 * {"feature","version","do","in_flight","moved","kept","states":{…}}.
 * Errors: E_INVALID another word. */
CHECKED enum status op_runs_move(struct runtime *rt, struct arena *a,
                                 const char *workspace_id, const char *key,
                                 const char *what, bool dry, struct json **out,
                                 struct error *err);
/* Ends all runs of a feature, for `reason`. */
CHECKED enum status op_runs_end(struct runtime *rt, struct arena *a,
                                const char *workspace_id, const char *key,
                                const char *reason, struct error *err);
/* Goals of those who entered and of those held back, by version, with the
 * lift: {"feature","goal","arms":[…],"lift":{…}|null}. */
CHECKED enum status op_conversion(struct runtime *rt, struct arena *a,
                                  const char *workspace_id, const char *key,
                                  struct json **out, struct error *err);
/* {"feature","since","until","states":[{"state","entered","left","here",
 * "median_s"}],"transitions":[{"from","to","n"}],"ended":{…},"cut"}. */
CHECKED enum status op_funnel(struct runtime *rt, struct arena *a,
                              const char *workspace_id, const char *key,
                              int64_t since_us, int64_t until_us,
                              struct json **out, struct error *err);

/* What would happen, or would have: nothing is written, nothing is sent.
 * `key` NULL: the body's "document" (text or tree) stands alone.
 *
 * One row, step by step, the clock moving to what is due next. Body: "event"
 * (id), or "row" (key) changed by "record", or a "record" alone; "old" for
 * updates; "at", "for" (P90D); "document" in place of the stored one.
 * Out: {"feature","at","until","trigger_fires","record","steps":[{"at","kind",
 * "verdict","meaning","state","status","effect","address","until","detail"}],
 * "state","status"}. */
CHECKED enum status op_simulate(struct runtime *rt, struct arena *a,
                                const char *workspace_id, const char *key,
                                const struct json *body, struct json **out,
                                struct error *err);
/* A feature over the past. Body: "since", "until", "source" (events, table),
 * "limit", "version" or "document", "decisions" (how many to list),
 * "compare" {version or document}. Out: a report, or {"a","b","only_a",
 * "only_b","both"}. */
CHECKED enum status op_backtest(struct runtime *rt, struct arena *a,
                                const char *workspace_id, const char *key,
                                const struct json *body, struct json **out,
                                struct error *err);
/* Would the subject enter now, by live rows, and what would have to change?
 * {"subject","feature","status","trigger","table","rows":[{"row","verdict",
 * "meaning","detail","changes":[text]}],"runs","decisions"}. */
CHECKED enum status op_why_not(struct runtime *rt, struct arena *a,
                               const char *workspace_id, const char *subject,
                               const char *feature_key, struct json **out,
                               struct error *err);

/* Findings of doctor: {"ok":bool,"findings":[{"check","status":"ok|warn|fail",
 * "message","fix"}…]}. */
CHECKED enum status op_doctor(struct runtime *rt, struct arena *a,
                              const char *workspace_id, struct json **out,
                              struct error *err);

/* Puts all failed actions back (of one feature, or NULL); *n counts them. */
CHECKED enum status op_actions_retry_all(struct runtime *rt, struct arena *a,
                                         const char *workspace_id,
                                         const char *feature_key, int64_t *n,
                                         struct error *err);
/* What holds for all features of the workspace: {"cap":{count,per}|null,
 * "holdout":share|null}. `body` NULL: only read. Errors: E_INVALID. */
CHECKED enum status op_workspace(struct runtime *rt, struct arena *a,
                                 const char *workspace_id,
                                 const struct json *body, struct json **out,
                                 struct error *err);
/* engine.yaml, version 2: {"version":2,"features":[documents],"messages":
 * [{key,subject,body}],"connections":[{name,kind}]}. */
CHECKED enum status op_engine_export(struct runtime *rt, struct arena *a,
                                     const char *workspace_id,
                                     struct json **out, struct error *err);
/* Checks the whole file, then stores its messages and features (as drafts or
 * new versions); `dry` only checks. {"features":[{key,"change"}],"messages":…,
 * "missing_connections":[name]}. Errors: E_INVALID with field and line. */
CHECKED enum status op_engine_import(struct runtime *rt, struct arena *a,
                                     const char *workspace_id, const char *text,
                                     size_t n, bool dry, struct json **out,
                                     struct error *err);

/* Puts a failed action back into the queue. Errors: E_CONFLICT not failed. */
CHECKED enum status op_action_retry(struct runtime *rt, struct arena *a,
                                    const char *workspace_id,
                                    const char *action_id, struct error *err);

/* Named receivers: {"data":[{"name","kind","host"}]}; tokens and URLs are
 * shown to nobody. */
CHECKED enum status op_connections(struct runtime *rt, struct arena *a,
                                   const char *workspace_id, struct json **out,
                                   struct error *err);
/* Body: {"kind","url","token"}. Errors: E_INVALID with the field. */
CHECKED enum status op_connection_put(struct runtime *rt, struct arena *a,
                                      const char *workspace_id,
                                      const char *name, const struct json *body,
                                      struct json **out, struct error *err);
CHECKED enum status op_connection_remove(struct runtime *rt, struct arena *a,
                                         const char *workspace_id,
                                         const char *name, struct json **out,
                                         struct error *err);

/* Finds the only integration of the workspace, or the named one (id or name).
 * Errors: E_NOTFOUND none; E_INPUT several and none named (lists them). */
CHECKED enum status op_integration_pick(struct runtime *rt, struct arena *a,
                                        const char *workspace_id,
                                        const char *id_or_name,
                                        struct integration *out,
                                        struct error *err);

/* Signed token of an unsubscribe link and back: workspace and address. */
const char *unsubscribe_token(struct runtime *rt, struct arena *a,
                              const char *workspace_id, const char *address);
CHECKED enum status unsubscribe_open(struct runtime *rt, struct arena *a,
                                     const char *token,
                                     const char **workspace_id,
                                     const char **address, struct error *err);

#endif
