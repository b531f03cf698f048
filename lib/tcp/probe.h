/*
 * Path MTU, by a connection's own packets (RFC 4821), together with what ICMP says (RFC 1191,
 * 8201).
 *
 * A connection starts with what IP knows of the path. When full-size packets are lost time after
 * time while nobody complains (a black hole), it goes down by itself; after PROBE_AGAIN it searches
 * upwards with single segments, as far as the link goes. Sizes are those of whole IP packets.
 */
#ifndef LIB_TCP_PROBE_H
#define LIB_TCP_PROBE_H

#include "lib/tcp/seq.h"
#include "signatures/clock.h"

#define PROBE_AGAIN           (600 * CLOCK_SEC) /* RFC 4821, 7.7 */
#define PROBE_PAUSE           (1 * CLOCK_SEC)   /* between the probes of one search */
#define PROBE_TIMEOUTS        3u                /* in a row, of full-size packets: a black hole */
#define PROBE_TIMEOUTS_PASSED 6u  /* ... where packets of this size have passed before */
#define PROBE_STEP            16u /* less is not worth a probe */
#define PROBE_FAILURES        3u  /* losses of one size, until it is too large */
#define PROBE_FLOOR_V4        576u
#define PROBE_FLOOR_V6        1280u
#define PROBE_BLACK_HOLE      1024u /* first size to try in one (RFC 4821, 7.2: base MTU) */

struct probe {
    uint64_t search_at; /* when to probe next; UINT64_MAX: the link's size is reached */
    uint32_t size;      /* in use */
    uint32_t above;     /* smallest that is known not to pass, or one more than the link takes */
    uint32_t link;      /* the most that our link takes */
    uint32_t floor;
    uint32_t trying;         /* size of the probe under way; 0: none */
    struct seq_range flight; /* its numbers */
    uint8_t failures;        /* of this size */
    uint8_t timeouts;        /* in a row */
    bool passed;             /* packets of the size in use were acknowledged */
};

/* path: what IP knows; link: its interface. */
void probe_init(struct probe *p, uint32_t path, uint32_t link, bool v6, uint64_t now);

/* ICMP says so. True: the size in use has shrunk. */
bool probe_complained(struct probe *p, uint32_t mtu, uint64_t now);

/* The size of a packet to try now, larger than p->size; 0: none. The caller sends one such segment
 * where it has the data, at least as much again behind it, and the windows permit it. */
uint32_t probe_wanted(const struct probe *p, uint64_t now);
void probe_sent(struct probe *p, uint32_t size, struct seq_range flight);

/* All up to ack arrived. True: the probe was among them, the size in use has grown. Also ends a
 * row of timeouts. */
bool probe_acknowledged(struct probe *p, seq_t ack, uint64_t now);

/* A packet of the size in use was acknowledged: it takes longer to believe in a black hole. */
static inline void probe_passed(struct probe *p)
{
    p->passed = true;
}

/* The probe was lost, while others passed. */
void probe_lost(struct probe *p, uint64_t now);

/* A retransmission timeout; full: the oldest segment in flight is of the size in use. True:
 * taken for a black hole, the size in use has shrunk. */
bool probe_timeout(struct probe *p, bool full, uint64_t now);

#endif
