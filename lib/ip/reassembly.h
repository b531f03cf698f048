/*
 * Putting fragments together (RFC 791, 3.2; RFC 8200, 4.5), for both families.
 *
 * The pieces of a datagram are kept in order, each a block of its own, and joined when none is
 * missing (RFC 815's idea of holes, told by what is there). A piece that overlaps another one ends
 * the whole datagram (RFC 5722), and what still comes of it is dropped too; one that repeats
 * another exactly is dropped by itself.
 *
 * Bounded in datagrams, in bytes, in pieces of one datagram, and in datagrams of one source: the
 * oldest gives way, of the same source where that is the limit.
 *
 * A pure table: fragments and time in; whole packets, and those that ran out of time, out.
 */
#ifndef LIB_IP_REASSEMBLY_H
#define LIB_IP_REASSEMBLY_H

#include "lib/ip/packet.h"
#include "runtime/list.h"

#define REASSEMBLY_MAX        64u
#define REASSEMBLY_PER_SOURCE 16u
#define REASSEMBLY_PIECES     128u              /* of one datagram: 64 KiB in 512 bytes */
#define REASSEMBLY_BYTES      ((size_t)1 << 20) /* with what each piece costs */
#define REASSEMBLY_TIME_V4    (30 * CLOCK_SEC)
#define REASSEMBLY_TIME_V6    (60 * CLOCK_SEC) /* RFC 8200, 4.5 */
#define REASSEMBLY_HEAD_MAX   128u             /* IP headers before the fragment's data */

struct fragment {
    struct address source, destination;
    uint32_t id;
    uint8_t protocol; /* IPv4: it tells datagrams apart; IPv6: the first piece's counts */
    uint8_t ecn;
    bool last;
    uint32_t offset;           /* bytes */
    struct slice head;         /* the headers, kept of the first piece */
    size_t next_at;            /* IPv6: where in them the protocol is to stand */
    const struct slice *parts; /* the data, of `length` bytes, from `skip` bytes into the parts */
    size_t count, skip, length;
};

struct piece {
    struct piece *next;
    uint32_t start, end;
    uint8_t bytes[];
};

struct datagram {
    struct list link; /* by age */
    struct address source, destination;
    uint64_t until;
    uint32_t id;
    uint32_t length; /* of all data; 0: the last piece has not come */
    uint32_t have;   /* bytes of data in pieces */
    uint32_t pieces;
    uint32_t bytes; /* that it costs */
    uint8_t protocol;
    uint8_t ecns; /* a bit for each codepoint that a piece had */
    bool bad;     /* what comes of it is dropped */
    uint8_t head_size;
    uint8_t next_at;
    uint8_t head[REASSEMBLY_HEAD_MAX]; /* of the first piece; size 0: it has not come */
    struct piece *first;
};

struct reassembly {
    struct list busy, free; /* datagrams; busy: the oldest first */
    struct datagram of[REASSEMBLY_MAX];
    size_t bytes;
};

enum reassembly_result {
    REASSEMBLY_KEPT,
    REASSEMBLY_WHOLE, /* *packet is head and data in one block, the caller's to free */
    REASSEMBLY_MALFORMED,
    REASSEMBLY_OVERLAP,
    REASSEMBLY_DUPLICATE,
    REASSEMBLY_LIMIT,
    REASSEMBLY_ECN,
    REASSEMBLY_MEMORY
};

struct reassembled {
    uint8_t *packet;
    size_t len;
    size_t head; /* bytes of it that are headers */
    size_t next_at;
    uint8_t ecn;
    uint8_t protocol; /* of the first piece */
    uint64_t full;    /* datagrams that gave way, for want of room */
    uint64_t source_full;
};

void reassembly_init(struct reassembly *t);
void reassembly_deinit(struct reassembly *t);

/* out->full and source_full are set in any case. */
enum reassembly_result reassembly_add(struct reassembly *t, const struct fragment *f, uint64_t now,
                                      struct reassembled *out);

/* One whose time is over is taken out: its head and what follows of its first piece, in the
 * caller's bytes; *len is 0 where the first piece never came. False: there is none. */
bool reassembly_expire(struct reassembly *t, uint64_t now, uint8_t *into, size_t max, size_t *len);

/* WAIT_FOREVER: nothing waits. */
uint64_t reassembly_deadline(const struct reassembly *t);

#endif
