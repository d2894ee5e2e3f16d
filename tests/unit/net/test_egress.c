#include "net_test.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "net/egress.h"

static const struct {
    const char *address;
    const char *range; /* NULL = allowed */
} table[] = {
    {"1.1.1.1", NULL},
    {"8.8.8.8", NULL},
    {"9.255.255.255", NULL},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.128.0.0", NULL},
    {"126.255.255.255", NULL},
    {"128.0.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.32.0.0", NULL},
    {"192.167.255.255", NULL},
    {"192.169.0.0", NULL},
    {"198.20.0.0", NULL},
    {"223.255.255.255", NULL},
    {"0.0.0.0", "this network"},
    {"0.1.2.3", "this network"},
    {"10.0.0.0", "private"},
    {"10.255.255.255", "private"},
    {"100.64.0.0", "carrier-grade NAT"},
    {"100.127.255.255", "carrier-grade NAT"},
    {"100.100.100.200", "metadata"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.254", "loopback"},
    {"168.63.129.16", "metadata"},
    {"169.254.0.1", "link-local"},
    {"169.254.169.254", "metadata"},
    {"169.254.170.2", "metadata"},
    {"172.16.0.0", "private"},
    {"172.31.255.255", "private"},
    {"192.0.0.192", "metadata"},
    {"192.0.0.8", "protocol assignments"},
    {"192.0.2.1", "documentation"},
    {"192.88.99.1", "6to4 relay"},
    {"192.168.0.1", "private"},
    {"192.168.255.255", "private"},
    {"198.18.0.1", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.51.100.1", "documentation"},
    {"203.0.113.1", "documentation"},
    {"224.0.0.1", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.255", "broadcast"},
    {"2606:4700::1111", NULL},
    {"2a00:1450::1", NULL},
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::7f00:1", "reserved"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:10.1.2.3", "private"},
    {"::ffff:169.254.169.254", "metadata"},
    {"::ffff:8.8.8.8", NULL},
    {"64:ff9b::10.0.0.1", "private"},
    {"64:ff9b::169.254.169.254", "metadata"},
    {"64:ff9b::8.8.8.8", NULL},
    {"64:ff9b:1::8.8.8.8", "local NAT64"},
    {"100::1", "reserved"},
    {"2001:0:0808:0808::f5ff:fffe", "private"}, /* Teredo, 10.0.0.1 */
    {"2001:0:0808:0808::f7f7:f7f7", NULL},      /* Teredo, 8.8.8.8 */
    {"2001:2::1", "protocol assignments"},
    {"2001:db8::1", "documentation"},
    {"2001:4860:4860::8888", NULL},
    {"2002:0a00:0001::1", "private"}, /* 6to4 of 10.0.0.1 */
    {"2002:7f00:0001::1", "loopback"},
    {"2002:0808:0808::1", NULL},
    {"3fff::1", "documentation"},
    {"4000::1", "reserved"},
    {"5f00::1", "reserved"},
    {"fc00::1", "private"},
    {"fd12:3456::1", "private"},
    {"fd00:ec2::254", "metadata"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"ff02::1", "multicast"},
};

static const char *
judge(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return egress_refusal((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return egress_refusal((const struct sockaddr *)&v6);
}

static void
ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const char *got = judge(table[i].address);
        const char *want = table[i].range;
        if (!got != !want || (got && strcmp(got, want) != 0))
            FAIL("%s: %s, wanted %s", table[i].address, got ? got : "allowed",
                 want ? want : "allowed");
    }
}

static void
other_families(void **state)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)state;
    assert_non_null(egress_refusal((const struct sockaddr *)&local));
    assert_non_null(egress_refusal(&none));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(other_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
