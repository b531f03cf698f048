/* Messages of DNS: what we ask, and what of an answer counts. Private to this room. */
#ifndef LIB_DNS_MESSAGE_H
#define LIB_DNS_MESSAGE_H

#include "lib/dns/dns.h"
#include "lib/dns/name.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_OPT = 41, DNS_AAAA = 28 };

struct dns_question {
    uint16_t id;
    enum dns_type type; /* DNS_A or DNS_AAAA */
    bool edns;
    bool tcp;             /* it goes over a connection */
    struct dns_name name; /* its letters in the case that is to come back, unless it does */
};

/* Returns the length. */
size_t dns_write(const struct dns_question *q, uint8_t into[DNS_QUESTION_MAX]);

enum dns_outcome {
    DNS_FOUND,
    DNS_ELSEWHERE, /* `name` is another name, which has to be asked for */
    DNS_ABSENT,    /* no such name, or nothing of the type */
    DNS_CUT,       /* more than fits: ask over TCP */
    DNS_OLD,       /* the server does not know EDNS */
    DNS_FAILED     /* it cannot or will not say */
};

struct dns_reply {
    enum dns_outcome what;
    uint32_t ttl; /* seconds that this may be kept */
    struct dns_name name;
    size_t hops;  /* names that led on to it */
    size_t count; /* addresses */
    size_t cut;   /* more of them */
    struct address addresses[DNS_ADDRESSES_MAX];
};

/* OK; ERR_MALFORMED; ERR_MISMATCH: not the answer to this question; ERR_LIMIT: names lead too
 * far. */
enum err dns_read(struct slice message, const struct dns_question *q, struct dns_reply *into);

#endif
