#include "target/sql_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/sql_model.h"

enum {
    WORK_MAX_BYTES = 512 * 1024 * 1024,
    FILE_MAX_BYTES = 32 * 1024 * 1024,
    TREE_MAX_BYTES = 256 * 1024 * 1024,
    TREE_MAX_DEPTH = 60, /* below JSON_MAX_DEPTH */
    FILES_MAX = 10000
};

static void
close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
#define AUTO_FD __attribute__((cleanup(close_fd))) int

static void
close_dir(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}
#define AUTO_DIR __attribute__((cleanup(close_dir))) DIR *

/* ---- statements ---- */

static const struct {
    const char *node;
    sql_statement *run;
} statements[] = {
    {"CreateStmt", sql_create_table},
    {"CreateForeignTableStmt", sql_create_foreign_table},
    {"CreateSchemaStmt", sql_create_schema},
    {"ViewStmt", sql_create_view},
    {"CreateTableAsStmt", sql_create_table_as},
    {"AlterTableStmt", sql_alter_table},
    {"RenameStmt", sql_rename},
    {"AlterObjectSchemaStmt", sql_set_schema},
    {"DropStmt", sql_drop},
    {"CreateEnumStmt", sql_create_enum},
    {"AlterEnumStmt", sql_alter_enum},
    {"CreateDomainStmt", sql_create_domain},
    {"CompositeTypeStmt", sql_create_composite},
    {"CreateRangeStmt", sql_create_range},
    {"VariableSetStmt", sql_set},
    {"SelectStmt", sql_select},
    {"CreateExtensionStmt", sql_create_extension},
    {"CreateFunctionStmt", sql_create_function},
    {"CreateTrigStmt", sql_create_trigger},
    {"CreatePublicationStmt", sql_create_publication},
    {"AlterPublicationStmt", sql_alter_publication},
};

static sql_statement *
statement_find(const char *tree)
{
    static const char head[] = "\"stmt\":{\"";
    const char *kind = strstr(tree, head);

    if (!kind)
        return NULL;
    kind += strlen(head);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        size_t n = strlen(statements[i].node);
        if (strncmp(kind, statements[i].node, n) == 0 && kind[n] == '"')
            return statements[i].run;
    }
    return NULL;
}

/* Our reader bounds depth; what lies deeper in a tree (a long chain of ORs in
 * a check) is nothing we read, and becomes null. */
static void
prune(struct buf *out, const char *tree)
{
    bool quoted = false;
    int depth = 0;

    for (const char *c = tree; *c; c++) {
        bool opens = !quoted && (*c == '{' || *c == '[');
        bool closes = !quoted && (*c == '}' || *c == ']');
        if (opens && ++depth == TREE_MAX_DEPTH)
            buf_puts(out, "null");
        if (depth < TREE_MAX_DEPTH)
            buf_putc(out, *c);
        if (quoted && *c == '\\' && c[1]) {
            c++;
            if (depth < TREE_MAX_DEPTH)
                buf_putc(out, *c);
        } else if (*c == '"') {
            quoted = !quoted;
        }
        if (closes)
            depth--;
    }
}

static enum status
tree_read(struct sql_model *m, const char *tree, struct json **out,
          struct error *err)
{
    AUTO_BUF b = buf_new(TREE_MAX_BYTES);
    struct json *j = NULL;

    prune(&b, tree);
    enum status rc = buf_check(&b, "parse tree", err);
    if (rc == OK)
        rc = json_parse(m->w, b.data, b.len, TREE_MAX_BYTES, &j, err);
    if (rc != OK)
        return error_wrap(err, "%s:%d", m->file, m->line);
    const struct json *stmts = json_get(j, "stmts");
    *out = json_is(stmts, JSON_ARRAY) && stmts->n
               ? json_get(stmts->items[0], "stmt")
               : NULL;
    return OK;
}

