#include "core/enrich.h"

#include <stdlib.h>
#include <string.h>

/* What an error names: the row of the table. */
#define WHERE "enrichment_map (%s, %s): "
#define rule_fail(err, code, r, fmt, ...) \
    fail((err), (code), WHERE fmt, (r)->event, (r)->key, __VA_ARGS__)

static const char hint[] =
    "correct or delete that row of skene_growth.enrichment_map";

/* "public.orders.insert" -> table and operation; a table may hold dots. */
static enum status
event_split(struct arena *a, struct enrichment *r, struct error *err)
{
    const char *dot = strrchr(r->event, '.');

    if (!dot || dot == r->event || !row_op_parse(dot + 1, &r->op))
        return rule_fail(err, E_INVALID, r, "%s",
                         "trigger_event is schema.table.insert, .update or "
                         ".delete");
    r->table = arena_strndup(a, r->event, (size_t)(dot - r->event));
    return r->table ? OK : fail(err, E_NOMEM, "enrichment");
}

/* {"column": "name"}; `swapped`: the column stands on the right. */
static enum status
read_pairs(struct arena *a, const struct json *rule, const char *member,
           bool swapped, struct enrichment *r, struct enrich_pair **out,
           size_t *n, struct error *err)
{
    const struct json *j = json_get(rule, member);

    if (!json_is(j, JSON_OBJECT) || j->n == 0 || j->n > ENRICH_NAMES_MAX)
        return rule_fail(err, E_INVALID, r,
                         "\"%s\" is an object of 1 to %d names", member,
                         ENRICH_NAMES_MAX);
    if (!(*out = arena_array(a, j->n, sizeof(**out))))
        return fail(err, E_NOMEM, "enrichment");
    for (uint32_t i = 0; i < j->n; i++) {
        const char *left = j->members[i].key;
        const char *right = json_str(j->members[i].value, "");
        if (!*left || !*right)
            return rule_fail(err, E_INVALID, r, "\"%s\": \"%s\" has no name",
                             member, left);
        (*out)[i] = swapped ? (struct enrich_pair){right, left}
                            : (struct enrich_pair){left, right};
    }
    *n = j->n;
    return OK;
}

static enum status
read_strip(struct arena *a, const struct json *rule, bool strip_after,
           struct enrichment *r, struct error *err)
{
    const struct json *j = json_get(rule, "strip");
    size_t room = r->n_on + ENRICH_NAMES_MAX;

    if (j && (!json_is(j, JSON_ARRAY) || j->n > ENRICH_NAMES_MAX))
        return rule_fail(err, E_INVALID, r,
                         "\"strip\" is a list of at most %d columns",
                         ENRICH_NAMES_MAX);
    if (!(r->strip = arena_array(a, room, sizeof(*r->strip))))
        return fail(err, E_NOMEM, "enrichment");
    for (uint32_t i = 0; j && i < j->n; i++) {
        const char *name = json_str(j->items[i], "");
        if (!*name)
            return rule_fail(err, E_INVALID, r, "%s",
                             "\"strip\" holds something that is no name");
        r->strip[r->n_strip++] = name;
    }
    for (size_t i = 0; strip_after && i < r->n_on; i++)
        r->strip[r->n_strip++] = r->on[i].name;
    return OK;
}

static enum status
known_members(const struct json *rule, const struct enrichment *r,
              struct error *err)
{
    static const char *const known[] = {"from", "on", "select", "strip"};

    if (!json_is(rule, JSON_OBJECT))
        return rule_fail(err, E_INVALID, r, "%s", "rule is a JSON object");
    for (uint32_t i = 0; i < rule->n; i++) {
        bool ok = false;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            ok = ok || strcmp(rule->members[i].key, known[k]) == 0;
        if (!ok)
            return rule_fail(err, E_INVALID, r,
                             "no \"%s\" in a rule: from, on, select, strip",
                             rule->members[i].key);
    }
    return OK;
}

enum status
enrich_parse(struct arena *a, const char *event, const char *key,
             const struct json *rule, bool strip_after, struct enrichment *out,
             struct error *err)
{
    *out = (struct enrichment){.event = event, .key = key};
    enum status rc = known_members(rule, out, err);
    if (rc == OK)
        rc = event_split(a, out, err);
    if (rc == OK && json_get(rule, "from")) {
        out->from = json_get_str(rule, "from", "");
        rc = read_pairs(a, rule, "on", false, out, &out->on, &out->n_on, err);
        if (rc == OK)
            rc = read_pairs(a, rule, "select", true, out, &out->select,
                            &out->n_select, err);
    } else if (rc == OK && !json_get(rule, "strip")) {
        rc = rule_fail(err, E_INVALID, out, "%s",
                       "a rule joins (from, on, select), strips, or both");
    }
    if (rc == OK)
        rc = read_strip(a, rule, strip_after, out, err);
    if (rc == E_INVALID)
        (void)error_hint(err, "%s", hint);
    return rc;
}

