#include <string.h>

#include "codec/time.h"
#include "runtime/ops_parts.h"
#include "runtime/parts.h"
#include "target/introspect.h"

enum { SKEW_WARN_S = 5, BACKLOG_WARN = 10000, QUEUE_WARN = 10000 };

struct exam {
    struct runtime *rt;
    struct arena *a;
    struct json *findings;
    bool ok;
};

static void
finding(struct exam *x, const char *check, const char *status,
        const char *message, const char *fix)
{
    struct json *o = json_object(x->a);

    o = op_put_string(x->a, o, "check", check);
    o = op_put_string(x->a, o, "status", status);
    o = op_put_string(x->a, o, "message", message);
    o = op_put_string(x->a, o, "fix", fix);
    (void)json_push(x->a, x->findings, o);
    x->ok = x->ok && strcmp(status, "fail") != 0;
}

static void
check_store(struct exam *x)
{
    int64_t queued = 0;
    struct error err = {0};
    AUTO_TX tx = NULL;

    if (store_begin(runtime_store(x->rt), false, &tx, &err) != OK ||
        queue_count(tx, &queued, &err) != OK) {
        finding(x, "store", "fail", err.msg, err.hint);
        return;
    }
    const char *text = arena_printf(
        x->a, "%lld MiB on disk, %lld events wait for their decision",
        (long long)(store_bytes(runtime_store(x->rt)) / (1024L * 1024)),
        (long long)queued);
    bool many = queued > QUEUE_WARN;
    finding(x, "store", many ? "warn" : "ok", text,
            many ? "look at the log for batch_failed or facts_unavailable"
                 : NULL);
}

static void
check_mail(struct exam *x)
{
    const struct runtime_config *c = runtime_config_get(x->rt);

    if (!c->resend_key && !c->smtp_url)
        finding(x, "mail", "warn",
                "no provider: mail goes to the dev inbox only",
                "set RESEND_API_KEY or SKENE_SMTP_URL, and SKENE_MAIL_FROM");
    else if (!c->mail_from)
        finding(x, "mail", "fail", "a provider is set, but no sender",
                "set SKENE_MAIL_FROM, for example: Acme <hello@acme.example>");
    else
        finding(x, "mail", "ok",
                c->resend_key ? "through Resend" : "through SMTP", NULL);
}

static void
check_deployed(struct exam *x, const char *name, const struct target_status *s)
{
    char human[ISO_BYTES];

    if (!s->deployed) {
        finding(x, name, "warn", "no triggers are deployed yet",
                "skene deploy");
        return;
    }
    if (!s->event_log || !s->config)
        finding(x, name, "fail", "objects of skene_growth are missing",
                "skene deploy puts them back");
    if (!s->home_ok)
        finding(x, name, "fail",
                "this is a copy of another database: it does not send",
                "skene adopt makes it a deployment of its own");
    if (!s->capture_on)
        finding(x, name, "warn", "capture is switched off",
                "update skene_growth.config set capture_on = true where one");
    if (s->failed > 0)
        finding(x, name, "warn",
                arena_printf(x->a, "%lld events could not be captured whole",
                             (long long)s->failed),
                "skene failed-events shows why and can put them back");
    bool behind = s->backlog > BACKLOG_WARN;
    finding(x, name, behind ? "warn" : "ok",
            arena_printf(x->a, "%lld triggers, %lld events wait, the oldest %s",
                         (long long)s->triggers, (long long)s->backlog,
                         duration_human(s->oldest_us, human)),
            behind ? "is the drain running? see: skene integrations" : NULL);
}

static void
check_integration(struct exam *x, const struct integration *in)
{
    const char *name = arena_printf(x->a, "integration %s", in->name);
    struct target_status s;
    struct drain_state drain;
    struct error err = {0};
    char human[ISO_BYTES];
    AUTO_TARGET t = NULL;

    enum status rc = op_target(x->rt, in, false, &t, &err);
    if (rc == OK)
        rc = target_status_get(t, x->a, clock_now_us(NULL), &s, &err);
    if (rc != OK) {
        finding(x, name, "fail", arena_strdup(x->a, err.msg),
                err.hint[0] ? arena_strdup(x->a, err.hint)
                            : "check that the database runs and lets us in");
        return;
    }
    finding(x, name, "ok",
            arena_printf(
                x->a, "PostgreSQL %s as %s%s", s.version, s.role,
                strcmp(in->access_mode, "read_only") == 0 ? ", read-only" : ""),
            NULL);
    int64_t skew = s.clock_skew_us < 0 ? -s.clock_skew_us : s.clock_skew_us;
    if (skew > SKEW_WARN_S * US_PER_S)
        finding(x, name, "warn",
                arena_printf(x->a, "its clock differs from ours by %s",
                             duration_human(skew, human)),
                "run NTP on both; waits are counted by our clock");
    check_deployed(x, name, &s);
    if (strcmp(in->transport, "drain") != 0 && !s.pg_net)
        finding(x, name,
                strcmp(in->transport, "push_only") == 0 ? "fail" : "warn",
                "events are to be pushed, and pg_net is not installed",
                "create extension pg_net with schema extensions");
    if (runtime_drain_state(x->rt, x->a, in->id, &drain) &&
        strcmp(drain.state, "waiting") == 0)
        finding(x, name, "fail",
                arena_printf(x->a, "the drain waits: %s", drain.error),
                "it tries again by itself");
}

enum status
op_doctor(struct runtime *rt, struct arena *a, const char *workspace_id,
          struct json **out, struct error *err)
{
    struct exam x = {.rt = rt, .a = a, .findings = json_array(a), .ok = true};
    struct integration *rows = NULL;
    size_t n = 0, connected = 0;
    AUTO_TX tx = NULL;

    if (!x.findings)
        return fail(err, E_NOMEM, "doctor");
    check_store(&x);
    check_mail(&x);
    enum status rc = store_begin(runtime_store(rt), false, &tx, err);
    if (rc == OK)
        rc = integration_list(tx, a, workspace_id, &rows, &n, err);
    store_rollback(tx);
    tx = NULL;
    for (size_t i = 0; rc == OK && i < n; i++) {
        if (strcmp(rows[i].status, "connected") != 0)
            continue;
        connected++;
        check_integration(&x, &rows[i]);
    }
    if (rc == OK && connected == 0)
        finding(&x, "integrations", "warn", "no database is connected",
                "skene connect postgres://user:password@host/database");
    *out = op_put_bool(a, json_object(a), "ok", x.ok);
    *out = json_put(a, *out, "findings", x.findings);
    return rc == OK && !*out ? fail(err, E_NOMEM, "doctor") : rc;
}
