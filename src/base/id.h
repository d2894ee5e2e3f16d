/*
 * base/id.h - identifiers (RFC 9562 UUIDv7) and the shard hash.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ID_TEXT_BYTES = 37, SHARD_COUNT = 256 };

/* UUID in lower-case text with its NUL. */
struct id {
    char text[ID_TEXT_BYTES];
};

/* A new random UUIDv7 for the instant. Ids made by one process at the same
 * millisecond ascend. Threads: safe. Aborts if the kernel has no randomness. */
struct id id_new(int64_t now_us);

/* The same UUIDv7 for the same arguments for ever: milliseconds of `at_us`,
 * then 74 bits of a hash of `seed`. Used for events, so that the id itself is
 * the dedupe key: seed = integration, epoch and source id.
 * The last byte of the id (its last two hex digits) is uniformly spread. */
struct id id_derive(int64_t at_us, const void *seed, size_t n);

bool id_valid(const char *text); /* 36 characters of a lower-case UUID */

/* 64-bit hash, stable for ever and on every machine: it decides which shard
 * a subject lives in, so it must never change. (FNV-1a with a final mix.) */
uint64_t hash64(const void *bytes, size_t n);
uint64_t hash64_str(const char *s);

/* Shard of a subject in a workspace: 0..SHARD_COUNT-1. */
int shard_of(const char *workspace_id, const char *subject_key);
/* Shard an event row is stored in: the last byte of its id. */
int shard_of_id(const char *id_text);

#endif
