#include "base/id.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void
random_fill(unsigned char *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0)
            abort(); /* no identifier is better than a guessable one */
        out += got;
        n -= (size_t)got;
    }
}

static struct id
text_of(const unsigned char b[16])
{
    static const char hex[] = "0123456789abcdef";
    struct id id;
    char *p = id.text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p = '\0';
    return id;
}

static void
stamp(unsigned char b[16], int64_t us)
{
    uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;

    for (int i = 5; i >= 0; i--, ms >>= 8)
        b[i] = (unsigned char)(ms & 0xff);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x70);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
}

struct id
id_new(int64_t now_us)
{
    /* 12 bits of counter after the version keep one process's ids of a
     * millisecond in order (RFC 9562, 6.2, method 1). */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int64_t last_ms;
    static unsigned counter;
    static unsigned char pool[512];
    static size_t pool_used = sizeof(pool);
    unsigned char b[16];

    pthread_mutex_lock(&lock);
    if (pool_used + 16 > sizeof(pool)) {
        random_fill(pool, sizeof(pool));
        pool_used = 0;
    }
    memcpy(b, pool + pool_used, 16);
    pool_used += 16;
    int64_t ms = now_us / 1000;
    if (ms > last_ms) {
        last_ms = ms;
        counter = b[7]; /* leaves room to count up */
    } else if (++counter > 0xfff) {
        last_ms++;
        counter = 0;
    }
    stamp(b, last_ms * 1000);
    b[6] = (unsigned char)(0x70 | (counter >> 8));
    b[7] = (unsigned char)(counter & 0xff);
    pthread_mutex_unlock(&lock);
    return text_of(b);
}

static uint64_t
mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static uint64_t
fnv(const void *bytes, size_t n, uint64_t h)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t
hash64(const void *bytes, size_t n)
{
    return mix(fnv(bytes, n, UINT64_C(0xcbf29ce484222325)));
}

uint64_t
hash64_str(const char *s)
{
    return hash64(s, strlen(s));
}

struct id
id_derive(int64_t at_us, const void *seed, size_t n)
{
    uint64_t x = hash64(seed, n);
    uint64_t y = mix(fnv(seed, n, UINT64_C(0x84222325cbf29ce4)) ^ x);
    unsigned char b[16];

    for (int i = 0; i < 8; i++) {
        b[i] = (unsigned char)(x >> (8 * i));
        b[8 + i] = (unsigned char)(y >> (8 * i));
    }
    stamp(b, at_us);
    return text_of(b);
}

static int
nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
id_valid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : nibble(text[i]) < 0)
            return false;
    }
    return text[36] == '\0';
}

int
shard_of(const char *workspace_id, const char *subject_key)
{
    uint64_t h =
        fnv(workspace_id, strlen(workspace_id), UINT64_C(0xcbf29ce484222325));

    return (int)(mix(fnv(subject_key, strlen(subject_key), h)) % SHARD_COUNT);
}

int
shard_of_id(const char *id_text)
{
    size_t n = strlen(id_text);

    if (n < 2)
        return 0;
    int hi = nibble(id_text[n - 2]), lo = nibble(id_text[n - 1]);
    return hi < 0 || lo < 0 ? 0 : hi * 16 + lo;
}
