#include "core/path.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool
ident_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Stands for a name that the arena had no room for. */
static const char lost[] = "";

static const char *
ident(struct arena *a, const char **p)
{
    const char *s = *p;

    while (ident_char(**p))
        ++*p;
    if (*p == s)
        return NULL;
    const char *name = arena_strndup(a, s, (size_t)(*p - s));
    return name ? name : lost;
}

static bool
parse_filter(struct arena *a, const char **p, struct path_hop *hop)
{
    ++*p;
    hop->filter_column = ident(a, p);
    if (!hop->filter_column || *(*p)++ != '=')
        return false;
    hop->filter_value = ident(a, p);
    return hop->filter_value && *(*p)++ == ']';
}

static bool
parse_hop(struct arena *a, const char **p, struct path_hop *hop)
{
    hop->column = ident(a, p);
    if (!hop->column)
        return false;
    if ((*p)[0] == '-' && (*p)[1] == '>') {
        *p += 2;
        hop->json_key = ident(a, p);
        if (!hop->json_key)
            return false;
    }
    if (**p == '@') {
        ++*p;
        hop->via = ident(a, p);
        if (!hop->via)
            return false;
        if (**p == '[')
            return parse_filter(a, p, hop);
    }
    return true;
}

static bool
any_lost(const struct path_hop *h, size_t n)
{
    for (; n > 0; n--, h++)
        if (h->column == lost || h->json_key == lost || h->via == lost ||
            h->filter_column == lost || h->filter_value == lost)
            return true;
    return false;
}

enum status
path_parse(struct arena *a, const char *text, struct path *out,
           struct error *err)
{
    struct path_hop hops[PATH_MAX_HOPS] = {0};
    const char *p = text;
    size_t n = 0;

    *out = (struct path){0};
    for (;;) {
        if (n == PATH_MAX_HOPS)
            return fail(err, E_INPUT, "path '%.100s' has over %d steps", text,
                        PATH_MAX_HOPS);
        if (!parse_hop(a, &p, &hops[n]))
            return fail(err, E_INPUT,
                        "path '%.100s' is malformed at character %d", text,
                        (int)(p - text) + 1);
        n++;
        if (*p == '\0')
            break;
        if (*p++ != '.')
            return fail(err, E_INPUT,
                        "path '%.100s' is malformed at character %d", text,
                        (int)(p - text));
    }
    if (hops[n - 1].via)
        return fail(err, E_INPUT, "path '%.100s' must end on a column", text);
    out->text = arena_strdup(a, text);
    out->hops = arena_array(a, n, sizeof(*out->hops));
    if (!out->text || !out->hops || any_lost(hops, n))
        return fail(err, E_NOMEM, "path");
    memcpy(out->hops, hops, n * sizeof(*hops));
    out->n = n;
    return OK;
}

bool
path_is_local(const struct path *p)
{
    return p->n == 1 && !p->hops[0].via;
}

static enum status
no_column(const struct table *t, const char *name, const struct path *p,
          struct error *err)
{
    const char *near = table_nearest_column(t, name);

    if (near)
        (void)error_hint(err, "did you mean %s?", near);
    else
        (void)error_hint(err, "look at the columns with: skene schema");
    return fail(err, E_INVALID, "%s has no column '%s' (path %s)", t->full,
                name, p->text);
}

static enum status
forward(const struct catalog *c, const struct table *from,
        const struct path_hop *hop, const struct path *p,
        struct path_join *join, struct error *err)
{
    const struct foreign_key *fk = table_fk(from, hop->column);

    if (!table_column(from, hop->column))
        return no_column(from, hop->column, p, err);
    const struct table *to = fk ? catalog_table(c, fk->table) : NULL;
    if (!to)
        return fail(err, E_INVALID,
                    "%s.%s does not lead to another table (path %s)",
                    from->full, hop->column, p->text);
    *join = (struct path_join){.from = from,
                               .from_column = hop->column,
                               .to = to,
                               .to_column = fk->key};
    return OK;
}

static enum status
reverse(const struct catalog *c, const struct table *from,
        const struct path_hop *hop, const struct path *p,
        struct path_join *join, struct error *err)
{
    char full[160];

    (void)snprintf(full, sizeof(full), "public.%s", hop->column);
    const struct table *to = catalog_table(c, full);
    if (!to) {
        const char *near = catalog_nearest_table(c, full);
        if (near)
            (void)error_hint(err, "did you mean %s?", near);
        return fail(err, E_INVALID, "no table %s (path %s)", full, p->text);
    }
    if (!table_column(to, hop->via))
        return no_column(to, hop->via, p, err);
    if (hop->filter_column && !table_column(to, hop->filter_column))
        return no_column(to, hop->filter_column, p, err);
    if (from->n_key != 1)
        return fail(err, E_INVALID,
                    "%s has no single key to join on (path "
                    "%s)",
                    from->full, p->text);
    *join = (struct path_join){.from = from,
                               .from_column = from->key[0],
                               .to = to,
                               .to_column = hop->via,
                               .filter_column = hop->filter_column,
                               .filter_value = hop->filter_value};
    return OK;
}

enum status
path_resolve(const struct catalog *c, const struct table *start,
             const struct path *p, struct path_resolved *out, struct error *err)
{
    const struct table *at = start;

    *out = (struct path_resolved){0};
    for (size_t i = 0; i + 1 < p->n; i++) {
        struct path_join *join = &out->joins[out->n_joins];
        enum status rc = p->hops[i].via
                             ? reverse(c, at, &p->hops[i], p, join, err)
                             : forward(c, at, &p->hops[i], p, join, err);
        if (rc != OK)
            return rc;
        at = join->to;
        out->n_joins++;
    }
    const struct path_hop *last = &p->hops[p->n - 1];
    out->table = at;
    out->column = table_column(at, last->column);
    out->json_key = last->json_key;
    if (!out->column)
        return no_column(at, last->column, p, err);
    if (last->json_key && out->column->type != COLUMN_JSON)
        return fail(err, E_INVALID, "%s.%s is %s, not JSON (path %s)", at->full,
                    out->column->name, out->column->type_name, p->text);
    return OK;
}
