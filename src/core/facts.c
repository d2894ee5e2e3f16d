#include "core/facts.h"

#include <string.h>

struct facts {
    struct arena *a;
    struct map *answers;
    struct map *wanted;
    const struct fact_need **list;
    size_t n, cap;
};

struct facts *
facts_new(struct arena *a)
{
    struct facts *f = arena_alloc(a, sizeof(*f));

    if (!f)
        return NULL;
    f->a = a;
    f->answers = map_new(a);
    f->wanted = map_new(a);
    return f->answers && f->wanted ? f : NULL;
}

const struct json *
facts_get(const struct facts *f, const char *key)
{
    return map_get(f->answers, key);
}

enum status
facts_put(struct facts *f, const char *key, const struct json *value,
          struct error *err)
{
    /* The map holds void *; values are only ever read. */
    union {
        const struct json *in;
        void *out;
    } u = {.in = value};

    return map_put(f->answers, key, u.out, err);
}

enum status
facts_want(struct facts *f, const struct fact_need *need, struct error *err)
{
    if (map_get(f->wanted, need->key))
        return OK;
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 32;
        const struct fact_need **list = arena_array(f->a, cap, sizeof(void *));
        if (!list)
            return fail(err, E_NOMEM, "facts");
        if (f->n)
            memcpy(list, f->list, f->n * sizeof(void *));
        f->list = list;
        f->cap = cap;
    }
    struct fact_need *copy = arena_alloc(f->a, sizeof(*copy));
    if (!copy)
        return fail(err, E_NOMEM, "facts");
    *copy = *need;
    f->list[f->n++] = copy;
    return map_put(f->wanted, copy->key, copy, err);
}

size_t
facts_wanted(const struct facts *f, const struct fact_need *const **out)
{
    *out = f->list;
    return f->n;
}

void
facts_clear_wanted(struct facts *f)
{
    f->n = 0;
    struct map *fresh = map_new(f->a);
    if (fresh)
        f->wanted = fresh;
}
