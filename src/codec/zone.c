/*
 * TZif files (RFC 8536): the 64-bit block and the POSIX rule in the footer.
 */
#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "codec/civil.h"
#include "codec/text.h"

enum { FILE_MAX_BYTES = 256 * 1024, ZONES_MAX_BYTES = 32 * 1024 * 1024 };

struct rule {  /* "M3.2.0/2": month, week, weekday, seconds of the day */
    char kind; /* 'M', 'J' (1-365, no leap day), 'N' (0-365) */
    int month, week, day, at_s;
};

struct zone {
    size_t n;
    int64_t *at;     /* transition instants, seconds */
    int32_t *offset; /* from at[i] on */
    int32_t first;   /* before at[0] */
    bool has_rule;   /* after the last transition */
    int32_t std_s, dst_s;
    bool has_dst;
    struct rule to_dst, to_std;
};

static int64_t
big_endian(const unsigned char *p, int bytes)
{
    int64_t v = (p[0] & 0x80) ? -1 : 0;

    for (int i = 0; i < bytes; i++)
        v = (int64_t)((uint64_t)v << 8 | p[i]);
    return v;
}

/* ---- the footer: "EET-2EEST,M3.5.0/3,M10.5.0/4" ---- */

static bool
skip_name(const char **p)
{
    if (**p == '<') {
        const char *close = strchr(*p, '>');
        if (!close)
            return false;
        *p = close + 1;
        return true;
    }
    const char *s = *p;
    while (isalpha((unsigned char)**p))
        ++*p;
    return *p > s;
}

