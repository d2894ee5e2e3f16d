#include "base/map.h"

#include <stdint.h>
#include <string.h>

#include "base/id.h"

struct entry {
    const char *key;
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *a;
    struct entry *entries; /* in insertion order */
    size_t n, cap;
    uint32_t *slots; /* index + 1 into entries; 0 = free */
    size_t n_slots;  /* power of two */
};

struct map *
map_new(struct arena *a)
{
    struct map *m = arena_alloc(a, sizeof(*m));

    if (m)
        m->a = a;
    return m;
}

static size_t
slot_of(const struct map *m, const char *key, uint64_t hash)
{
    size_t i = hash & (m->n_slots - 1);

    while (m->slots[i]) {
        const struct entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && strcmp(e->key, key) == 0)
            break;
        i = (i + 1) & (m->n_slots - 1);
    }
    return i;
}

void *
map_get(const struct map *m, const char *key)
{
    if (m->n == 0)
        return NULL;
    size_t i = slot_of(m, key, hash64_str(key));
    return m->slots[i] ? m->entries[m->slots[i] - 1].value : NULL;
}

/* The old arrays stay in the arena: at most as much again. */
static bool
grow(struct map *m)
{
    size_t cap = m->cap ? m->cap * 2 : 8;
    struct entry *entries = arena_array(m->a, cap, sizeof(*entries));
    uint32_t *slots = arena_array(m->a, cap * 2, sizeof(*slots));

    if (!entries || !slots)
        return false;
    if (m->n)
        memcpy(entries, m->entries, m->n * sizeof(*entries));
    m->entries = entries;
    m->slots = slots;
    m->cap = cap;
    m->n_slots = cap * 2;
    for (size_t i = 0; i < m->n; i++)
        slots[slot_of(m, entries[i].key, entries[i].hash)] = (uint32_t)i + 1;
    return true;
}

enum status
map_put(struct map *m, const char *key, void *value, struct error *err)
{
    uint64_t hash = hash64_str(key);

    if (m->n == m->cap && !grow(m))
        return fail(err, E_NOMEM, "map of %zu", m->n);
    size_t i = slot_of(m, key, hash);
    if (m->slots[i]) {
        m->entries[m->slots[i] - 1].value = value;
        return OK;
    }
    m->entries[m->n++] =
        (struct entry){.key = key, .value = value, .hash = hash};
    m->slots[i] = (uint32_t)m->n;
    return OK;
}

size_t
map_count(const struct map *m)
{
    return m->n;
}

bool
map_at(const struct map *m, size_t i, const char **key, void **value)
{
    if (i >= m->n)
        return false;
    *key = m->entries[i].key;
    *value = m->entries[i].value;
    return true;
}
