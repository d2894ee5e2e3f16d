#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* ours */

#include "runtime/lookups.h"
#include "runtime/ops.h"
#include "world.h"

/* ---- what the dispatcher asks the rest of the runtime for ---- */

struct store *
runtime_store(struct runtime *rt)
{
    return rt->store;
}

const struct runtime_config *
runtime_config_get(const struct runtime *rt)
{
    return &rt->config;
}

int64_t
runtime_now_us(const struct runtime *rt)
{
    return clock_now_us(NULL) + atomic_load(&rt->offset_us);
}

const struct log *
runtime_log(const struct runtime *rt)
{
    (void)rt;
    return NULL; /* drops the lines */
}

struct feed *
runtime_feed(struct runtime *rt)
{
    return rt->feed;
}

enum status
exit_holds(struct runtime *rt, struct lookups *lookups, struct arena *a,
           const struct action_row *action, bool *holds, struct error *err)
{
    enum status rc = (enum status)atomic_load(&rt->exit_status);

    (void)lookups;
    (void)a;
    (void)action;
    atomic_fetch_add(&rt->exit_calls, 1);
    *holds = atomic_load(&rt->exited);
    return rc == OK ? OK : fail(err, rc, "the database is away");
}

struct lookups *
lookups_new(struct runtime *rt)
{
    (void)rt;
    return calloc(1, 1); /* only handed on to exit_holds() */
}

void
lookups_free(struct lookups *l)
{
    free(l);
}

const char *
unsubscribe_token(struct runtime *rt, struct arena *a, const char *workspace_id,
                  const char *address)
{
    (void)rt;
    return arena_printf(a, "%zu-%zu", strlen(workspace_id), strlen(address));
}

void
failpoint(const char *name)
{
    (void)name;
}

/* ---- the world ---- */

struct runtime *
world_new(void)
{
    struct runtime *rt = calloc(1, sizeof(*rt));
    char url[128];
    struct error err = {0};

    assert_non_null(rt);
    strcpy(rt->folder, "/tmp/skene-test-XXXXXX");
    assert_non_null(mkdtemp(rt->folder));
    (void)snprintf(url, sizeof(url), "sqlite:%s/store.db", rt->folder);
    if (store_open(url, &rt->store, &err) != OK)
        print_error("%s\n", err.msg);
    assert_non_null(rt->store);
    rt->a = arena_new((size_t)64 * 1024 * 1024);
    rt->feed = feed_new();
    rt->config.public_url = "http://127.0.0.1:8787";
    rt->config.allow_private_egress = true;
    WORLD_WRITE(
        rt, workspace_ensure(tx, "default", "Acme", runtime_now_us(rt), &err_));
    WORLD_READ(rt, workspace_get(tx, rt->a, "default", &rt->workspace, &err_));
    const struct message_row welcome = {
        .workspace_id = rt->workspace.id,
        .key = "welcome",
        .subject = "Hello {{ first_name | default: \"there\" }}",
        .body = "Hi.\n\n[Stop]({{ unsubscribe_url }})\n",
        .updated_us = runtime_now_us(rt),
    };
    WORLD_WRITE(rt, message_put(tx, &welcome, &err_));
    return rt;
}

void
world_free(struct runtime *rt)
{
    static const char *const files[] = {"store.db", "store.db-wal",
                                        "store.db-shm", "store.db.lock"};
    char path[128];

    store_close(rt->store);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rt->folder, files[i]);
        (void)unlink(path);
    }
    if (rmdir(rt->folder) != 0)
        print_error("%s is not empty\n", rt->folder);
    feed_free(rt->feed);
    arena_free(rt->a);
    free(rt);
}

void
world_forward(struct runtime *rt, int64_t us)
{
    atomic_fetch_add(&rt->offset_us, us);
}

void
world_nap(void)
{
    const struct timespec pause = {.tv_nsec = 3000000};

    (void)nanosleep(&pause, NULL);
}

const char *
world_action(struct runtime *rt, const char *kind, const char *address,
             const char *who, const char *timing)
{
    int64_t now_us = runtime_now_us(rt);
    struct id id = id_new(now_us);
    const struct action_row row = {
        .id = arena_strdup(rt->a, id.text),
        .workspace_id = rt->workspace.id,
        .key = arena_printf(rt->a, "run_%d", rt->made++),
        .run_id = "019aa000-0000-7000-8000-000000000001",
        .feature_id = "019aa000-0000-7000-8000-00000000000f",
        .feature_key = "welcome",
        .version = 1,
        .subject_key = arena_printf(rt->a, "users/%s", who),
        .kind = kind,
        .address = address,
        .payload = arena_printf(
            rt->a,
            "{\"effect\":{\"type\":\"%s\",\"template\":\"%s\"},\"feature\":{"
            "\"key\":\"welcome\","
            "\"name\":\"Welcome\"},\"version\":1,\"state\":\"s0\","
            "\"run\":\"r\",\"subject\":{\"table\":\"users\",\"id\":\"%s\","
            "\"key\":\"users/%s\"},\"workspace\":{\"slug\":\"default\"},"
            "\"timing\":%s,\"event\":{\"id\":\"e\",\"type\":\"users.insert\","
            "\"record\":{\"id\":\"%s\"}}}",
            kind, rt->template ? rt->template : "welcome", who, who,
            timing ? timing : "null", who),
        .status = "pending",
        .due_us = now_us,
        .created_us = now_us,
    };
    WORLD_WRITE(rt, action_insert(tx, &row, &err_));
    return row.id;
}

struct action_row
world_get(struct runtime *rt, const char *id)
{
    struct action_row row = {0};

    WORLD_READ(rt, action_get(tx, rt->a, rt->workspace.id, id, &row, &err_));
    return row;
}

bool
world_is(struct runtime *rt, const char *id, const char *status)
{
    return strcmp(world_get(rt, id).status, status) == 0;
}