static int
lines_in(const char *text, size_t n)
{
    int lines = 0;

    for (size_t i = 0; i < n && text[i]; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Bytes before the character at `cursor`, which counts from one. */
static size_t
bytes_before(const char *text, int cursor)
{
    size_t i = 0;

    for (; cursor > 1 && text[i]; i++)
        cursor -= ((unsigned char)text[i + 1] & 0xc0) != 0x80;
    return i;
}

/* Comments nest. */
static const char *
skip_comment(const char *text)
{
    int depth = 0;

    do {
        bool begins = strncmp(text, "/*", 2) == 0;
        bool ends = strncmp(text, "*/", 2) == 0;
        depth += begins - ends;
        text += begins || ends ? 2 : 1;
    } while (depth && *text);
    return text;
}

/* White space and comments before the statement. */
static const char *
skip_space(const char *text)
{
    for (;;) {
        text += strspn(text, " \t\r\n\f\v;");
        if (strncmp(text, "--", 2) == 0) {
            text += strcspn(text, "\n");
        } else if (strncmp(text, "/*", 2) == 0) {
            text = skip_comment(text);
        } else {
            return text;
        }
    }
}

static enum status
statement_run(struct sql_model *m, const char *tree, struct error *err)
{
    sql_statement *run = statement_find(tree);
    struct json *stmt = NULL;

    if (!run)
        return OK;
    enum status rc = tree_read(m, tree, &stmt, err);
    if (rc != OK || !stmt || stmt->kind != JSON_OBJECT || !stmt->n)
        return rc;
    return run(m, stmt->members[0].value, err);
}

/* One that we pass over need not be SQL that PostgreSQL 15 knows. */
static bool
matters(const char *text)
{
    static const char *const heads[] = {"create table",
                                        "create type",
                                        "create schema",
                                        "create domain",
                                        "create unlogged table",
                                        "alter table",
                                        "alter type",
                                        "drop table"};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (strncasecmp(text, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

static enum status
statement_read(struct sql_model *m, const char *text, int line, bool rest,
               struct error *err)
{
    const char *start = skip_space(text);

    m->text = start;
    m->line = line + lines_in(text, (size_t)(start - text));
    if (!*start)
        return OK;
    PgQueryParseResult r = pg_query_parse(start);
    enum status rc = OK;
    if (!r.error) {
        rc = statement_run(m, r.parse_tree, err);
    } else if (!rest && !matters(start)) {
        sql_note(m, "passed over: %s", r.error->message);
    } else {
        m->line += lines_in(start, bytes_before(start, r.error->cursorpos));
        rc = sql_fail(m, err, E_INPUT, "%s", r.error->message);
        (void)error_hint(err, "SQL as of PostgreSQL " PG_MAJORVERSION
                              " is understood");
    }
    pg_query_free_parse_result(r);
    return rc;
}

/* ---- files ---- */

static bool
line_is(const char *line, size_t n, const char *text)
{
    while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
        n--;
    return n == strlen(text) && strncmp(line, text, n) == 0;
}

/* "copy t (a, b) from stdin;" on one line, as pg_dump writes it. */
static bool
starts_copy(const char *line, size_t n)
{
    static const char tail[] = "from stdin;";
    size_t t = strlen(tail);

    while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
        n--;
    return n > t && strncasecmp(line, "copy ", strlen("copy ")) == 0 &&
           strncasecmp(line + n - t, tail, t) == 0;
}

/* Commands of psql and the rows of COPY become blank, so that lines keep
 * their numbers. A backslash inside a statement is part of it. */
static void
blank_psql(char *text)
{
    bool rows = false, inside = false;

    for (char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        bool blank = rows || (line[0] == '\\' && !inside);
        if (rows && line_is(line, n, "\\."))
            rows = false;
        else if (!rows && !inside && starts_copy(line, n))
            rows = blank = true;
        if (blank)
            memset(line, ' ', n);
        else if (strspn(line, " \t\r") < n && strncmp(line, "--", 2) != 0)
            inside = line[n - 1] != ';' &&
                     !(n > 1 && line[n - 1] == '\r' && line[n - 2] == ';');
        line += n + (line[n] == '\n');
    }
}

static enum status
pieces_read(struct sql_model *m, char *text, const PgQuerySplitResult *s,
            struct error *err)
{
    enum status rc = OK;
    size_t at = 0;
    int line = 1;

    for (int i = 0; rc == OK && i < s->n_stmts; i++) {
        size_t from = (size_t)s->stmts[i]->stmt_location;
        size_t n = (size_t)s->stmts[i]->stmt_len;
        line += lines_in(text + at, from - at);
        char *one = arena_strndup(m->w, text + from, n);
        rc = one ? statement_read(m, one, line, false, err)
                 : fail(err, E_NOMEM, "%s", m->file);
        line += lines_in(text + from, n);
        at = from + n;
    }
    /* The scanner gives up at a parenthesis that nobody closes. */
    return rc == OK ? statement_read(m, text + at, line, true, err) : rc;
}

static enum status
text_read(struct sql_model *m, char *text, struct error *err)
{
    blank_psql(text);
    PgQuerySplitResult s = pg_query_split_with_parser(text);
    if (s.error) { /* the scanner splits what the parser does not know */
        pg_query_free_split_result(s);
        s = pg_query_split_with_scanner(text);
    }
    enum status rc;
    if (s.error) {
        m->line = 1 + lines_in(text, bytes_before(text, s.error->cursorpos));
        rc = sql_fail(m, err, E_INPUT, "%s", s.error->message);
    } else {
        rc = pieces_read(m, text, &s, err);
    }
    pg_query_free_split_result(s);
    return rc;
}

static enum status
file_text(struct sql_model *m, const char *path, char **out, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(err, errno == ENOENT ? E_NOTFOUND : E_IO,
                    "cannot read %s: %s", path, strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return fail(err, E_INPUT, "%s is neither a file nor a directory", path);
    if (st.st_size > FILE_MAX_BYTES) {
        (void)error_hint(err, "dump without data: pg_dump --schema-only");
        return fail(err, E_TOOBIG, "%s has more than %d MB", path,
                    FILE_MAX_BYTES / 1024 / 1024);
    }
    size_t n = (size_t)st.st_size, at = 0;
    char *text = arena_alloc(m->w, n + 1);
    if (!text)
        return fail(err, E_NOMEM, "%s", path);
    while (at < n) {
        ssize_t got = read(fd, text + at, n - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(err, E_IO, "cannot read %s: %s", path,
                        strerrordesc_np(errno));
        if (got == 0)
            break;
        at += (size_t)got;
    }
    if (memchr(text, '\0', at))
        return fail(err, E_INPUT, "%s holds a zero byte: not SQL", path);
    *out = text;
    return OK;
}

static enum status
file_run(struct sql_model *m, const char *path, struct error *err)
{
    char *text = NULL;

    m->file = path;
    sql_path_default(m);
    enum status rc = file_text(m, path, &text, err);
    return rc == OK && text ? text_read(m, text, err) : rc;
}

static int
by_name(const void *x, const void *y)
{
    const char *const *sx = x, *const *sy = y;

    return strcmp(*sx, *sy);
}

static enum status
directory_run(struct sql_model *m, DIR *dir, const char *path,
              struct error *err)
{
    const char **names = NULL;
    const struct dirent *e;
    size_t n = 0;

    while ((e = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): ours */
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 4, ".sql") != 0)
            continue;
        if (n == FILES_MAX)
            return fail(err, E_TOOBIG, "%s holds more than %d SQL files", path,
                        FILES_MAX);
        names = sql_grow(m, names, n, sizeof(*names));
        if (!names ||
            !(names[n] = arena_printf(m->w, "%s/%s", path, e->d_name)))
            return fail(err, E_NOMEM, "%s", path);
        n++;
    }
    if (!n) {
        (void)error_hint(err, "name a file, or the directory that holds them");
        return fail(err, E_INPUT, "%s holds no *.sql file", path);
    }
    qsort(names, n, sizeof(*names), by_name);
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < n; i++)
        rc = file_run(m, names[i], err);
    return rc;
}

enum status
catalog_from_sql(struct arena *a, const char *const *paths, size_t n,
                 struct catalog **out, struct error *err)
{
    AUTO_ARENA w = arena_new(WORK_MAX_BYTES);
    struct sql_model m = {.w = w};
    struct sql_name language = {.schema = "pg_catalog", .name = "plpgsql"};
    enum status rc = w ? OK : fail(err, E_NOMEM, "SQL files");

    m.file = "SQL files";
    if (rc == OK) /* every database has it */
        rc = sql_name_add(&m, &m.extensions, &m.n_extensions, language, err);
    for (size_t i = 0; rc == OK && i < n; i++) {
        AUTO_DIR dir = opendir(paths[i]);
        rc = dir ? directory_run(&m, dir, paths[i], err)
                 : file_run(&m, paths[i], err);
    }
    return rc == OK ? sql_finish(&m, a, out, err) : rc;
}
