/*
 * base/map.h - hash map from string to pointer, in an arena.
 *
 * Keys are not copied: they must live as long as the map. No removal: maps
 * here are built for one unit of work and dropped with its arena.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>

#include "base/arena.h"

struct map; /* opaque */

struct map *map_new(struct arena *a); /* NULL when out of memory */
void *map_get(const struct map *m, const char *key); /* NULL when absent */
/* Sets or replaces. */
CHECKED enum status map_put(struct map *m, const char *key, void *value,
                            struct error *err);
size_t map_count(const struct map *m);
/* Visits in insertion order: for (i = 0; map_at(m, i, &k, &v); i++). */
bool map_at(const struct map *m, size_t i, const char **key, void **value);

#endif
