/*
 * Sent: the record of what is in flight. Which bytes went out when and how often, which arrived
 * (cumulative acknowledgement, RFC 9293 3.10.7.4; selective, RFC 2018), which are taken for lost,
 * and what to send again (RFC 6675's scoreboard).
 *
 * An entry is one hand-over to the card: up to SENT_UNITS_MAX segments of one size (the last may be
 * shorter), each a bit in four sets: done, lost, again, repeated. Entries stand in a ring in the
 * order of the stream, which is that of their first sending; a second ring holds the
 * retransmissions in the order of their time. So a segment is found by bisection, a whole
 * super-segment is acknowledged in one step, the oldest sendings stand in front of the rings, and
 * nothing is ever split. Selective acknowledgements count for whole segments only.
 *
 * In flight (RFC 6675's pipe, in sequence numbers): for each segment not done, its first sending
 * unless lost, and its retransmission unless that is lost as well.
 */
#ifndef LIB_TCP_SENT_H
#define LIB_TCP_SENT_H

#include "lib/tcp/seq.h"
#include "runtime/err.h"

#define SENT_UNITS_MAX 64u /* segments of one entry */
#define SENT_ENTRIES_MAX \
    16384u                 /* hand-overs and retransmissions in flight; beyond, sending waits */
#define SENT_BLOCKS_MAX 4u /* SACK blocks of one segment */

struct sent_entry {
    uint64_t at; /* first sent */
    seq_t start;
    uint32_t length;
    uint16_t unit;   /* sequence numbers of a segment; the last has the rest */
    uint8_t units;   /* 1..SENT_UNITS_MAX */
    uint8_t first;   /* units that were acknowledged cumulatively */
    uint32_t resent; /* number of the latest retransmission of it, where `repeated` is not 0 */
    uint64_t done, lost, again, repeated;
};

struct sent_resent {
    uint64_t at;
    uint64_t units;
    uint32_t entry;    /* number of the entry */
    uint32_t previous; /* number of the retransmission before it of the same entry */
};

struct sent {
    struct sent_entry *entries;  /* ring of `room`, owned */
    struct sent_resent *resents; /* ring of `resent_room`, owned */
    uint32_t room, head, count;  /* head: number of the first; entry n is at n & (room - 1) */
    uint32_t resent_room, resent_head, resent_count;
    seq_t una;          /* the oldest that is not acknowledged */
    seq_t next;         /* what is sent next */
    seq_t highest;      /* end of the highest segment that is done */
    uint32_t in_flight; /* sequence numbers: the pipe */
    uint32_t sacked;    /* done above una */
    uint32_t lost;      /* lost and not done, with those that are under way again */
    uint32_t waiting;   /* lost, and not under way again */
    uint32_t lost_from; /* number of an entry: none before it has any waiting */
    uint32_t
        rack_from; /* number of an entry: none before it has any that is neither done nor lost */
    struct seq_range seen[SENT_BLOCKS_MAX]; /* blocks of the last acknowledgement */
    uint64_t refused; /* counter: sendings that met SENT_ENTRIES_MAX, or no memory */
};

/* What an acknowledgement says. */
struct sent_report {
    seq_t ack; /* una at least, next at most: checked by the caller */
    struct seq_range blocks[SENT_BLOCKS_MAX]; /* as they came: checked here */
    uint8_t count;
    /* The first ns that the echoed timestamp cannot stand for: what was sent at or after it is not
     * what this acknowledges (RFC 3522). UINT64_MAX: no timestamps. */
    uint64_t echo_end;
    uint64_t
        rtt_minimum; /* an answer sooner than that is not to the last sending (RFC 8985, 6.2) */
};

/* What it meant. */
struct sent_news {
    uint32_t acked;      /* sequence numbers that una moved on */
    uint32_t delivered;  /* sequence numbers newly known to have arrived: PRR's DeliveredData */
    uint32_t sacked;     /* of them, by SACK blocks */
    uint32_t unit;       /* the largest segment among them */
    bool repeated;       /* some of what una passed had been sent again */
    bool duplicate;      /* D-SACK (RFC 2883): something arrived twice */
    bool reordered;      /* a segment arrived late, after ones behind it, and was sent once only */
    bool spurious;       /* an answer to the first sending of what was sent again (RFC 3522) */
    bool reneged;        /* the receiver took back what it had reported (RFC 2018, 8) */
    uint32_t duplicates; /* segments that arrived twice, by D-SACK's range */
    struct seq_range duplicate_range;
    /* The youngest sending known to have arrived: RACK's (RFC 8985, 6.2). `at` 0: none. */
    uint64_t at;
    seq_t end;
    bool at_again; /* it was a retransmission */
    /* Sending time of the oldest and the youngest segment that was delivered, of those sent once.
     * 0: none. */
    uint64_t oldest_once, youngest_once;
};

void sent_init(struct sent *s, seq_t first);
void sent_deinit(struct sent *s); /* also one that was zeroed only */

/* Gives memory back, where nothing is in flight. */
void sent_shrink(struct sent *s);

/* `length` sequence numbers from next went out, in segments of `unit` (a SYN or FIN counts one).
 * ERR_FULL, ERR_MEMORY: they must not be sent now. ERR_LIMIT: more than SENT_UNITS_MAX segments.
 * Ask before sending with sent_may. */
enum err sent_append(struct sent *s, uint32_t length, uint16_t unit, uint64_t now);

/* Makes room for one more entry and one more retransmission: then neither append nor resent fails. */
bool sent_may(struct sent *s);

/* Takes in an acknowledgement. Costs in proportion to what it newly acknowledges, and for hostile
 * blocks no more than the number of entries. */
void sent_acknowledge(struct sent *s, const struct sent_report *r, struct sent_news *news);

/* The lowest run of segments of one entry that are lost and not under way again, at most max
 * sequence numbers but one segment at least. False: there is none. */
bool sent_waiting(struct sent *s, uint32_t max, struct seq_range *range);

/* The last segment in flight that is not done: for a loss probe. False: there is none. */
bool sent_last(const struct sent *s, struct seq_range *range);

/* The range, as one of the above gave it or a shorter one of whole segments, went out again. */
void sent_again(struct sent *s, struct seq_range range, uint64_t now);

/* Takes for lost all that were last sent before a time, in the order (time, end of segment), as
 * rack.h asks: a sending counts as lost when (at, end) < (before, end) and at + wait <= now.
 * Returns the earliest time at which the oldest sending of the others that came before would be lost,
 * or UINT64_MAX; counts newly lost sequence numbers into *lost. */
uint64_t sent_overtaken(struct sent *s, uint64_t before, seq_t end, uint64_t wait, uint64_t now,
                        uint32_t *lost);

/* Takes the first segment that is not done for lost (RFC 6582, for peers without SACK). */
uint32_t sent_first_lost(struct sent *s);

/* A timeout: all that is not done is lost. `forget`: what SACK reported is forgotten as well. */
void sent_all_lost(struct sent *s, bool forget);

/* Takes the losses back (they were none): nothing is lost, nothing waits. */
void sent_none_lost(struct sent *s);

/* When the oldest that is in flight was last sent; 0: nothing is. */
uint64_t sent_oldest(const struct sent *s);

static inline uint32_t sent_outstanding(const struct sent *s)
{
    return s->next - s->una;
}

#endif
