/*
 * codec/crypto.h - SHA-256, HMAC-SHA256, random bytes, sealed boxes
 * (OpenSSL 3), and Standard Webhooks signatures.
 */
#ifndef CODEC_CRYPTO_H
#define CODEC_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 65, SEAL_KEY_BYTES = 32 };

void sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES]);
char *sha256_hex(const void *bytes, size_t n, char out[SHA256_HEX_BYTES]);
void hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n,
                 unsigned char out[SHA256_BYTES]);
CHECKED enum status random_bytes(void *out, size_t n, struct error *err);
/* `n` random bytes as base64url, with a prefix: "sk_ws_…". In the arena. */
CHECKED enum status random_token(struct arena *a, const char *prefix, size_t n,
                                 const char **out, struct error *err);

/* Key that seals secrets, with its id (first 8 hex digits of its SHA-256). */
struct seal_key {
    unsigned char bytes[SEAL_KEY_BYTES];
    char id[9];
};

/* Reads base64 or hex of 32 bytes. Refuses short, constant and well-known
 * keys. Errors: E_INPUT. */
CHECKED enum status seal_key_parse(const char *text, struct seal_key *out,
                                   struct error *err);
/* AES-256-GCM envelope "v1.<key id>.<base64url nonce+ciphertext+tag>"; `aad`
 * binds it to its place (workspace, kind, id). */
CHECKED enum status seal(struct arena *a, const struct seal_key *key,
                         const char *aad, const void *bytes, size_t n,
                         const char **out, struct error *err);
/* Errors: E_AUTH when key, place or bytes do not fit; E_INPUT for the form. */
CHECKED enum status unseal(const struct seal_key *key, const char *aad,
                           const char *sealed, struct secret *out,
                           struct error *err);

/* Standard Webhooks v1: "v1,<base64>" over "id.timestamp.body". `secret` is
 * "whsec_" + base64 of 24..64 bytes. Source: the Standard Webhooks spec.
 * Errors: E_INPUT for an empty or malformed secret. */
CHECKED enum status webhook_sign(struct arena *a, const char *secret,
                                 const char *id, int64_t timestamp_s,
                                 const void *body, size_t n, const char **out,
                                 struct error *err);
/* True when any v1 signature of the space-separated list fits and the
 * timestamp is within tolerance_s of now_s. Constant-time compare. */
bool webhook_verify(const char *secret, const char *id, const char *timestamp,
                    const char *signatures, const void *body, size_t n,
                    int64_t now_s, int64_t tolerance_s);

#endif
