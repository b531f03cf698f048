/*
 * The settings that all programs with a network share: what it is, and how its own stack finds or
 * is given its addresses. Where the program speaks through the host's sockets, only --net counts.
 */
#ifndef RUNTIME_SETTINGS_NETWORK_H
#define RUNTIME_SETTINGS_NETWORK_H

#include "runtime/settings.h"

#define SETTINGS_NETWORK_ADDRESSES_MAX 8u /* in each list */

struct settings_network {
    struct slice net; /* "host", or "tap:NAME"; "card" in a machine of the program's own */
    bool dhcp;
    bool ipv6;
    uint32_t network; /* which card, where there are several */
    struct slice ip;  /* ADDRESS[/BITS],... */
    struct address netmask;
    struct slice gateways;  /* ADDRESS,... */
    struct slice resolvers; /* ADDRESS,... */
};

extern struct settings_network settings_network;
extern const struct setting_group settings_network_group;

/* An address, and how many of its bits are the network's. */
struct settings_prefix {
    struct address address;
    uint8_t bits;
};

/* The addresses of a list. bits: as it says behind '/', else of --netmask, 32, 64 (IPv6) or, in
 * lists of hosts, all. False at its end; lists that were checked have no other. */
bool settings_network_next(struct slice *list, struct settings_prefix *into);

/* "tap:NAME": the name. False: another kind of network. */
bool settings_network_tap(struct slice *name);

/* Whether it is the host's own: where localhost is. */
bool settings_network_host(void);

#endif
