/*
 * Runs .flow files: run_flow app.tables file.flow…
 * Every line that a command brings about must be written below it, in order.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "flow.h"

enum { FILE_MAX_BYTES = 64 * 1024, FILE_LINES_MAX = 1000 };

struct flow {
    struct arena *a;
    const char *file;
    const char *default_tables;
    char *lines[FILE_LINES_MAX];
    size_t n, at; /* at: the next line to read */
    char *rest;   /* of the command's line */
    struct world w;
    struct error err;
    bool clock_set;
};

static char *
read_file(struct arena *a, const char *path, struct error *err)
{
    char *text = arena_alloc(a, FILE_MAX_BYTES + 1);
    FILE *f = fopen(path, "re");

    if (!f || !text) {
        (void)error_set(err, E_IO, __FILE__, __LINE__, "cannot read %s", path);
        if (f)
            (void)fclose(f);
        return NULL;
    }
    size_t n = fread(text, 1, FILE_MAX_BYTES + 1, f);
    (void)fclose(f);
    if (n > FILE_MAX_BYTES) {
        (void)fail(err, E_TOOBIG, "%s is over %d bytes", path, FILE_MAX_BYTES);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

static bool
indented(const char *line)
{
    return *line == ' ' || *line == '\0';
}

/* Words are parted by spaces; "…" holds spaces together. */
static char *
next_word(char **p)
{
    char *s = *p + strspn(*p, " "), *end;
    bool quoted = false;

    if (*s == '\0')
        return NULL;
    for (end = s; *end && (quoted || *end != ' '); end++)
        quoted ^= *end == '"';
    *p = *end ? end + 1 : end;
    *end = '\0';
    return s;
}

static struct json *
value_of(struct flow *f, const char *text)
{
    struct json *v = NULL;

    if (json_parse(f->a, text, strlen(text), FILE_MAX_BYTES, &v, NULL) == OK)
        return v;
    return json_string(f->a, text);
}

/* ---- commands ---- */

static enum status
set_values(struct flow *f, struct db_table *t, struct json **out)
{
    char *word;

    *out = json_object(f->a);
    while ((word = next_word(&f->rest))) {
        char *eq = strchr(word, '=');
        if (!eq)
            return fail(&f->err, E_INPUT, "'%s' is not column=value", word);
        *eq = '\0';
        if (!table_column(t->t, word))
            return fail(&f->err, E_INPUT, "%s has no column %s", t->t->full,
                        word);
        *out = json_put(f->a, *out, word, value_of(f, eq + 1));
    }
    return OK;
}

static enum status
change(struct flow *f, enum row_op op)
{
    const char *name = next_word(&f->rest);
    struct db_table *t = name ? db_table(f->w.db, name) : NULL;
    struct json *values = NULL;

    if (!t)
        return fail(&f->err, E_INPUT, "no table %s", name ? name : "named");
    const char *key = op == ROW_INSERT ? NULL : next_word(&f->rest);
    if (op != ROW_INSERT && !key)
        return fail(&f->err, E_INPUT, "which row?");
    enum status rc = set_values(f, t, &values);
    return rc == OK ? world_change(&f->w, op, t, key, values) : rc;
}

static enum status
do_insert(struct flow *f)
{
    return change(f, ROW_INSERT);
}

static enum status
do_update(struct flow *f)
{
    return change(f, ROW_UPDATE);
}

static enum status
do_delete(struct flow *f)
{
    return change(f, ROW_DELETE);
}

static enum status
do_repeat(struct flow *f)
{
    return world_repeat(&f->w);
}

static enum status
do_at(struct flow *f)
{
    int64_t us = 0;
    enum status rc = iso_parse(f->rest, strlen(f->rest), &us, &f->err);

    if (rc != OK)
        return rc;
    if (!f->clock_set)
        f->w.now_us = us;
    f->clock_set = true;
    return f->w.f ? world_until(&f->w, us) : OK;
}

static enum status
do_wait(struct flow *f)
{
    int64_t us = 0;
    enum status rc = duration_parse(f->rest, &us, &f->err);

    return rc == OK ? world_until(&f->w, f->w.now_us + us) : rc;
}

static enum status
do_hold(struct flow *f)
{
    f->w.holding = true;
    return OK;
}

static enum status
do_deliver(struct flow *f)
{
    return world_deliver(&f->w);
}

static enum status
do_pause(struct flow *f)
{
    return world_pause(&f->w, true);
}

static enum status
do_resume(struct flow *f)
{
    return world_pause(&f->w, false);
}

static enum status
do_suppress(struct flow *f)
{
    return sim_suppress(f->w.sim, f->rest, &f->err);
}

/* answer 503 x3 retry-after=120 */
static enum status
do_answer(struct flow *f)
{
    struct answer a = {.retry_after_s = -1};
    long times = 1;
    char *word = next_word(&f->rest);

    a.code = word ? (int)strtol(word, NULL, 10) : 0;
    while ((word = next_word(&f->rest))) {
        if (*word == 'x')
            times = strtol(word + 1, NULL, 10);
        else if (strncmp(word, "retry-after=", 12) == 0)
            a.retry_after_s = strtol(word + 12, NULL, 10);
        else
            return fail(&f->err, E_INPUT, "what is '%s'?", word);
    }
    if (a.code < 100 || a.code > 599)
        return fail(&f->err, E_INPUT, "an answer is an HTTP status");
    for (; times > 0 && f->w.n_answers < ITEMS_MAX; times--)
        f->w.answers[f->w.n_answers++] = a;
    return OK;
}

static const char *
block(struct flow *f)
{
    AUTO_BUF text = buf_new(FILE_MAX_BYTES);

    for (; f->at < f->n && indented(f->lines[f->at]); f->at++) {
        buf_puts(&text, f->lines[f->at]);
        buf_putc(&text, '\n');
    }
    return buf_ok(&text) ? arena_strdup(f->a, text.data) : NULL;
}

static enum status
do_tables(struct flow *f)
{
    const char *text = block(f);

    return text ? db_new(f->a, text, &f->w.db, &f->err)
                : fail(&f->err, E_TOOBIG, "tables");
}

static enum status
do_feature(struct flow *f)
{
    const char *text = block(f);

    if (!f->clock_set)
        return fail(&f->err, E_INPUT, "say `at` what time it begins first");
    return text ? world_feature(&f->w, text, strlen(text))
                : fail(&f->err, E_TOOBIG, "feature");
}

static const struct command {
    const char *name;
    enum status (*run)(struct flow *f);
    bool block; /* what is indented below belongs to it */
} commands[] = {
    {"tables", do_tables, true},
    {"feature", do_feature, true},
    {"at", do_at, false},
    {"wait", do_wait, false},
    {"insert", do_insert, false},
    {"update", do_update, false},
    {"delete", do_delete, false},
    {"repeat", do_repeat, false},
    {"hold", do_hold, false},
    {"deliver", do_deliver, false},
    {"pause", do_pause, false},
    {"resume", do_resume, false},
    {"suppress", do_suppress, false},
    {"answer", do_answer, false},
};

/* ---- comparing ---- */

static bool
differ(const struct flow *f, size_t line, const char *expected,
       const char *actual)
{
    (void)fprintf(stderr, "%s:%zu: expected: %s\n%*s  actual: %s\n", f->file,
                  line, expected, (int)strlen(f->file) + 3, "", actual);
    return false;
}

static bool
compare(struct flow *f, size_t command_line)
{
    const struct told *told = &f->w.told;
    size_t i = 0;

    for (; f->at < f->n && indented(f->lines[f->at]); f->at++) {
        const char *expected = f->lines[f->at] + strspn(f->lines[f->at], " ");
        if (*expected == '\0' || *expected == '#' ||
            (strcmp(expected, "nothing") == 0 && told->n == 0))
            continue;
        const char *actual = i < told->n ? told->lines[i++] : "nothing";
        if (strcmp(expected, actual) != 0)
            return differ(f, f->at + 1, expected, actual);
    }
    if (i < told->n)
        return differ(f, command_line, "nothing more", told->lines[i]);
    return true;
}

static bool
run_line(struct flow *f)
{
    size_t line = f->at + 1;
    f->rest = f->lines[f->at++];
    const char *word = next_word(&f->rest);
    const struct command *c = NULL;

    if (!word || *word == '#')
        return true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, word) == 0)
            c = &commands[i];
    f->w.told.n = 0;
    enum status rc = OK;
    if (!c)
        rc = fail(&f->err, E_INPUT, "unknown command '%s'", word);
    else if (!f->w.f && !c->block && c->run != do_at)
        rc = fail(&f->err, E_INPUT, "the feature comes first");
    else
        rc = c->run(f);
    if (rc != OK)
        return differ(f, line, "no error", f->err.msg);
    return (c && c->block) || compare(f, line);
}

