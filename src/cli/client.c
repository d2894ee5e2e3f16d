/* The CLI as a client of the HTTP API. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "codec/text.h"
#include "net/http_client.h"

enum {
    CALL_TIMEOUT_MS = 120 * 1000, /* a deployment waits for its locks */
    ANSWER_MAX_BYTES = 16 * 1024 * 1024,
    SSE_LINE_MAX_BYTES = 256 * 1024,
};

/* The file of a store URL. */
static const char *
store_file(const struct cli *cli)
{
    const char *store = setting(cli, "store");

    return strncmp(store, "sqlite:", 7) == 0 ? store + 7 : store;
}

const char *
store_path(const struct cli *cli)
{
    const char *store = store_file(cli);
    const char *data = secure_getenv("XDG_DATA_HOME"),
               *home = secure_getenv("HOME");

    if (*store)
        return store;
    if (data && *data == '/')
        return arena_printf(cli->a, "%s/skene/skene.db", data);
    return arena_printf(cli->a, "%s/.local/share/skene/skene.db",
                        home ? home : ".");
}

const char *
socket_path(const struct cli *cli)
{
    const char *given = setting(cli, "socket");

    return *given ? given : arena_printf(cli->a, "%s.sock", store_path(cli));
}

/* Where to and as whom. */
static enum status
call_prepare(struct cli *cli, const char *path, struct net_http_call *call,
             const char **unix_socket, struct error *err)
{
    const char *server = setting(cli, "server");
    const char *key = setting(cli, "api_key");
    size_t n = strlen(server);

    while (n > 0 && server[n - 1] == '/')
        n--;
    call->url = n ? arena_printf(cli->a, "%.*s%s", (int)n, server, path)
                  : arena_printf(cli->a, "http://localhost%s", path);
    *unix_socket = n ? NULL : socket_path(cli);
    if (!call->url || (!n && !*unix_socket))
        return fail(err, E_NOMEM, "request");
    call->trusted = true;
    call->timeout_ms = CALL_TIMEOUT_MS;
    call->max_response = ANSWER_MAX_BYTES;
    if (n && *key) {
        size_t i = 0;
        while (call->headers[i].name)
            i++;
        call->headers[i] = (struct http_header){
            "Authorization", arena_printf(cli->a, "Bearer %s", key)};
    }
    return OK;
}

static enum status
unreachable(const struct cli *cli, const char *unix_socket, struct error *err)
{
    struct error why = *err;

    *err = (struct error){0};
    if (!unix_socket) {
        (void)error_hint(err, "is SKENE_SERVER right, is the server up?");
        return fail(err, E_NET, "%s does not answer: %s",
                    setting(cli, "server"), why.msg);
    }
    (void)error_hint(err, "start it with: skene serve (or name its --socket)");
    return fail(err, E_NET, "no server answers at %s", unix_socket);
}

static enum status
code_status(int code, const char *name)
{
    static const enum status list[] = {
#define X(sym, wire, http, exit_status, retry) sym,
        STATUS_LIST(X)
#undef X
    };

    for (size_t i = 1; i < sizeof(list) / sizeof(list[0]); i++)
        if (strcmp(status_name(list[i]), name) == 0)
            return list[i];
    for (size_t i = 1; i < sizeof(list) / sizeof(list[0]); i++)
        if (status_http(list[i]) == code)
            return list[i];
    return E_NET;
}

static enum status
answer_error(const struct api_reply *reply, struct error *err)
{
    const struct json *e = json_get(reply->json, "error");
    const char *field = json_get_str(e, "field", "");
    const char *hint = json_get_str(e, "hint", "");
    const char *message = json_get_str(e, "message", NULL);
    enum status code = code_status(reply->code, json_get_str(e, "code", ""));

    code = message ? fail(err, code, "%s", message)
                   : fail(err, code, "the server answered %d", reply->code);
    if (*hint)
        (void)error_hint(err, "%s", hint);
    if (*field)
        (void)error_field(err, "%s", field);
    return code;
}

static void
reply_take(struct cli *cli, const struct net_result *result,
           struct api_reply *out)
{
    *out = (struct api_reply){
        .code = result->code, .body = result->body, .n = result->body_n};
    bool json = out->n && (out->body[0] == '{' || out->body[0] == '[');
    if (!json || json_parse(cli->a, out->body, out->n, ANSWER_MAX_BYTES,
                            &out->json, NULL) != OK)
        out->json = NULL;
}

