#include "net/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define IP(a, b, c, d) \
    (((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((c) << 8) | (d))

/* First match wins, so single addresses come before their ranges. */
static const struct {
    uint32_t base;
    int bits;
    const char *name;
} ranges4[] = {
    {IP(169, 254, 169, 254), 32, "metadata"}, /* most clouds */
    {IP(169, 254, 170, 2), 32, "metadata"},   /* AWS ECS tasks */
    {IP(100, 100, 100, 200), 32, "metadata"}, /* Alibaba */
    {IP(168, 63, 129, 16), 32, "metadata"},   /* Azure host */
    {IP(192, 0, 0, 192), 32, "metadata"},     /* Oracle */
    {IP(0, 0, 0, 0), 8, "this network"},
    {IP(10, 0, 0, 0), 8, "private"},
    {IP(100, 64, 0, 0), 10, "carrier-grade NAT"},
    {IP(127, 0, 0, 0), 8, "loopback"},
    {IP(169, 254, 0, 0), 16, "link-local"},
    {IP(172, 16, 0, 0), 12, "private"},
    {IP(192, 0, 0, 0), 24, "protocol assignments"},
    {IP(192, 0, 2, 0), 24, "documentation"},
    {IP(192, 88, 99, 0), 24, "6to4 relay"},
    {IP(192, 168, 0, 0), 16, "private"},
    {IP(198, 18, 0, 0), 15, "benchmarking"},
    {IP(198, 51, 100, 0), 24, "documentation"},
    {IP(203, 0, 113, 0), 24, "documentation"},
    {IP(224, 0, 0, 0), 4, "multicast"},
    {IP(255, 255, 255, 255), 32, "broadcast"},
    {IP(240, 0, 0, 0), 4, "reserved"},
};

enum { NO_IPV4 = -1, IPV4_INVERTED = 1 << 8 };

/* `ipv4` says where an IPv4 address is inside, which then decides. */
static const struct {
    unsigned char base[16];
    int bits;
    int ipv4; /* offset in bytes; NO_IPV4 = refused by name */
    const char *name;
} ranges6[] = {
    {{0xfd, 0x00, 0x0e, 0xc2, [15] = 0}, 32, NO_IPV4, "metadata"},
    {{[15] = 0}, 128, NO_IPV4, "unspecified"},
    {{[15] = 1}, 128, NO_IPV4, "loopback"},
    {{[10] = 0xff, [11] = 0xff}, 96, 12, NULL}, /* mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12, NULL},   /* NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, NO_IPV4, "local NAT64"},
    {{0x20, 0x02}, 16, 2, NULL},                              /* 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32, 12 | IPV4_INVERTED, NULL}, /* Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, NO_IPV4, "documentation"},
    {{0x20, 0x01}, 23, NO_IPV4, "protocol assignments"},
    {{0x3f, 0xff}, 20, NO_IPV4, "documentation"},
    {{0xfc}, 7, NO_IPV4, "private"},
    {{0xfe, 0x80}, 10, NO_IPV4, "link-local"},
    {{0xfe, 0xc0}, 10, NO_IPV4, "site-local"},
    {{0xff}, 8, NO_IPV4, "multicast"},
};

static const char *
refusal4(uint32_t ip)
{
    for (size_t i = 0; i < sizeof(ranges4) / sizeof(*ranges4); i++)
        if (((ip ^ ranges4[i].base) >> (32 - ranges4[i].bits)) == 0)
            return ranges4[i].name;
    return NULL;
}

static uint32_t
ipv4_inside(const unsigned char *ip, int where)
{
    uint32_t v;

    memcpy(&v, ip + (where & 0xff), sizeof(v));
    v = ntohl(v);
    return where & IPV4_INVERTED ? ~v : v;
}

static bool
starts_with(const unsigned char *ip, const unsigned char *base, int bits)
{
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;

    if (memcmp(ip, base, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ base[whole]) >> (8 - rest)) == 0;
}

static const char *
refusal6(const unsigned char *ip)
{
    for (size_t i = 0; i < sizeof(ranges6) / sizeof(*ranges6); i++) {
        if (!starts_with(ip, ranges6[i].base, ranges6[i].bits))
            continue;
        if (ranges6[i].ipv4 == NO_IPV4)
            return ranges6[i].name;
        return refusal4(ipv4_inside(ip, ranges6[i].ipv4));
    }
    /* Only 2000::/3 is handed out as global unicast. */
    return ip[0] >> 5 == 1 ? NULL : "reserved";
}

const char *
egress_refusal(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return refusal4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return refusal6(v6.sin6_addr.s6_addr);
    }
    return "not an internet address";
}
