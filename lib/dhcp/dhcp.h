/*
 * DHCP: the client's side, for one interface and IPv4 (RFC 2131, RFC 2132), as a pure core:
 * messages, time and randomness in; messages, events and the next deadline out.
 *
 *           start            offer             ack           T1             T2
 *     INIT ------> SELECTING -----> REQUESTING -----> BOUND -----> RENEWING -----> REBINDING
 *      ^  discover   again    request   again           ^   unicast   |  broadcast     |
 *      |                                                +---- ack ----+------ ack -----+
 *      +---- nak, decline, a request without answer, the end of the lease -------------+
 *
 * After the link was down, a lease that still runs is asked for again (REBOOTING, RFC 2131, 3.2).
 * Also: classless routes (RFC 3442), long options in parts (RFC 3396), the client's identifier in
 * answers (RFC 6842). One struct holds all; nothing is allocated.
 */
#ifndef LIB_DHCP_DHCP_H
#define LIB_DHCP_DHCP_H

#include "runtime/address.h"
#include "signatures/clock.h"

#define DHCP_CLIENT_PORT   68
#define DHCP_SERVER_PORT   67
#define DHCP_MESSAGE_MAX   548u /* bytes of ours: what every server takes (RFC 2131, 2) */
#define DHCP_ROUTERS_MAX   4u   /* of a lease; more are left out and counted, as of the next two */
#define DHCP_RESOLVERS_MAX 4u
#define DHCP_ROUTES_MAX    16u
#define DHCP_HOSTNAME_MAX  63u
#define DHCP_OPTION_MAX    512u /* bytes of one option, put together; a longer one is not used */

#define DHCP_FIRST_NS   (4 * CLOCK_SEC)  /* until a message is sent again, then twice as long, */
#define DHCP_LAST_NS    (64 * CLOCK_SEC) /* up to this; each with one second more or less (4.1) */
#define DHCP_REQUESTS   4u               /* without an answer; then from the start again */
#define DHCP_RENEW_NS   (60 * CLOCK_SEC) /* least time between requests for more time (4.4.5) */
#define DHCP_DECLINE_NS (10 * CLOCK_SEC) /* from a decline to the next discover (3.1, 5.) */
#define DHCP_NAK_NS     (1 * CLOCK_SEC)  /* from a nak to the next discover */
#define DHCP_FOREVER    UINT32_MAX       /* a lease without an end, in seconds */
#define DHCP_MTU_MIN    576u             /* smaller ones are not believed */

enum dhcp_state {
    DHCP_STOPPED,
    DHCP_INIT, /* waits before it begins (again) */
    DHCP_SELECTING,
    DHCP_REQUESTING,
    DHCP_REBOOTING,
    DHCP_BOUND,
    DHCP_RENEWING,
    DHCP_REBINDING
};

struct dhcp_route {
    struct address network;
    uint8_t prefix;         /* 0: the default route */
    struct address gateway; /* 0.0.0.0: on the link */
};

struct dhcp_lease {
    struct address address;
    struct address server;
    uint8_t prefix;   /* of the network mask */
    uint16_t mtu;     /* 0: none told */
    uint32_t seconds; /* or DHCP_FOREVER */
    struct address resolvers[DHCP_RESOLVERS_MAX];
    size_t resolver_count;
    /* The classless routes, or where there are none: a default route by each router. */
    struct dhcp_route routes[DHCP_ROUTES_MAX];
    size_t route_count;
};

enum dhcp_event {
    DHCP_NOTHING,
    DHCP_LEASED,  /* `lease` is ours from now on, once nobody is found to use its address */
    DHCP_RENEWED, /* it is ours for longer; all but the address may have changed */
    DHCP_LOST     /* the address is no longer ours */
};

/* What a call wants done. */
struct dhcp_step {
    enum dhcp_event event;
    struct address source, destination; /* 0.0.0.0 and 255.255.255.255 where nothing is known yet */
    size_t len;                         /* bytes of a message to send; 0: none */
    uint8_t message[DHCP_MESSAGE_MAX];
};

struct dhcp_counters {
    uint64_t sent;
    uint64_t received; /* that were of use */
    uint64_t naks;
    uint64_t declines;
    uint64_t expired;
    uint64_t dropped_malformed;
    uint64_t dropped_foreign; /* not an answer to what was asked: transaction, card, server */
    uint64_t dropped_state;   /* nothing of the kind is waited for */
    uint64_t dropped_content; /* an address or time that cannot be */
    uint64_t cut;             /* routers, resolvers and routes beyond their limits */
};

struct dhcp {
    void (*random)(void *arg, void *into, size_t len);
    void *arg;
    uint8_t mac[6];
    char hostname[DHCP_HOSTNAME_MAX + 1];
    enum dhcp_state state;
    uint32_t xid;
    uint32_t tries;    /* of the present message */
    uint64_t began;    /* asking, for the field `secs` */
    uint64_t deadline; /* of the present state */
    struct dhcp_lease lease;
    uint64_t renew_at, rebind_at, expires_at; /* of the lease; UINT64_MAX: never */
    uint64_t requested_at;                    /* when the lease's time began to run */
    struct dhcp_counters counters;
};

/* hostname may be empty; one that is none (letters, digits, '-') or too long is left out. */
void dhcp_init(struct dhcp *d, const uint8_t mac[6], struct slice hostname,
               void (*random)(void *arg, void *into, size_t len), void *arg);

/* The link is up: begins, or asks for the lease that still runs again. */
void dhcp_start(struct dhcp *d, uint64_t now, struct dhcp_step *step);

/* The link is down: nothing is sent until dhcp_start; the lease runs on (dhcp_expire says when it
 * ends). */
void dhcp_pause(struct dhcp *d);

/* Gives the lease back (DHCPRELEASE), and ends. */
void dhcp_release(struct dhcp *d, uint64_t now, struct dhcp_step *step);

/* A datagram to DHCP_CLIENT_PORT from DHCP_SERVER_PORT. */
void dhcp_input(struct dhcp *d, uint64_t now, struct slice bytes, struct dhcp_step *step);

/* Somebody else has the address of the lease (RFC 5227): it is declined. */
void dhcp_conflict(struct dhcp *d, uint64_t now, struct dhcp_step *step);

/* To be called at the deadline; earlier it does nothing. */
void dhcp_expire(struct dhcp *d, uint64_t now, struct dhcp_step *step);
uint64_t dhcp_deadline(const struct dhcp *d); /* UINT64_MAX: none */

/* Whether `lease` is ours. */
bool dhcp_has_lease(const struct dhcp *d);
const char *dhcp_state_text(enum dhcp_state s);

#endif
