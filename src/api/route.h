/*
 * api/route.h - what the files of this folder share: a route, a call, an
 * answer. Not for other folders.
 *
 * A route is one row of the table in routes.c. Matching, authorisation, the
 * 404 and 405 answers and the OpenAPI document are all read from that table.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdatomic.h>

#include "api/api.h"
#include "base/queue.h"
#include "codec/json.h"
#include "net/http_server.h"

/* In rising order: a caller may use every route up to its own. `ingest` is
 * apart: the handler checks the integration's secret itself. */
enum role {
    ROLE_PUBLIC,
    ROLE_INGEST,
    ROLE_VIEWER,
    ROLE_EDITOR,
    ROLE_ADMIN,
    ROLE_COUNT
};
const char *role_name(enum role r);

enum { TOKEN_TEXT_BYTES = 32 };
#define TOKEN_COOKIE "skene_token"

struct api_route;

/* Routes under /api/v1 also answer under /workspace/{slug}. */
#define API_PREFIX "/api/v1/"

/* One request on its way through a handler. Lives in the exchange's arena. */
struct call {
    struct api *api;
    struct runtime *rt;
    struct http_exchange *x;
    const struct http_request *req;
    struct arena *a;
    const struct api_route *route;
    const char *param;          /* value of the {…} in the path, or NULL */
    const char *workspace_slug; /* of the path; NULL = default */
    const char *workspace_id;   /* set for job routes */
    const char *request_id;
};

/* What a handler answers. Zeroed = 200 with `json`. */
struct answer {
    int status;
    struct json *json;
    const char *content_type; /* with `body` instead of json */
    const void *body;
    size_t body_n;
    const char *extra_name[2], *extra_value[2]; /* headers */
    bool sent; /* answered already (a stream): the call may be gone */
};

/* Runs on a job thread and may block; an error becomes the error answer. */
typedef enum status job_fn(struct call *c, struct answer *out,
                           struct error *err);
/* Runs on an HTTP thread, must not block, and answers or suspends itself. */
typedef void direct_fn(struct call *c);

struct route_param {
    const char *name, *type, *help; /* type: JSON Schema's, or "date-time" */
};

