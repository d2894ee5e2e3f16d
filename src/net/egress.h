/*
 * net/egress.h - may an action connect to this address?
 *
 * Pure. Used by the client on the resolved address, so a name that resolves
 * to a private address is refused too.
 */
#ifndef NET_EGRESS_H
#define NET_EGRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* NULL when allowed, else the name of the refused range ("loopback",
 * "private", "link-local", "metadata", "carrier-grade NAT", …). IPv4 inside
 * IPv6 (mapped, NAT64, 6to4, Teredo) is judged as IPv4. Anything but IPv4 and
 * IPv6 is refused. Source: IANA special-purpose address registries. */
const char *egress_refusal(const struct sockaddr *address);

#endif