static bool
read_int(const char **p, int *out)
{
    char *end = NULL;
    long v = strtol(*p, &end, 10);

    if (end == *p)
        return false;
    *p = end;
    *out = (int)v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool
read_clock(const char **p, int *out)
{
    int sign = 1, h = 0, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        sign = *(*p)++ == '-' ? -1 : 1;
    if (!read_int(p, &h))
        return false;
    if (**p == ':') {
        ++*p;
        if (!read_int(p, &m))
            return false;
        if (**p == ':') {
            ++*p;
            if (!read_int(p, &s))
                return false;
        }
    }
    *out = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool
read_rule(const char **p, struct rule *r)
{
    *r = (struct rule){.kind = 'N', .at_s = 7200};
    if (**p == 'M') {
        r->kind = 'M';
        ++*p;
        if (!read_int(p, &r->month) || *(*p)++ != '.' ||
            !read_int(p, &r->week) || *(*p)++ != '.' || !read_int(p, &r->day))
            return false;
    } else {
        if (**p == 'J') {
            r->kind = 'J';
            ++*p;
        }
        if (!read_int(p, &r->day))
            return false;
    }
    if (**p == '/') {
        ++*p;
        return read_clock(p, &r->at_s);
    }
    return true;
}

static bool
read_footer(const char *p, struct zone *z)
{
    int west = 0;

    if (!skip_name(&p) || !read_clock(&p, &west))
        return false;
    z->std_s = -west;
    z->has_rule = true;
    if (!*p)
        return true;
    if (!skip_name(&p))
        return false;
    z->dst_s = z->std_s + 3600;
    if (*p && *p != ',') {
        if (!read_clock(&p, &west))
            return false;
        z->dst_s = -west;
    }
    z->has_dst = *p++ == ',' && read_rule(&p, &z->to_dst) && *p++ == ',' &&
                 read_rule(&p, &z->to_std);
    return z->has_dst;
}

/* Local seconds since 1970 at which a rule strikes in a year. */
static int64_t
rule_local(const struct rule *r, int year)
{
    int64_t first = days_of(year, 1, 1);

    if (r->kind == 'N')
        return (first + r->day) * 86400 + r->at_s;
    if (r->kind == 'J') {
        bool leap = days_of(year + 1, 1, 1) - first == 366;
        return (first + r->day - 1 + (leap && r->day >= 60)) * 86400 + r->at_s;
    }
    int64_t day = days_of(year, r->month, 1);
    int weekday = civil_of(day * 86400).weekday;
    day += (r->day - weekday + 7) % 7 + (int64_t)(r->week - 1) * 7;
    while (day >= days_of(year, r->month + 1, 1))
        day -= 7;
    return day * 86400 + r->at_s;
}

static int32_t
rule_offset(const struct zone *z, int64_t s)
{
    if (!z->has_dst)
        return z->std_s;
    int year = civil_of(s + z->std_s).year;
    int64_t on = rule_local(&z->to_dst, year) - z->std_s;
    int64_t off = rule_local(&z->to_std, year) - z->dst_s;
    bool dst = on < off ? s >= on && s < off : s >= on || s < off;
    return dst ? z->dst_s : z->std_s;
}

/* ---- the file ---- */

struct counts {
    size_t isut, isstd, leap, time, type, name;
};

static bool
read_header(const unsigned char *p, size_t n, struct counts *c)
{
    if (n < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t *fields[] = {&c->isut, &c->isstd, &c->leap,
                        &c->time, &c->type,  &c->name};
    for (size_t i = 0; i < 6; i++)
        *fields[i] = (size_t)big_endian(p + 20 + 4 * i, 4);
    return c->time < 100000 && c->type < 256 && c->name < 4096 &&
           c->leap < 1000;
}

static size_t
body_bytes(const struct counts *c, size_t time_bytes)
{
    return c->time * time_bytes + c->time + c->type * 6 + c->name +
           c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

static bool
read_body(struct arena *a, const unsigned char *p, const struct counts *c,
          struct zone *z)
{
    const unsigned char *index = p + c->time * 8;
    const unsigned char *types = index + c->time;

    z->n = c->time;
    z->at = arena_array(a, c->time + 1, sizeof(*z->at));
    z->offset = arena_array(a, c->time + 1, sizeof(*z->offset));
    if (!z->at || !z->offset || c->type == 0)
        return false;
    z->first = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < c->time; i++) {
        if (index[i] >= c->type)
            return false;
        z->at[i] = big_endian(p + 8 * i, 8);
        z->offset[i] = (int32_t)big_endian(types + (size_t)6 * index[i], 4);
    }
    return true;
}

static bool
read_file(struct arena *a, const unsigned char *p, size_t n, struct zone *z)
{
    struct counts c;

    if (!read_header(p, n, &c) || p[4] < '2')
        return false;
    size_t skip = 44 + body_bytes(&c, 4);
    if (skip > n || !read_header(p + skip, n - skip, &c))
        return false;
    size_t body = skip + 44, end = body + body_bytes(&c, 8);
    if (end >= n || !read_body(a, p + body, &c, z))
        return false;
    char footer[128] = "";
    size_t k = n - end;
    if (p[end] == '\n' && k > 2 && k - 2 < sizeof(footer)) {
        memcpy(footer, p + end + 1, k - 2);
        if (footer[0] && !read_footer(footer, z))
            return false;
    }
    return true;
}

/* ---- the cache ---- */

static struct {
    pthread_mutex_t lock;
    struct arena *a;
    struct map *zones;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *
zone_folder(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets it */
    const char *dir = getenv("TZDIR");

    return dir && *dir ? dir : "/usr/share/zoneinfo";
}

static bool
name_safe(const char *name)
{
    if (!*name || *name == '/' || strlen(name) > 64 || strstr(name, ".."))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
            return false;
    return true;
}

/* "Europe/Helsinky" -> the nearest entry of the same folder, for the hint. */
static void
hint_nearest(const char *name, struct error *err)
{
    const char *slash = strrchr(name, '/');
    char folder[256], best[256] = "";
    int best_d = 4;

    (void)snprintf(folder, sizeof(folder), "%s/%.*s", zone_folder(),
                   slash ? (int)(slash - name) : 0, name);
    DIR *dir = opendir(folder);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): glibc locks the folder */
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int d = edit_distance(e->d_name, slash ? slash + 1 : name);
        if (d < best_d) {
            best_d = d;
            (void)snprintf(best, sizeof(best), "%s", e->d_name);
        }
    }
    if (dir)
        (void)closedir(dir);
    if (best[0])
        (void)error_hint(err, "did you mean %.*s%s?",
                         slash ? (int)(slash + 1 - name) : 0, name, best);
}

static enum status
load(struct arena *a, const char *name, struct zone **out, struct error *err)
{
    char path[256];
    AUTO_BUF bytes = buf_new(FILE_MAX_BYTES);
    char chunk[4096];
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/%s", zone_folder(), name);
    FILE *f = name_safe(name) ? fopen(path, "rbe") : NULL;
    if (!f) {
        hint_nearest(name, err);
        return fail(err, E_INPUT, "unknown time zone '%.64s'", name);
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&bytes, chunk, n);
    (void)fclose(f);
    enum status rc = buf_check(&bytes, "time zone", err);
    if (rc != OK)
        return rc;
    if (bytes.len < 4 || memcmp(bytes.data, "TZif", 4) != 0)
        return fail(err, E_INPUT, "'%.64s' is not a time zone", name);
    *out = arena_alloc(a, sizeof(**out));
    if (!*out)
        return fail(err, E_NOMEM, "time zone %.64s", name);
    if (!read_file(a, (const unsigned char *)bytes.data, bytes.len, *out))
        return fail(err, E_INPUT, "'%.64s' is not a time zone", name);
    return OK;
}

static enum status
find_or_load(const char *name, const struct zone **out, struct error *err)
{
    if (!cache.a) {
        cache.a = arena_new(ZONES_MAX_BYTES);
        cache.zones = cache.a ? map_new(cache.a) : NULL;
    }
    if (!cache.zones)
        return fail(err, E_NOMEM, "time zones");
    *out = map_get(cache.zones, name);
    if (*out)
        return OK;
    struct zone *z = NULL;
    enum status rc = load(cache.a, name, &z, err);
    /* Only names of zones are kept: anyone may send others for ever. */
    const char *key = rc == OK ? arena_strdup(cache.a, name) : NULL;
    if (rc == OK)
        rc = key ? map_put(cache.zones, key, z, err)
                 : fail(err, E_NOMEM, "time zone %.64s", name);
    *out = z;
    return rc;
}

enum status
zone_get(const char *name, const struct zone **out, struct error *err)
{
    static const struct zone utc = {.has_rule = true};

    if (strcmp(name, "UTC") == 0) {
        *out = &utc;
        return OK;
    }
    pthread_mutex_lock(&cache.lock);
    enum status rc = find_or_load(name, out, err);
    pthread_mutex_unlock(&cache.lock);
    return rc;
}

static int32_t
offset_at(const struct zone *z, int64_t s)
{
    size_t lo = 0, hi = z->n; /* first transition after s */

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->at[mid] <= s)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == z->n && z->has_rule)
        return rule_offset(z, s);
    return lo ? z->offset[lo - 1] : z->first;
}

