#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store_tx.h"
#include "store_migrations.h"

enum { READERS_MAX = 8, PATH_MAX_BYTES = 4096 };

struct store {
    char path[PATH_MAX_BYTES];
    int lock_fd;
    pthread_mutex_t writer_lock;
    struct db *writer;
    pthread_mutex_t readers_lock;
    pthread_cond_t readers_free;
    struct db *readers[READERS_MAX]; /* idle ones first */
    int n_idle, n_open;
    int64_t seq; /* last place given out in the queue; under writer_lock */
    struct store *next_open;
};

/* Record locks do not exclude the own process: a list of its stores does. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *open_stores;

/* By what the path names: it may be spelled in several ways, and to open the
 * lock a second time would drop it. */
static bool
open_here(const char *path)
{
    struct stat it, other;
    bool there = stat(path, &it) == 0;

    for (const struct store *s = open_stores; s; s = s->next_open)
        if (strcmp(s->path, path) == 0 ||
            (there && stat(s->path, &other) == 0 && it.st_ino == other.st_ino &&
             it.st_dev == other.st_dev))
            return true;
    return false;
}

static void
list_remove(struct store *s)
{
    struct store **p = &open_stores;

    while (*p && *p != s)
        p = &(*p)->next_open;
    if (*p)
        *p = s->next_open;
}

static enum status
make_folder(const char *path, struct error *err)
{
    char folder[PATH_MAX_BYTES];

    (void)snprintf(folder, sizeof(folder), "%s", path);
    for (char *p = folder + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return fail(err, E_IO, "folder %s: %s", folder,
                        strerrordesc_np(errno));
        *p = '/';
    }
    return OK;
}

static enum status
take_lock(struct store *s, struct error *err)
{
    char path[PATH_MAX_BYTES + 8];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    (void)snprintf(path, sizeof(path), "%s.lock", s->path);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return fail(err, E_IO, "lock %s: %s", path, strerrordesc_np(errno));
    if (fcntl(s->lock_fd, F_SETLK, &lock) == 0)
        return OK;
    (void)fcntl(s->lock_fd, F_GETLK, &lock);
    (void)error_hint(err, "stop that process, or choose another file with "
                          "--store");
    return fail(err, E_CONFLICT, "%s is in use by the process %ld", s->path,
                lock.l_type == F_UNLCK ? 0L : (long)lock.l_pid);
}

static enum status
applied_version(struct db *db, int64_t *out, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    struct db_rows rows;
    struct error ignored = {0};

    *out = 0;
    if (!a)
        return fail(err, E_NOMEM, "store");
    /* A new file has no such table yet. */
    if (db_query(db, a, STORE_SQL_VERSION_GET, NULL, 0, &rows, &ignored) == OK)
        *out = db_int(&rows, 0, 0);
    else if (!strstr(ignored.msg, "no such table"))
        return *err = ignored, ignored.code;
    return OK;
}

static enum status
migrate(struct db *db, struct error *err)
{
    const int64_t newest = (int64_t)N_OF(migrations);
    int64_t have = 0;
    enum status rc = applied_version(db, &have, err);

    if (rc != OK)
        return rc;
    if (have > newest) {
        (void)error_hint(err, "start the newer program, or restore a backup");
        return fail(err, E_CONFLICT,
                    "the store has schema %lld, this program knows up to "
                    "%lld",
                    (long long)have, (long long)newest);
    }
    for (int64_t i = have; rc == OK && i < newest; i++) {
        const struct db_value note[] = {DB_I(i + 1), DB_I(clock_now_us(NULL))};
        rc = db_begin(db, true, err);
        if (rc == OK)
            rc = db_script(db, migrations[i], err);
        if (rc == OK)
            rc =
                db_exec(db, STORE_SQL_VERSION_PUT, note, N_OF(note), NULL, err);
        if (rc == OK)
            rc = db_commit(db, err);
        else
            db_rollback(db);
    }
    return rc == OK ? OK : error_wrap(err, "migrate");
}

static enum status
load_seq(struct store *s, struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    struct db_rows rows;

    if (!a)
        return fail(err, E_NOMEM, "store");
    enum status rc =
        db_query(s->writer, a, STORE_SQL_QUEUE_MAX, NULL, 0, &rows, err);
    /* Above the clock too, so that a place is never given out twice even
     * after the queue ran empty. */
    s->seq = clock_now_us(NULL);
    if (rc == OK && db_int(&rows, 0, 0) > s->seq)
        s->seq = db_int(&rows, 0, 0);
    return rc;
}

static enum status
open_all(struct store *s, struct error *err)
{
    enum status rc = make_folder(s->path, err);

    if (rc == OK)
        rc = take_lock(s, err);
    if (rc == OK)
        rc = db_open_sqlite(s->path, false, &s->writer, err);
    if (rc == OK)
        rc = migrate(s->writer, err);
    return rc == OK ? load_seq(s, err) : rc;
}

