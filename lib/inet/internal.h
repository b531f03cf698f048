/*
 * What the files of this room share.
 *
 *     inet.c       opens and closes; what the card and IP tell; one turn of the loop
 *     below.c      what TCP and UDP need of IP
 *     lease.c      addresses: static ones, DHCP's, and what is said about all of them
 *     names.c      DNS over UDP and TCP
 *     connect.c    connections that are made, and those that wait for a way
 *     say.c        how much of all this is said in the log
 *     status.c     counters
 *     network.c    signatures/network.h
 */
#ifndef LIB_INET_INTERNAL_H
#define LIB_INET_INTERNAL_H

#include "lib/dhcp/dhcp.h"
#include "lib/dns/dns.h"
#include "lib/inet/inet.h"
#include "lib/ip/ip.h"
#include "lib/tcp/info.h"
#include "lib/udp/udp.h"
#include "runtime/log.h"
#include "runtime/pool.h"
#include "signatures/timer.h"

#define INET_SOURCE   "net" /* of log lines */
#define INET_MESSAGES 1024u /* of DNS, under way at a time */

/* Lines of what others on the network change: so many at once, and then one for each such time. */
#define INET_LINES_MAX   20u
#define INET_LINES_EVERY (60 * CLOCK_SEC)

/* A resolver that routers advertise. */
struct inet_resolver {
    struct address address;
    uint64_t until;
};

struct inet {
    struct stack stack;
    struct net *card;
    struct inet_config config;
    struct ip *ip;
    struct tcp *tcp;
    struct udp *udp;
    struct dns *dns;
    uint64_t now; /* of the handler that runs */
    struct timer timer;
    struct task turn;
    bool link;

    struct dhcp dhcp;
    struct udp_socket *dhcp_socket; /* NULL: not used */
    struct dhcp_lease lease;        /* as it is in effect */
    bool leased;
    struct inet_resolver advertised[INET_RESOLVERS_MAX];
    size_t advertised_count;
    uint64_t resolvers_left_out; /* counter: advertised beyond these */
    uint64_t settle_until;       /* addresses may still be found; 0: they were, or were not */
    uint64_t lines_paid;         /* when all INET_LINES_MAX may be said again */
    bool lines_short;            /* that some are left out was said */
    uint64_t lines_left_out;     /* counter */

    struct pool connects;
    struct list waiting; /* for a way; of struct connect */
    struct list running;
    struct pool messages; /* of names.c */
};

/* Something was done: gathered work goes out at the end of this turn, and the timer is set anew. */
void inet_touch(struct inet *i);

/* A line about the network, unless there are too many of them. */
#define inet_say(i, level, ...)                          \
    do {                                                 \
        if (inet_says((i), (level)))                     \
            log_line((level), INET_SOURCE, __VA_ARGS__); \
    } while (0)
bool inet_says(struct inet *i, enum log_level level);

extern const struct tcp_below inet_tcp_below;
extern const struct udp_below inet_udp_below;

/* --- lease.c --- */

enum err inet_claim_static(struct inet *i);
enum err inet_dhcp_open(struct inet *i);
void inet_dhcp_link(struct inet *i, bool up);
void inet_dhcp_expire(struct inet *i);
/* Gives the lease back, for good. */
void inet_dhcp_end(struct inet *i);
void inet_on_address(void *owner, enum ip_address_event what, struct address a);
void inet_on_router(void *owner, struct address router, bool present);
void inet_on_resolver(void *owner, struct address resolver, uint64_t until);
/* Addresses may be found from now on. */
void inet_settle_again(struct inet *i);
/* Ends waiting for addresses when its time is over, and forgets resolvers when theirs is. */
void inet_settle(struct inet *i);
uint64_t inet_settle_deadline(const struct inet *i);

/* --- names.c --- */

enum err inet_names_open(struct inet *i);
void inet_names_close(struct inet *i);
/* The servers that are known now are those to ask. */
void inet_names_servers(struct inet *i);
enum err inet_resolve(struct stack *s, struct slice name, resolve_fn *answer, void *owner,
                      struct resolve **into);
void inet_cancel_resolve(struct stack *s, struct resolve *r);

/* --- connect.c --- */

void inet_connects_open(struct inet *i);
enum err inet_connect(struct stack *s, struct endpoint remote, connect_fn *answer, void *owner,
                      struct connect **into);
void inet_cancel_connect(struct stack *s, struct connect *c);
/* Begins what has a way now, gives up what has waited too long. */
void inet_connects_look(struct inet *i);
uint64_t inet_connects_deadline(const struct inet *i);
void inet_connects_close(struct inet *i);

#endif