enum status
api_call(struct cli *cli, const char *method, const char *path,
         const struct payload *body, struct api_reply *out, struct error *err)
{
    struct net_http_call call = {
        .method = method,
        .headers = {{"Accept", "application/json"}},
        .body = body ? body->bytes : NULL,
        .body_n = body ? body->n : 0,
    };
    struct net_result result = {0};
    const char *unix_socket = NULL;

    *out = (struct api_reply){0};
    if (body)
        call.headers[1] = (struct http_header){"Content-Type", body->type};
    enum status rc = path ? call_prepare(cli, path, &call, &unix_socket, err)
                          : fail(err, E_NOMEM, "request");
    if (rc == OK)
        rc = net_fetch(cli->a, &call, unix_socket, &result, err);
    if (rc == OK && result.status != OK)
        rc = fail(err, result.status, "%s", result.message);
    if (rc == E_NET)
        return unreachable(cli, unix_socket, err);
    if (rc != OK)
        return rc;
    reply_take(cli, &result, out);
    return out->code >= 200 && out->code < 300 ? OK : answer_error(out, err);
}

enum status
api_get(struct cli *cli, const char *path, struct api_reply *out,
        struct error *err)
{
    return api_call(cli, "GET", path, NULL, out, err);
}

enum status
api_post(struct cli *cli, const char *path, const struct json *body,
         struct api_reply *out, struct error *err)
{
    const char *text = body ? json_text(cli->a, body) : "{}";
    struct payload payload = {.type = "application/json", .bytes = text};

    if (!text)
        return fail(err, E_NOMEM, "request");
    payload.n = strlen(text);
    return api_call(cli, "POST", path, &payload, out, err);
}

struct query
query_new(const char *path)
{
    struct query q = {.text = buf_new(8192)};

    buf_puts(&q.text, path);
    return q;
}

void
query_add(struct query *q, const char *key, const char *value)
{
    if (!value)
        return;
    buf_printf(&q->text, "%c%s=", q->any ? '&' : '?', key);
    percent_write(&q->text, value, strlen(value));
    q->any = true;
}

const char *
path_with(struct cli *cli, const char *what, const char *value,
          const char *tail)
{
    AUTO_BUF text = buf_new(8192);

    buf_printf(&text, "/api/v1/%s/", what);
    percent_write(&text, value, strlen(value));
    buf_puts(&text, tail);
    return buf_ok(&text) ? arena_strdup(cli->a, text.data) : NULL;
}

/* Server-sent events, cut into lines as the bytes arrive. */
struct follower {
    struct cli *cli;
    sse_line *line;
    void *user;
    struct buf text, data;
    char event[32];
    bool on;
};

static void
sse_field(struct follower *f, const char *line)
{
    if (strncmp(line, "event: ", 7) == 0)
        (void)snprintf(f->event, sizeof(f->event), "%s", line + 7);
    else if (strncmp(line, "data: ", 6) == 0)
        buf_puts(&f->data, line + 6);
    else if (!*line) {
        if (f->data.len)
            f->on = f->line(f->cli, f->event, f->data.data, f->user);
        buf_reset(&f->data);
        f->event[0] = '\0';
    }
}

static bool
chunk(const char *bytes, size_t n, void *user)
{
    struct follower *f = user;

    for (size_t i = 0; i < n && f->on; i++) {
        if (bytes[i] == '\r')
            continue;
        if (bytes[i] != '\n') {
            buf_putc(&f->text, bytes[i]);
            continue;
        }
        if (f->text.len == 0)
            sse_field(f, "");
        else if (buf_ok(&f->text)) /* over the limit: the line is dropped */
            sse_field(f, f->text.data);
        buf_reset(&f->text);
    }
    return f->on;
}

enum status
api_follow(struct cli *cli, const char *path, sse_line *line, void *user,
           struct error *err)
{
    struct follower f = {
        .cli = cli,
        .line = line,
        .user = user,
        .text = buf_new(SSE_LINE_MAX_BYTES),
        .data = buf_new(SSE_LINE_MAX_BYTES),
        .on = true,
    };
    struct net_http_call call = {
        .method = "GET",
        .headers = {{"Accept", "text/event-stream"}},
    };
    const char *unix_socket = NULL;
    enum status rc = call_prepare(cli, path, &call, &unix_socket, err);

    if (rc == OK)
        rc = net_fetch_stream(&call, unix_socket, chunk, &f, err);
    buf_free(&f.text);
    buf_free(&f.data);
    return rc == E_NET ? unreachable(cli, unix_socket, err) : rc;
}
