#include "codec/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, SEALED_MAX_BYTES = 1024 * 1024 };

static EVP_MD *md; /* fetched once; EVP_sha256() looks it up each time */

static void
fetch_md(void)
{
    md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void
sha256(const void *bytes, size_t n, unsigned char out[SHA256_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned len = 0;

    (void)pthread_once(&once, fetch_md);
    if (EVP_Digest(bytes, n, out, &len, md, NULL) != 1)
        abort(); /* only without memory or without SHA-256 */
}

char *
sha256_hex(const void *bytes, size_t n, char out[SHA256_HEX_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char digest[SHA256_BYTES];

    sha256(bytes, n, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[SHA256_HEX_BYTES - 1] = '\0';
    return out;
}

void
hmac_sha256(const void *key, size_t key_n, const void *bytes, size_t n,
            unsigned char out[SHA256_BYTES])
{
    unsigned len = 0;

    if (!HMAC(EVP_sha256(), key, (int)key_n, bytes, n, out, &len))
        abort();
}

enum status
random_bytes(void *out, size_t n, struct error *err)
{
    if (RAND_bytes(out, (int)n) != 1)
        return fail(err, E_IO, "the system has no random bytes");
    return OK;
}

/* What was written, in the arena: never half of it. */
static enum status
taken(struct arena *a, const struct buf *text, const char *what,
      const char **out, struct error *err)
{
    enum status rc = buf_check(text, what, err);

    if (rc != OK)
        return rc;
    *out = arena_strndup(a, text->data, text->len);
    return *out ? OK : fail(err, E_NOMEM, "%s", what);
}

enum status
random_token(struct arena *a, const char *prefix, size_t n, const char **out,
             struct error *err)
{
    unsigned char bytes[64];
    AUTO_BUF text = buf_new(256);

    if (n > sizeof(bytes))
        n = sizeof(bytes);
    enum status rc = random_bytes(bytes, n, err);
    if (rc != OK)
        return rc;
    buf_puts(&text, prefix);
    base64url_write(&text, bytes, n);
    return taken(a, &text, "token", out, err);
}

/* ---- sealed boxes ---- */

static bool
weak(const unsigned char *k)
{
    int counting = 0, same = 0;

    for (int i = 1; i < SEAL_KEY_BYTES; i++) {
        same += k[i] == k[0];
        counting += k[i] == (unsigned char)(k[i - 1] + 1);
    }
    bool printable = true; /* a pass phrase, not 256 random bits */
    for (int i = 0; i < SEAL_KEY_BYTES; i++)
        printable = printable && k[i] >= 0x20 && k[i] < 0x7f;
    return same == SEAL_KEY_BYTES - 1 || counting == SEAL_KEY_BYTES - 1 ||
           printable;
}

enum status
seal_key_parse(const char *text, struct seal_key *out, struct error *err)
{
    size_t n = strcspn(text, "\r\n");
    char digest[SHA256_HEX_BYTES];
    AUTO_ARENA a = arena_new(4096);
    unsigned char *bytes = NULL;
    size_t bytes_n = 0;
    struct error ignored = {0};

    if (!a)
        return fail(err, E_NOMEM, "key");
    if (hex_parse(text, n, out->bytes, SEAL_KEY_BYTES, &ignored) != OK) {
        if (n > 256 ||
            base64_parse(a, text, n, &bytes, &bytes_n, &ignored) != OK ||
            bytes_n != SEAL_KEY_BYTES) {
            (void)error_hint(err, "make one with: openssl rand -base64 32");
            return fail(err, E_INPUT,
                        "the encryption key must be 32 bytes in base64 or "
                        "hex");
        }
        memcpy(out->bytes, bytes, SEAL_KEY_BYTES);
    }
    if (weak(out->bytes)) {
        (void)error_hint(err, "make one with: openssl rand -base64 32");
        return fail(err, E_INPUT, "the encryption key is not random");
    }
    sha256_hex(out->bytes, SEAL_KEY_BYTES, digest);
    memcpy(out->id, digest, 8);
    out->id[8] = '\0';
    return OK;
}

static void
cipher_freep(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}
#define AUTO_CIPHER __attribute__((cleanup(cipher_freep))) EVP_CIPHER_CTX *

enum status
seal(struct arena *a, const struct seal_key *key, const char *aad,
     const void *bytes, size_t n, const char **out, struct error *err)
{
    if (n > SEALED_MAX_BYTES)
        return fail(err, E_TOOBIG, "a secret of %zu bytes", n);
    unsigned char *box = arena_alloc(a, NONCE_BYTES + n + TAG_BYTES);
    AUTO_CIPHER c = EVP_CIPHER_CTX_new();
    AUTO_BUF text = buf_new((size_t)2 * SEALED_MAX_BYTES);
    int len = 0;

    if (!box || !c)
        return fail(err, E_NOMEM, "seal");
    enum status rc = random_bytes(box, NONCE_BYTES, err);
    if (rc != OK)
        return rc;
    if (EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, box) != 1 ||
        EVP_EncryptUpdate(c, NULL, &len, (const unsigned char *)aad,
                          (int)strlen(aad)) != 1 ||
        EVP_EncryptUpdate(c, box + NONCE_BYTES, &len, bytes, (int)n) != 1 ||
        EVP_EncryptFinal_ex(c, box + NONCE_BYTES + n, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                            box + NONCE_BYTES + n) != 1)
        return fail(err, E_BUG, "AES-256-GCM failed");
    buf_printf(&text, "v1.%s.", key->id);
    base64url_write(&text, box, NONCE_BYTES + n + TAG_BYTES);
    return taken(a, &text, "sealed secret", out, err);
}

static enum status
open_box(const struct seal_key *key, const char *aad, unsigned char *box,
         size_t box_n, struct secret *out, struct error *err)
{
    size_t n = box_n - NONCE_BYTES - TAG_BYTES;
    AUTO_CIPHER c = EVP_CIPHER_CTX_new();
    int len = 0;

    enum status rc = secret_copy(box + NONCE_BYTES, n, out, err);
    if (rc != OK || !c)
        return rc != OK ? rc : fail(err, E_NOMEM, "unseal");
    if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->bytes, box) == 1 &&
        EVP_DecryptUpdate(c, NULL, &len, (const unsigned char *)aad,
                          (int)strlen(aad)) == 1 &&
        EVP_DecryptUpdate(c, out->bytes, &len, box + NONCE_BYTES, (int)n) ==
            1 &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                            box + NONCE_BYTES + n) == 1 &&
        EVP_DecryptFinal_ex(c, out->bytes + n, &len) == 1)
        return OK;
    secret_free(out);
    return fail(err, E_AUTH,
                "the sealed secret does not open: it was changed "
                "or belongs elsewhere");
}