static int64_t
floor_s(int64_t us)
{
    int64_t s = us / US_PER_S;

    return us % US_PER_S < 0 ? s - 1 : s;
}

struct civil
zone_civil(const struct zone *z, int64_t us)
{
    int64_t s = floor_s(us);
    int32_t off = offset_at(z, s);
    struct civil c = civil_of(s + off);

    c.offset_s = off;
    return c;
}

int64_t
zone_instant(const struct zone *z, const struct civil *local)
{
    int64_t wanted = days_of(local->year, local->month, 1) + local->day - 1;

    wanted = wanted * 86400 + (int64_t)local->hour * 3600 +
             (int64_t)local->minute * 60 + local->second;
    /* The offset a day before and after bracket any change. */
    int32_t before = offset_at(z, wanted - 86400);
    int32_t after = offset_at(z, wanted + 86400);
    int64_t early = wanted - (before > after ? before : after);
    int64_t late = wanted - (before > after ? after : before);
    if (early + offset_at(z, early) == wanted)
        return early * US_PER_S;
    if (late + offset_at(z, late) == wanted)
        return late * US_PER_S;
    /* In a gap: the instant the clocks jump lies between the two guesses. */
    int64_t lo = early, hi = late;
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (offset_at(z, mid) == offset_at(z, early))
            lo = mid;
        else
            hi = mid;
    }
    return hi * US_PER_S;
}