struct api_route {
    const char *method;
    const char *path; /* "/api/v1/events/{id}" */
    enum role role;
    job_fn *job; /* exactly one of the two */
    direct_fn *direct;
    const char *tag, *summary;
    const struct route_param *query; /* ends with a NULL name; or NULL */
    const char *body;                /* schema of the request body, or NULL */
    const char *answer; /* schema of the answer, or NULL for other types */
    const char *type;   /* content type when not JSON */
    int status;         /* of success; 0 = 200 */
    bool changes;       /* definitions: wakes the runtime afterwards */
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

struct api {
    struct runtime *rt;
    struct http_server *server;
    struct jobs *jobs;
    const char *token, *public_host;
    struct arena *a; /* of the strings above and the OpenAPI text */
    const char *openapi;
    size_t openapi_n;
    const char *default_workspace; /* its id */
    atomic_llong requests, errors, refused, ingested, ingest_refused;
    atomic_int in_hand; /* ingest requests the committer may still answer */
    atomic_bool stopping;
};

/* match.c: finds the route; fills param, slug and (405) `allow`. NULL when
 * there is none. */
const struct api_route *route_match(struct call *c, const char **allow);
/* The known path most like an unknown one, or NULL. */
const char *route_nearest(const char *path);

/* auth.c: may this caller use this route? Errors: E_AUTH, E_FORBIDDEN. */
CHECKED enum status route_allowed(struct call *c, struct error *err);
enum role call_role(struct call *c);
bool token_matches(const struct api *api, const char *presented);

/* reply.c */
void answer_send(struct call *c, const struct answer *out);
void error_send(struct call *c, const struct error *err, const char *allow);

/* jobs.c: threads that run blocking handlers. */
struct jobs;
CHECKED enum status jobs_start(int threads, struct jobs **out,
                               struct error *err);
/* Runs what is queued and joins; later submits fail. NULL is allowed. */
void jobs_drain(struct jobs *j);
void jobs_free(struct jobs *j); /* NULL is allowed */
CHECKED bool jobs_submit(struct jobs *j, struct call *c);

/* openapi.c: the document, in the arena. */
CHECKED enum status openapi_write(struct arena *a, const char **out, size_t *n,
                                  struct error *err);

/* read.c: helpers of the handlers. */
const char *call_query(struct call *c, const char *key); /* NULL, "" too */
/* Errors: E_INVALID with the field. */
CHECKED enum status call_limit(struct call *c, size_t *out, struct error *err);
CHECKED enum status call_body(struct call *c, struct json **out,
                              struct error *err);
/* A member of the body that must be a string. Errors: E_INVALID. */
CHECKED enum status body_text(const struct json *body, const char *key,
                              const char **out, struct error *err);
CHECKED enum status call_begin(struct call *c, bool write, struct store_tx **tx,
                               struct error *err);
/* {"data":[…],"next_cursor":id or null}: null when fewer than limit. */
CHECKED enum status page_answer(struct call *c, struct json *data, size_t limit,
                                const char *last_id, struct answer *out,
                                struct error *err);
/* A JSON text of the store as a value; a string when it does not parse. */
struct json *json_embed(struct arena *a, const char *text);
struct json *json_time(struct arena *a, int64_t us); /* 0 = null */
/* The members the live log sends too; `detail` adds the gates and values. */
struct json *decision_json(struct arena *a, const struct decision_row *d,
                           bool detail);
struct json *event_json(struct arena *a, const struct event_row *e,
                        bool record);
struct json *action_json(struct arena *a, const struct action_row *r);
struct json *mail_json(struct arena *a, const struct mail_row *m, bool body);
/* Filters of the log from the query. Errors: E_INVALID with the field. */
/* An instant, or how long ago: "2026-11-24T09:00:00Z", "PT15M"; 0: not given.
 */
CHECKED enum status query_time(struct call *c, const char *key, int64_t *out,
                               struct error *err);
CHECKED enum status call_filter(struct call *c, struct log_filter *out,
                                struct error *err);
/* The cursor of a page. Errors: E_INVALID. */
CHECKED enum status call_cursor(struct call *c, const char **out,
                                struct error *err);
/* The {id} of the path. Errors: E_NOTFOUND when it is no id at all. */
CHECKED enum status call_id(struct call *c, struct error *err);
struct json *json_maybe(struct arena *a, const char *text); /* NULL = null */

job_fn ready_get, metrics_get, doctor_get, counts_get;
direct_fn health_get, openapi_get, page_get, asset_get, ingest_post;
job_fn stream_get;
job_fn integration_all, integration_connect, integration_status,
    integration_schema, integration_rotate, integration_disconnect,
    integration_adopt, integration_audit, integration_failed,
    integration_replay;
job_fn feature_all, feature_create, feature_one, feature_backfill,
    feature_diagram, feature_activate, feature_pause, feature_archive;
job_fn deployment_all, deployment_apply, deployment_plan, deployment_drift;
job_fn event_all, event_one, event_explain, decision_all;
job_fn action_all, action_one, action_retry, subject_timeline;
job_fn inbox_all, inbox_one, track_all;
job_fn suppression_all, suppression_create, suppression_delete,
    unsubscribe_form, unsubscribe_act;
job_fn feature_versions_all, feature_version_diff, feature_runs_move,
    feature_conversion, feature_funnel;
job_fn feature_simulate, feature_backtest, subject_why_not;
job_fn connection_all, connection_set, connection_delete, resend_event;
job_fn engine_export, engine_import, workspace_show, workspace_change,
    action_retry_all;
job_fn message_one, message_upload;

#endif