enum status
store_open(const char *url, struct store **out, struct error *err)
{
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    struct store *s;

    if (strstr(path, "://"))
        return fail(err, E_INPUT,
                    "store '%.40s': only sqlite:PATH is supported yet", path);
    if (!*path || strlen(path) >= PATH_MAX_BYTES)
        return fail(err, E_INPUT, "store: no path in '%.80s'", url);
    s = calloc(1, sizeof(*s));
    if (!s)
        return fail(err, E_NOMEM, "store");
    s->lock_fd = -1;
    (void)snprintf(s->path, sizeof(s->path), "%s", path);
    pthread_mutex_init(&s->writer_lock, NULL);
    pthread_mutex_init(&s->readers_lock, NULL);
    pthread_cond_init(&s->readers_free, NULL);
    pthread_mutex_lock(&open_lock);
    enum status rc = OK;
    if (open_here(path)) {
        rc = fail(err, E_CONFLICT, "%s is in use by this process (%ld)", path,
                  (long)getpid());
    } else {
        s->next_open = open_stores;
        open_stores = s;
    }
    pthread_mutex_unlock(&open_lock);
    if (rc == OK)
        rc = open_all(s, err);
    if (rc != OK) {
        store_close(s);
        return rc;
    }
    *out = s;
    return OK;
}

void
store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_idle; i++)
        db_close(s->readers[i]);
    db_close(s->writer);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    pthread_mutex_lock(&open_lock);
    list_remove(s);
    pthread_mutex_unlock(&open_lock);
    pthread_cond_destroy(&s->readers_free);
    pthread_mutex_destroy(&s->readers_lock);
    pthread_mutex_destroy(&s->writer_lock);
    free(s);
}

int64_t
store_bytes(struct store *s)
{
    static const char *const endings[] = {"", "-wal"};
    int64_t total = 0;

    for (size_t i = 0; i < N_OF(endings); i++) {
        char path[PATH_MAX_BYTES + 8];
        struct stat st;
        (void)snprintf(path, sizeof(path), "%s%s", s->path, endings[i]);
        if (stat(path, &st) == 0)
            total += st.st_size;
    }
    return total;
}

enum status
store_limit_pages(struct store *s, int pages, struct error *err)
{
    pthread_mutex_lock(&s->writer_lock);
    enum status rc = db_limit_pages(s->writer, pages, err);
    pthread_mutex_unlock(&s->writer_lock);
    return rc;
}

int64_t
store_next_seq(struct store *s)
{
    return ++s->seq;
}

/* ---- transactions ---- */

static enum status
reader_take(struct store *s, struct db **out, struct error *err)
{
    enum status rc = OK;

    *out = NULL;
    pthread_mutex_lock(&s->readers_lock);
    while (s->n_idle == 0 && s->n_open == READERS_MAX)
        pthread_cond_wait(&s->readers_free, &s->readers_lock);
    if (s->n_idle > 0)
        *out = s->readers[--s->n_idle];
    else
        s->n_open++;
    pthread_mutex_unlock(&s->readers_lock);
    if (!*out)
        rc = db_open_sqlite(s->path, true, out, err);
    if (rc != OK) {
        pthread_mutex_lock(&s->readers_lock);
        s->n_open--;
        pthread_cond_signal(&s->readers_free);
        pthread_mutex_unlock(&s->readers_lock);
    }
    return rc;
}

static void
reader_give(struct store *s, struct db *db)
{
    pthread_mutex_lock(&s->readers_lock);
    s->readers[s->n_idle++] = db;
    pthread_cond_signal(&s->readers_free);
    pthread_mutex_unlock(&s->readers_lock);
}

static void
release(struct store_tx *tx)
{
    if (tx->write)
        pthread_mutex_unlock(&tx->store->writer_lock);
    else
        reader_give(tx->store, tx->db);
    free(tx);
}

enum status
store_begin(struct store *s, bool write, struct store_tx **out,
            struct error *err)
{
    struct store_tx *tx = calloc(1, sizeof(*tx));
    enum status rc = OK;

    if (!tx)
        return fail(err, E_NOMEM, "transaction");
    tx->store = s;
    tx->write = write;
    if (write) {
        pthread_mutex_lock(&s->writer_lock);
        tx->db = s->writer;
    } else {
        rc = reader_take(s, &tx->db, err);
        if (rc != OK) {
            free(tx);
            return rc;
        }
    }
    rc = db_begin(tx->db, write, err);
    if (rc != OK) {
        release(tx);
        return rc;
    }
    *out = tx;
    return OK;
}

enum status
store_commit(struct store_tx *tx, struct error *err)
{
    enum status rc = db_commit(tx->db, err);

    release(tx);
    return rc;
}

void
store_rollback(struct store_tx *tx)
{
    if (!tx)
        return;
    db_rollback(tx->db);
    release(tx);
}

enum status
tx_exec(struct store_tx *tx, int sql, const struct db_value *params, size_t n,
        int64_t *changed, struct error *err)
{
    return db_exec(tx->db, sql, params, n, changed, err);
}

enum status
tx_query(struct store_tx *tx, struct arena *a, int sql,
         const struct db_value *params, size_t n, struct db_rows *out,
         struct error *err)
{
    return db_query(tx->db, a, sql, params, n, out, err);
}

enum status
tx_changed(struct store_tx *tx, struct error *err)
{
    return tx_exec(tx, STORE_SQL_GENERATION_BUMP, NULL, 0, NULL, err);
}
