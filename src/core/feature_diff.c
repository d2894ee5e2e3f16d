#include "core/feature_diff.h"

#include <string.h>

struct diffing {
    struct arena *a;
    struct json *list;
};

static void
add(struct diffing *d, const char *path, const struct json *from,
    const struct json *to)
{
    struct json *o = json_object(d->a);

    o = json_put(d->a, o, "path", json_string(d->a, path));
    if (from)
        o = json_put(d->a, o, "from", json_clone(d->a, from));
    if (to)
        o = json_put(d->a, o, "to", json_clone(d->a, to));
    d->list = json_push(d->a, d->list, o);
}

static void values(struct diffing *d, const char *path, const struct json *x,
                   const struct json *y);

/* "timing" and "cap" to "timing.cap"; out of memory, the member alone. */
static const char *
member_path(struct diffing *d, const char *path, const char *key)
{
    const char *whole = path ? arena_printf(d->a, "%s.%s", path, key) : NULL;

    return whole ? whole : key;
}

static void
objects(struct diffing *d, const char *path, const struct json *x,
        const struct json *y)
{
    for (uint32_t i = 0; i < x->n; i++) {
        const char *key = x->members[i].key;
        values(d, member_path(d, path, key), x->members[i].value,
               json_get(y, key));
    }
    for (uint32_t i = 0; i < y->n; i++) {
        const char *key = y->members[i].key;
        if (!json_get(x, key))
            values(d, member_path(d, path, key), NULL, y->members[i].value);
    }
}

/* Items that both ends share are passed over, so that one new condition is
 * one change. */
static void
arrays(struct diffing *d, const char *path, const struct json *x,
       const struct json *y)
{
    uint32_t from = 0, x_end = x->n, y_end = y->n;

    while (from < x_end && from < y_end &&
           json_equal(x->items[from], y->items[from]))
        from++;
    while (x_end > from && y_end > from &&
           json_equal(x->items[x_end - 1], y->items[y_end - 1])) {
        x_end--;
        y_end--;
    }
    for (uint32_t i = from; i < x_end || i < y_end; i++) {
        const char *at = arena_printf(d->a, "%s[%u]", path, i);
        values(d, at ? at : path, i < x_end ? x->items[i] : NULL,
               i < y_end ? y->items[i] : NULL);
    }
}

static void
values(struct diffing *d, const char *path, const struct json *x,
       const struct json *y)
{
    if (x && y && json_equal(x, y))
        return;
    if (x && y && x->kind == JSON_OBJECT && y->kind == JSON_OBJECT)
        objects(d, path, x, y);
    else if (x && y && x->kind == JSON_ARRAY && y->kind == JSON_ARRAY)
        arrays(d, path, x, y);
    else
        add(d, path, x, y);
}

struct json *
feature_diff(struct arena *a, const struct feature *from,
             const struct feature *to)
{
    struct diffing d = {.a = a, .list = json_array(a)};
    const struct json *x = feature_to_json(a, from, NULL);
    const struct json *y = feature_to_json(a, to, NULL);

    if (!x || !y)
        return NULL;
    objects(&d, NULL, x, y);
    return d.list;
}

void
feature_diff_text(struct buf *out, const struct json *changes)
{
    for (uint32_t i = 0; json_is(changes, JSON_ARRAY) && i < changes->n; i++) {
        const struct json *c = changes->items[i];
        const struct json *from = json_get(c, "from"), *to = json_get(c, "to");
        buf_printf(out, "  %s %s  ",
                   !from ? "+"
                   : to  ? "~"
                         : "-",
                   json_get_str(c, "path", ""));
        if (from)
            json_write(out, from, false);
        if (from && to)
            buf_puts(out, " → ");
        if (to)
            json_write(out, to, false);
        buf_putc(out, '\n');
    }
}