enum status
unseal(const struct seal_key *key, const char *aad, const char *sealed,
       struct secret *out, struct error *err)
{
    AUTO_ARENA a = arena_new((size_t)4 * SEALED_MAX_BYTES);
    unsigned char *box = NULL;
    size_t box_n = 0;

    *out = (struct secret){0};
    if (!a)
        return fail(err, E_NOMEM, "unseal");
    if (strncmp(sealed, "v1.", 3) != 0 || strlen(sealed) < 12 ||
        sealed[11] != '.')
        return fail(err, E_INPUT, "not a sealed secret");
    if (strncmp(sealed + 3, key->id, 8) != 0) {
        (void)error_hint(err, "start with the key the store was made with");
        return fail(err, E_AUTH, "sealed with key %.8s, we have %s", sealed + 3,
                    key->id);
    }
    enum status rc =
        base64_parse(a, sealed + 12, strlen(sealed + 12), &box, &box_n, err);
    if (rc != OK)
        return rc;
    if (box_n < NONCE_BYTES + TAG_BYTES)
        return fail(err, E_INPUT, "a sealed secret of %zu bytes", box_n);
    return open_box(key, aad, box, box_n, out, err);
}

/* ---- Standard Webhooks ---- */

enum { SECRET_MIN_BYTES = 24, SECRET_MAX_BYTES = 64 };

static enum status
webhook_key(struct arena *a, const char *secret, unsigned char **key,
            size_t *key_n, struct error *err)
{
    if (strncmp(secret, "whsec_", 6) == 0)
        secret += 6;
    enum status rc = base64_parse(a, secret, strlen(secret), key, key_n, err);
    if (rc != OK)
        return error_wrap(err, "webhook secret");
    if (*key_n < SECRET_MIN_BYTES || *key_n > SECRET_MAX_BYTES)
        return fail(err, E_INPUT,
                    "a webhook secret has 24 to 64 bytes, this one %zu",
                    *key_n);
    return OK;
}

static enum status
webhook_mac(const char *secret, const char *id, const char *timestamp,
            const void *body, size_t n, unsigned char mac[SHA256_BYTES],
            struct error *err)
{
    AUTO_ARENA a = arena_new(4096);
    AUTO_BUF text = buf_new(n + 1024);
    unsigned char *key = NULL;
    size_t key_n = 0;

    if (!a)
        return fail(err, E_NOMEM, "signature");
    enum status rc = webhook_key(a, secret, &key, &key_n, err);
    if (rc != OK)
        return rc;
    buf_printf(&text, "%s.%s.", id, timestamp);
    buf_add(&text, body, n);
    rc = buf_check(&text, "webhook", err);
    if (rc == OK)
        hmac_sha256(key, key_n, text.data, text.len, mac);
    return rc;
}

enum status /* NOLINTNEXTLINE(readability-function-size): a contract */
webhook_sign(struct arena *a, const char *secret, const char *id,
             int64_t timestamp_s, const void *body, size_t n, const char **out,
             struct error *err)
{
    unsigned char mac[SHA256_BYTES];
    char timestamp[24];
    AUTO_BUF text = buf_new(128);

    (void)snprintf(timestamp, sizeof(timestamp), "%lld",
                   (long long)timestamp_s);
    enum status rc = webhook_mac(secret, id, timestamp, body, n, mac, err);
    if (rc != OK)
        return rc;
    buf_puts(&text, "v1,");
    base64_write(&text, mac, sizeof(mac));
    return taken(a, &text, "signature", out, err);
}

bool /* NOLINTNEXTLINE(readability-function-size): a contract */
webhook_verify(const char *secret, const char *id, const char *timestamp,
               const char *signatures, const void *body, size_t n,
               int64_t now_s, int64_t tolerance_s)
{
    unsigned char mac[SHA256_BYTES];
    AUTO_BUF want = buf_new(128);
    char *end = NULL;
    long long at = strtoll(timestamp, &end, 10);
    bool match = false;

    if (end == timestamp || *end || at < now_s - tolerance_s ||
        at > now_s + tolerance_s)
        return false;
    if (webhook_mac(secret, id, timestamp, body, n, mac, NULL) != OK)
        return false;
    buf_puts(&want, "v1,");
    base64_write(&want, mac, sizeof(mac));
    if (!buf_ok(&want))
        return false; /* an empty one would fit an empty signature */
    for (const char *p = signatures; *p;) {
        size_t len = strcspn(p, " ");
        match |= secret_equal(p, len, want.data, want.len);
        p += len + strspn(p + len, " ");
    }
    return match;
}
