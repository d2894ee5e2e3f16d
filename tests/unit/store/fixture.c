#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error err = {0};
    struct workspace w;

    assert_non_null(f);
    f->a = arena_new((size_t)64 * 1024 * 1024);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/skene-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/skene.db", f->folder);
    assert_ok(store_open(f->path, &f->s, &err), &err);
    struct store_tx *tx = begin(f, true);
    assert_ok(workspace_ensure(tx, "default", "Default", T0, &err), &err);
    assert_ok(workspace_get(tx, f->a, "default", &w, &err), &err);
    f->workspace = w.id;
    f->integration = new_id(f, T0);
    const struct integration in = {.id = f->integration,
                                   .workspace_id = f->workspace,
                                   .name = "saas",
                                   .kind = "postgres",
                                   .access_mode = "read_write",
                                   .transport = "drain",
                                   .status = "connected",
                                   .epoch = "",
                                   .created_us = T0};
    assert_ok(integration_put(tx, &in, &err), &err);
    commit(tx);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    DIR *dir;

    store_close(f->s);
    dir = opendir(f->folder);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, d->d_name);
        (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(f->folder);
    arena_free(f->a);
    free(f);
    return 0;
}

void
fixture_reopen(struct fixture *f)
{
    struct error err = {0};

    store_close(f->s);
    f->s = NULL;
    assert_ok(store_open(f->path, &f->s, &err), &err);
}

struct store_tx *
begin(struct fixture *f, bool write)
{
    struct store_tx *tx = NULL;
    struct error err = {0};

    assert_ok(store_begin(f->s, write, &tx, &err), &err);
    return tx;
}

void
commit(struct store_tx *tx)
{
    struct error err = {0};

    assert_ok(store_commit(tx, &err), &err);
}

const char *
new_id(struct fixture *f, int64_t at_us)
{
    struct id id = id_new(at_us);
    const char *text = arena_strdup(f->a, id.text);

    assert_non_null(text);
    return text;
}

struct event_row
event_of(struct fixture *f, int n)
{
    int64_t at_us = T0 + n * US_PER_S;
    struct id id = id_derive(at_us, &n, sizeof(n));

    return (struct event_row){.id = arena_strdup(f->a, id.text),
                              .workspace_id = f->workspace,
                              .integration_id = f->integration,
                              .source_id = n,
                              .type = n % 2 ? "auth.users.insert"
                                            : "auth.users.update",
                              .key = "ann",
                              .record = "{\"id\":\"ann\"}",
                              .old = n % 2 ? NULL : "{\"plan\":\"free\"}",
                              .occurred_us = at_us,
                              .received_us = at_us + 5,
                              .transport = "drain",
                              .queue_shard = 7};
}

struct event_row
event_put(struct fixture *f, int n)
{
    struct event_row row = event_of(f, n);
    struct error err = {0};
    size_t inserted = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(events_insert(tx, &row, 1, &inserted, &err), &err);
    assert_int_equal(inserted, 1);
    commit(tx);
    return row;
}

struct run_row
run_of(struct fixture *f, const char *feature_id, const char *subject)
{
    return (struct run_row){.id = new_id(f, T0),
                            .workspace_id = f->workspace,
                            .integration_id = f->integration,
                            .feature_id = feature_id,
                            .shard = shard_of(f->workspace, subject),
                            .version = 1,
                            .subject_table = "auth.users",
                            .subject_id = "ann",
                            .subject_key = subject,
                            .row_table = "auth.users",
                            .row_key = "ann",
                            .record = "{}",
                            .event_type = "auth.users.insert",
                            .state = "wait",
                            .status = "active",
                            .entered_us = T0,
                            .state_entered_us = T0,
                            .state_entry = 1,
                            .due_us = T0 + US_PER_DAY,
                            .rev = 1};
}

struct action_row
action_of(struct fixture *f, const char *key, int64_t due_us)
{
    return (struct action_row){.id = new_id(f, T0),
                               .workspace_id = f->workspace,
                               .key = key,
                               .run_id = "01a00000-0000-7000-8000-000000000042",
                               .feature_id = "f",
                               .feature_key = "welcome",
                               .version = 1,
                               .subject_key = "auth.users/ann",
                               .kind = "email",
                               .address = "ann@example.com",
                               .payload = "{}",
                               .status = "pending",
                               .due_us = due_us,
                               .created_us = T0};
}
