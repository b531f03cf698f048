/* Messages of DHCP, private to this room: what is read off and put on the wire. */
#ifndef LIB_DHCP_MESSAGE_H
#define LIB_DHCP_MESSAGE_H

#include "lib/dhcp/dhcp.h"

enum dhcp_type { /* RFC 2132, 9.6 */
                 DHCP_DISCOVER = 1,
                 DHCP_OFFER,
                 DHCP_REQUEST,
                 DHCP_DECLINE,
                 DHCP_ACK,
                 DHCP_NAK,
                 DHCP_RELEASE
};

/* An answer of a server. */
struct dhcp_answer {
    enum dhcp_type type;
    struct dhcp_lease lease; /* of an offer or an ack */
    uint32_t renew, rebind;  /* seconds from now; 0: not told */
};

/* OK; ERR_MALFORMED; ERR_MISMATCH: not for us; ERR_ARGUMENT: what it offers cannot be. */
enum err dhcp_read(struct dhcp *d, struct slice bytes, struct dhcp_answer *into);

struct dhcp_question {
    enum dhcp_type type;
    uint16_t secs;
    bool broadcast;           /* the answer cannot be sent to us alone yet */
    struct address ours;      /* ciaddr, or 0.0.0.0 */
    struct address requested; /* option 50, or 0.0.0.0 */
    struct address server;    /* option 54, or 0.0.0.0 */
};

/* Returns its length. */
size_t dhcp_write(const struct dhcp *d, const struct dhcp_question *q,
                  uint8_t into[DHCP_MESSAGE_MAX]);

#endif
