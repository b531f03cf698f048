/*
 * DNS: names to addresses, by asking recursive servers (RFC 1034, 1035, 3596), as a pure core:
 * messages, time and randomness in; messages, answers and the next deadline out.
 *
 * A lookup asks for A and AAAA side by side (RFC 8305, 3), and whoever wants the same name
 * meanwhile waits along. Against forged answers (RFC 5452): a new random id and a new random port
 * for every message, the letters of the name in random case, and only the asked server's answers to
 * the asked question are read. EDNS (RFC 6891) with DNS_UDP_SIZE; answers that were cut are asked
 * for again over TCP (RFC 7766). What is found is kept as long as its TTL says, also that there is
 * nothing (RFC 2308).
 */
#ifndef LIB_DNS_DNS_H
#define LIB_DNS_DNS_H

#include "signatures/clock.h"
#include "signatures/stack.h"

#define DNS_PORT          53
#define DNS_SERVERS_MAX   4u
#define DNS_LOOKUPS_MAX   64u  /* names that are asked for at a time */
#define DNS_WAITERS_MAX   512u /* who wait for them */
#define DNS_CACHE_MAX     512u /* answers that are kept; beyond, the oldest goes */
#define DNS_ADDRESSES_MAX 8u   /* of one family */
#define DNS_CHAIN_MAX     8u   /* names that lead on to another (CNAME), one after the other */
#define DNS_RECORDS_MAX   256u /* of one message */
#define DNS_UDP_SIZE      1232u
#define DNS_ANSWER_MAX    16384u /* bytes, over TCP */
#define DNS_QUESTION_MAX  320u   /* bytes of a message of ours */
#define DNS_TRIES_MAX     6u     /* messages for one question */

#define DNS_TRY_NS     (1 * CLOCK_SEC) /* then another server, and each time around twice as long */
#define DNS_LOOKUP_NS  (10 * CLOCK_SEC) /* for all of it: ERR_TIMEOUT */
#define DNS_SECOND_NS  (50 * CLOCK_MS)  /* from the first family's answer to the second's */
#define DNS_TTL_MAX    (24u * 60 * 60)  /* seconds that an answer is believed at most */
#define DNS_ABSENT_MAX (5u * 60)        /* and that there is none */

struct dns;
struct dns_waiter;

/* A message that is under way, and whose answer is waited for. */
struct dns_exchange {
    void *carrier; /* of who carries it: a socket, a connection */
    struct address server;
    uint16_t id;
    bool open;
    bool tcp;
};

/* Who carries messages. Neither call may call back into the core. */
struct dns_below {
    /* Sends to DNS_PORT of x->server, from a random port that is x's alone, or (x->tcp) over a
     * connection; what comes back from there goes to dns_answer. The message is copied. */
    enum err (*ask)(void *arg, struct dns_exchange *x, struct slice message);
    /* Nothing is waited for any more. Once for every ask that was OK. */
    void (*drop)(void *arg, struct dns_exchange *x);
    void (*random)(void *arg, void *into, size_t len);
    /* There is a way to an address: such ones stand first in an answer. May be NULL. */
    bool (*usable)(void *arg, struct address a);
};

struct dns_counters {
    uint64_t lookups;
    uint64_t cached; /* of them, without asking */
    uint64_t joined; /* of them, along with one that was under way */
    uint64_t asked;
    uint64_t asked_tcp;
    uint64_t answers; /* that were of use */
    uint64_t timeouts;
    uint64_t failures; /* a server that could not or would not say */
    uint64_t refused;  /* lookups beyond the limits, or without memory */
    uint64_t evicted;  /* from the cache, before their time */
    uint64_t dropped_malformed;
    uint64_t dropped_foreign; /* another id or question */
    uint64_t dropped_chain;   /* names that lead in a circle, or too far */
    uint64_t cut;             /* addresses beyond DNS_ADDRESSES_MAX */
};

/* NULL: no memory. below must stay. */
struct dns *dns_open(const struct dns_below *below, void *arg);
/* Nobody who waits is told. */
void dns_close(struct dns *d);

/* Whom to ask, from now on, in this order (also to be called where there is a way again); more than
 * DNS_SERVERS_MAX are left out. hope: more may become known soon, so that lookups wait for them;
 * without, and without servers, there is no way (ERR_UNREACHABLE). */
void dns_servers(struct dns *d, uint64_t now, const struct address *servers, size_t count,
                 bool hope);

/* IPv6 is not spoken: no AAAA. */
void dns_only_v4(struct dns *d, bool only);

/* Looks a name up; numeric addresses and localhost (RFC 6761, 6.3) need no asking. The answer comes
 * from dns_answer, dns_broken or dns_expire; usable addresses stand first, of those IPv6. ERR_FULL,
 * ERR_MEMORY. */
enum err dns_lookup(struct dns *d, uint64_t now, struct slice name, resolve_fn *answer, void *owner,
                    struct dns_waiter **into);
void dns_cancel(struct dns *d, struct dns_waiter *w);

/* What came back on an exchange, from its server's DNS_PORT. x may be dropped in here. */
void dns_answer(struct dns *d, uint64_t now, struct dns_exchange *x, struct slice message);
/* Nothing will come: there is no way, or nobody listens. */
void dns_broken(struct dns *d, uint64_t now, struct dns_exchange *x);

void dns_expire(struct dns *d, uint64_t now);
uint64_t dns_deadline(const struct dns *d); /* UINT64_MAX: none */

/* Lookups whose owners have not been told yet. */
uint32_t dns_pending(const struct dns *d);
/* All that was kept is forgotten: the network is another one. */
void dns_forget(struct dns *d);
uint32_t dns_cached(const struct dns *d);
const struct dns_counters *dns_counters(const struct dns *d);

#endif