static const struct capture *
capture_of(const struct capture *captures, size_t n, const struct enrichment *r)
{
    for (size_t i = 0; i < n; i++)
        if (captures[i].op == r->op && strcmp(captures[i].table, r->table) == 0)
            return &captures[i];
    return NULL;
}

static bool
listed(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static enum status
check_column(const struct table *t, const char *name,
             const struct enrichment *r, struct error *err)
{
    if (!table_column(t, name))
        return rule_fail(err, E_INVALID, r, "%s has no column \"%s\"", t->full,
                         name);
    if (column_is_secret(name))
        return rule_fail(err, E_INVALID, r, "%s.%s never leaves the database",
                         t->full, name);
    return OK;
}

static enum status
check_join(const struct catalog *c, const struct table *on,
           const struct enrichment *r, struct error *err)
{
    const struct table *from = catalog_table(c, r->from);
    enum status rc = OK;

    if (!from)
        return rule_fail(err, E_INVALID, r, "there is no table \"%s\"",
                         r->from);
    for (size_t i = 0; rc == OK && i < r->n_on; i++) {
        rc = check_column(from, r->on[i].column, r, err);
        if (rc == OK)
            rc = check_column(on, r->on[i].name, r, err);
    }
    for (size_t i = 0; rc == OK && i < r->n_select; i++)
        rc = check_column(from, r->select[i].column, r, err);
    return rc;
}

static enum status
check_rule(const struct catalog *c, const struct enrichment *r,
           const struct capture *capture, struct error *err)
{
    const struct table *on = catalog_table(c, r->table);

    if (!on)
        return rule_fail(err, E_INVALID, r, "there is no table \"%s\"",
                         r->table);
    if (r->from &&
        (!*r->key || strcmp(r->key, "_old") == 0 || table_column(on, r->key)))
        return rule_fail(err, E_INVALID, r,
                         "metadata_key is taken: it must not be empty, _old or "
                         "a column of %s",
                         on->full);
    enum status rc = r->from ? check_join(c, on, r, err) : OK;
    for (size_t i = 0; rc == OK && i < r->n_strip; i++) {
        if (!table_column(on, r->strip[i]))
            rc = rule_fail(err, E_INVALID, r, "%s has no column \"%s\"",
                           on->full, r->strip[i]);
        else if (capture && listed((const char *const *)capture->columns,
                                   capture->n_columns, r->strip[i]))
            rc = rule_fail(err, E_CONFLICT, r,
                           "\"%s\" would be stripped, and the feature %s "
                           "needs it",
                           r->strip[i], capture->features[0]);
    }
    return rc;
}

enum status
enrich_check(const struct catalog *c, const struct enrichment *rules, size_t n,
             const struct capture *captures, size_t n_captures,
             struct error *err)
{
    enum status rc = OK;

    for (size_t i = 0; rc == OK && i < n; i++)
        rc = check_rule(c, &rules[i],
                        capture_of(captures, n_captures, &rules[i]), err);
    if (rc != OK)
        (void)error_hint(err, "%s", hint);
    return rc;
}

static int
by_text(const void *x, const void *y)
{
    const char *const *sx = x, *const *sy = y;

    return strcmp(*sx, *sy);
}

enum status
enrich_captures(struct arena *a, const struct enrichment *rules, size_t n,
                struct capture *captures, size_t n_captures, struct error *err)
{
    for (size_t i = 0; i < n_captures; i++) {
        struct capture *c = &captures[i];
        for (size_t k = 0; k < n; k++) {
            const struct enrichment *r = &rules[k];
            if (r->n_on == 0 || r->op != c->op ||
                strcmp(r->table, c->table) != 0)
                continue;
            const char **columns =
                arena_array(a, c->n_columns + r->n_on, sizeof(*columns));
            if (!columns)
                return fail(err, E_NOMEM, "enrichment");
            for (size_t j = 0; j < c->n_columns; j++)
                columns[j] = c->columns[j];
            for (size_t j = 0; j < r->n_on; j++)
                if (!listed(columns, c->n_columns, r->on[j].name))
                    columns[c->n_columns++] = r->on[j].name;
            qsort(columns, c->n_columns, sizeof(*columns), by_text);
            c->columns = columns;
        }
    }
    return OK;
}
