#include "core/facts.h"

#include <string.h>

struct facts {
    struct arena *a;
    struct map *answers;
    struct map *wanted;
    struct map *used; /* NULL: nobody asked */
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
facts_get(struct facts *f, const char *key)
{
    struct json *v = map_get(f->answers, key);

    /* Out of memory the decision itself fails soon enough. */
    if (v && f->used)
        (void)(map_put(f->used, key, v, NULL) == OK);
    return v;
}

enum status
facts_use_begin(struct facts *f, struct error *err)
{
    f->used = map_new(f->a);
    return f->used ? OK : fail(err, E_NOMEM, "facts");
}

struct json *
facts_used(struct arena *a, const struct facts *f)
{
    struct json *o = json_object(a);
    const char *key;
    void *value;
    size_t i;

    for (i = 0; f->used && map_at(f->used, i, &key, &value); i++)
        o = json_put(a, o, key, value);
    return i ? o : NULL;
}

enum status
facts_drop_answered(struct facts *f, struct error *err)
{
    size_t n = f->n;

    facts_clear_wanted(f);
    for (size_t i = 0; i < n; i++) {
        const struct fact_need *need = f->list[i];
        if (map_get(f->answers, need->key))
            continue;
        enum status rc = facts_want(f, need, err);
        if (rc != OK)
            return rc;
    }
    return OK;
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
