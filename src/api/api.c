#include "api/api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/route.h"
#include "base/log.h"
#include "codec/url.h"

enum {
    JOB_THREADS = 2,
    HTTP_THREADS = 2,
    MAX_CONNECTIONS = 4096,
    MAX_BODY_BYTES = 1024 * 1024,
    TIMEOUT_S = 30,
    DRAIN_MAX_S = 10,
    DRAIN_POLL_NS = 2 * 1000 * 1000,
    API_ARENA_BYTES = 1024 * 1024,
};

static void
unknown_send(struct call *c, const char *allow)
{
    static const struct api_route none = {.method = "", .path = ""};
    struct error err = {0};

    c->route = &none;
    if (allow) {
        (void)error_hint(&err, "allowed here: %s", allow);
        (void)fail(&err, E_INPUT, "%s is not for %s", c->req->method,
                   c->req->path);
    } else {
        const char *near = route_nearest(c->req->path);
        if (near)
            (void)error_hint(&err, "did you mean %s?", near);
        else
            (void)error_hint(&err, "GET /api/v1/openapi.json lists all");
        (void)fail(&err, E_NOTFOUND, "there is no %s", c->req->path);
    }
    error_send(c, &err, allow);
}

static void
job_submit(struct call *c)
{
    /* Suspend first: the job may answer before submit returns. */
    http_suspend(c->x);
    if (jobs_submit(c->api->jobs, c))
        return;
    struct error err = {0};
    (void)error_hint(&err, "try again in a second");
    (void)fail(&err, E_BUSY, "too many requests are waiting");
    atomic_fetch_add(&c->api->refused, 1);
    error_send(c, &err, NULL);
}

static void
handle(struct http_exchange *x, const struct http_request *req, void *user)
{
    struct api *api = user;
    struct arena *a = http_arena(x);
    struct call *c = arena_alloc(a, sizeof(*c));
    const char *allow = NULL;

    atomic_fetch_add(&api->requests, 1);
    if (!c) {
        http_reply(x, &(struct http_reply){.status = 503});
        return;
    }
    *c = (struct call){.api = api, .rt = api->rt, .x = x, .req = req, .a = a};
    c->route = route_match(c, &allow);
    if (c->route && c->route->role == ROLE_INGEST) {
        c->route->direct(c); /* the hot path: no id unless it fails */
        return;
    }
    struct id id = id_new(runtime_now_us(c->rt));
    c->request_id = arena_strdup(a, id.text);
    if (!c->route) {
        unknown_send(c, allow);
        return;
    }
    struct error err = {0};
    if (route_allowed(c, &err) != OK) {
        error_send(c, &err, NULL);
        return;
    }
    if (c->route->direct)
        c->route->direct(c);
    else
        job_submit(c);
}

static enum status
workspace_load(struct api *api, struct error *err)
{
    AUTO_TX tx = NULL;
    struct workspace w = {0};
    enum status rc = store_begin(runtime_store(api->rt), false, &tx, err);

    if (rc == OK)
        rc = workspace_get(tx, api->a, "default", &w, err);
    api->default_workspace = w.id;
    return rc;
}

static enum status
strings_load(struct api *api, const struct api_config *config,
             struct error *err)
{
    struct url url = {0};

    api->token = arena_strdup(api->a, config->token ? config->token : "");
    if (!api->token || strlen(api->token) < TOKEN_TEXT_BYTES)
        return fail(err, E_INPUT, "the local token is too short");
    if (config->public_url && *config->public_url) {
        enum status rc = url_parse(api->a, config->public_url, &url, err);
        if (rc != OK)
            return error_wrap(err, "public URL");
        api->public_host = url.host;
    }
    return openapi_write(api->a, &api->openapi, &api->openapi_n, err);
}

enum status
api_start(const struct api_config *config, struct api **out, struct error *err)
{
    struct api *api = calloc(1, sizeof(*api));

    if (!api || !(api->a = arena_new(API_ARENA_BYTES))) {
        free(api);
        return fail(err, E_NOMEM, "api");
    }
    api->rt = config->rt;
    struct http_server_config http = {
        .listen = config->listen && *config->listen ? config->listen : NULL,
        .unix_socket = config->unix_socket,
        .threads = config->threads ? config->threads : HTTP_THREADS,
        .max_connections = MAX_CONNECTIONS,
        .max_body_bytes = MAX_BODY_BYTES,
        .timeout_s = TIMEOUT_S,
        .handler = handle,
        .user = api,
    };
    enum status rc = strings_load(api, config, err);
    if (rc == OK)
        rc = workspace_load(api, err);
    if (rc == OK)
        rc = jobs_start(JOB_THREADS, &api->jobs, err);
    if (rc == OK)
        rc = http_server_start(&http, &api->server, err);
    if (rc != OK) {
        api_stop(api);
        return rc;
    }
    *out = api;
    return OK;
}

int
api_port(const struct api *api)
{
    return http_server_port(api->server);
}

/* The committer answers what it holds; it is alive until runtime_stop(). */
static void
ingest_drain(struct api *api)
{
    const struct timespec pause = {.tv_nsec = DRAIN_POLL_NS};
    int64_t until_us = clock_mono_us() + DRAIN_MAX_S * US_PER_S;

    while (atomic_load(&api->in_hand) > 0 && clock_mono_us() < until_us)
        nanosleep(&pause, NULL);
}

void
api_stop(struct api *api)
{
    if (!api)
        return;
    atomic_store(&api->stopping, true);
    if (api->server)
        http_server_quiesce(api->server);
    jobs_drain(api->jobs); /* answers what is queued */
    ingest_drain(api);
    http_server_stop(api->server);
    jobs_free(api->jobs);
    arena_free(api->a);
    free(api);
}