static bool
load(struct flow *f, const char *tables)
{
    char *text = read_file(f->a, f->file, &f->err), *save = NULL;

    f->w = (struct world){.a = f->a, .err = &f->err, .scan_us = INT64_MAX};
    if (!text || db_new(f->a, tables, &f->w.db, &f->err) != OK)
        return differ(f, 1, "a flow", f->err.msg);
    /* strtok would swallow empty lines, and with them the count. */
    for (save = text; save && *save && f->n < FILE_LINES_MAX;) {
        f->lines[f->n++] = save;
        save = strchr(save, '\n');
        if (save)
            *save++ = '\0';
    }
    return true;
}

static bool
run_file(const char *file, const char *tables)
{
    AUTO_ARENA a = arena_new(FLOW_MAX_BYTES);
    struct flow *f = a ? arena_alloc(a, sizeof(*f)) : NULL;

    if (!f)
        return false;
    f->a = a;
    f->file = file;
    bool ok = load(f, tables);
    while (ok && f->at < f->n)
        ok = run_line(f);
    sim_free(f->w.sim);
    return ok && !f->w.f ? differ(f, 1, "a feature", "none") : ok;
}

int
main(int argc, char **argv)
{
    AUTO_ARENA a = arena_new(FLOW_MAX_BYTES);
    struct error err = {0};
    int passed = 0, failed = 0;

    if (argc < 3 || !a) {
        (void)fprintf(stderr, "usage: run_flow app.tables file.flow…\n");
        return 64;
    }
    const char *tables = read_file(a, argv[1], &err);
    if (!tables) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 66;
    }
    for (int i = 2; i < argc; i++) {
        bool ok = run_file(argv[i], tables);
        passed += ok;
        failed += !ok;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed ? 1 : 0;
}
