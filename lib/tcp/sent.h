/*
 * Sent: the record of what is in flight. Which bytes went out when and how often, which arrived
 * (cumulative acknowledgement, RFC 9293 3.10.7.4; selective, RFC 2018), which are taken for lost,
 * and what to send again (RFC 6675's scoreboard).
 *
 * An entry is one hand-over to the card: up to SENT_UNITS_MAX segments of one size (the last may be
 * shorter), each a bit in four sets: done, lost, again, repeated. Entries stand in a ring in the
 * order of the stream, which is that of their first sending; a second ring holds retransmissions in
 * the order of their time. So a segment is found by bisection, a whole super-segment is
 * acknowledged in one step, the oldest sendings stand in front of the rings, and nothing is ever
 * split. Selective acknowledgements count for whole segments only.
 *
 * In flight (RFC 6675's pipe, in sequence numbers): for each segment that is not done, its first
 * sending unless lost, and its retransmission unless that is lost as well.
 */
#ifndef LIB_TCP_SENT_H
#define LIB_TCP_SENT_H

#include "lib/tcp/seq.h"
#include "runtime/err.h"

#define SENT_UNITS_MAX   64u   /* segments of one entry */
#define SENT_ENTRIES_MAX 8192u /* hand-overs in flight, and as many retransmissions */
#define SENT_BLOCKS_MAX  4u    /* SACK blocks of one segment */

struct sent_entry {
    uint64_t at; /* first sent */
    seq_t start;
    uint32_t length;
    uint16_t unit;     /* sequence numbers of a segment; the last has the rest */
    uint8_t units;     /* 1..SENT_UNITS_MAX */
    uint8_t first;     /* units that were acknowledged cumulatively */
    uint32_t resent;   /* number of its latest retransmission, where `repeated` is not 0 */
    uint64_t done;     /* arrived */
    uint64_t lost;     /* not done, and the first sending is lost */
    uint64_t again;    /* not done, and a retransmission is in flight */
    uint64_t repeated; /* sent more than once */
};

struct sent_resent {
    uint64_t at;
    uint64_t units;    /* of them those count that are still `again` */
    uint32_t entry;    /* its number */
    uint32_t previous; /* number of the retransmission before it of that entry; its own: none */
};

struct sent {
    struct sent_entry *entries;  /* ring of `room`, owned: number n is at n & (room - 1) */
    struct sent_resent *resents; /* ring of `resent_room`, owned */
    uint32_t room, head, count;  /* head: number of the first */
    uint32_t resent_room, resent_head, resent_count;
    seq_t una;          /* the oldest that is not acknowledged */
    seq_t next;         /* what is sent next */
    seq_t highest;      /* end of the highest segment that is done */
    uint32_t in_flight; /* sequence numbers: the pipe */
    uint32_t sacked;    /* done above una */
    uint32_t lost;      /* lost, with what is under way again */
    uint32_t waiting;   /* lost, and not under way again */
    uint32_t again;     /* under way again */
    uint32_t lost_from; /* number of an entry: none before it has any waiting */
    uint32_t rack_from; /* number of an entry: before it all were sent again, lost or done */
    uint16_t unit;      /* the latest */
    uint8_t seen_count;
    struct seq_range seen[SENT_BLOCKS_MAX]; /* blocks of the last acknowledgement */
    uint32_t
        refused; /* counter: sendings that met SENT_ENTRIES_MAX, or for which memory was short */
};

/* What an acknowledgement says. */
struct sent_report {
    seq_t ack; /* una at least, next at most: checked by the caller */
    struct seq_range blocks[SENT_BLOCKS_MAX]; /* as they came: checked here */
    uint8_t count;
    /* The first ns that the echoed timestamp cannot stand for: what was sent then or later is not
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
    bool repeated;       /* some of what una newly passed had been sent more than once */
    bool stale;          /* ... and the answer is not to the last sending of it */
    bool original;       /* something arrived that was sent only once */
    bool reordered;      /* ... after something that lies behind it */
    bool reneged;        /* what the receiver had reported is gone (RFC 2018, 8) */
    bool duplicate;      /* D-SACK (RFC 2883): something arrived twice */
    uint32_t duplicates; /* how many segments did */
    struct seq_range duplicate_range;
    seq_t original_at; /* the lowest of what was sent only once (RFC 5682) */
    uint64_t late_at;  /* when the oldest of those reordered was sent */
    /* The youngest sending known to have arrived (RFC 8985, 6.2). `at` 0: none. */
    uint64_t at;
    seq_t end;
    /* When the oldest and the youngest of those that arrived and were sent once had been sent;
     * 0: none, or it cannot be told. */
    uint64_t oldest, youngest;
};

void sent_init(struct sent *s, seq_t first);
void sent_deinit(struct sent *s); /* also one that was zeroed only */

/* Gives memory back, where nothing is in flight. */
void sent_shrink(struct sent *s);

/* Makes room for one entry more: after true, sent_append does not fail for it. */
bool sent_may(struct sent *s);

/* `length` sequence numbers from next went out, in segments of `unit` (a SYN or FIN counts one).
 * ERR_FULL, ERR_MEMORY: they must not be sent now. ERR_LIMIT: more than SENT_UNITS_MAX segments, or
 * none. */
enum err sent_append(struct sent *s, uint32_t length, uint16_t unit, uint64_t now);

/* Takes in an acknowledgement. Costs in proportion to what it newly acknowledges, and for hostile
 * blocks no more than the number of entries. */
void sent_acknowledge(struct sent *s, const struct sent_report *r, uint64_t now,
                      struct sent_news *news);

/* The lowest run of segments of one entry that are lost and not under way again, at most `max`
 * sequence numbers but one segment at least. False: there is none. */
bool sent_waiting(struct sent *s, uint32_t max, struct seq_range *range);

/* The last segment that is not done: for a loss probe. False: there is none. */
bool sent_last(const struct sent *s, struct seq_range *range);

/* The range, as one of the above gave it or fewer of its segments, went out again. Where there
 * is no room to note the time, only a timeout will find it lost. */
void sent_again(struct sent *s, struct seq_range range, uint64_t now);

/* Takes for lost what was last sent before (before, end) in the order of (time, end of segment),
 * and `wait` ago or longer (RFC 8985, 6.2 step 5). Adds sequence numbers newly lost to *lost.
 * Returns when the next of those that were sent before will be, or UINT64_MAX. */
uint64_t sent_overtaken(struct sent *s, uint64_t before, seq_t end, uint64_t wait, uint64_t now,
                        uint32_t *lost);

/* Takes the segment at una for lost, its retransmission too (RFC 6582, for peers without SACK).
 * Returns sequence numbers newly lost. */
uint32_t sent_first_lost(struct sent *s);

/* All segments longer than `unit` are lost. Returns sequence numbers newly lost. */
uint32_t sent_longer_lost(struct sent *s, uint32_t unit);

/* A timeout: all that is not done is lost. `forget`: so is what SACK reported. */
void sent_all_lost(struct sent *s, bool forget);

/* The losses were none: nothing is lost, nothing waits. */
void sent_none_lost(struct sent *s);

/* Whether the segment that holds this number is lost. */
bool sent_is_lost(const struct sent *s, seq_t n);

/* Whether the receiver reported the segment at una, and yet does not acknowledge it: it no
 * longer has what it had (RFC 2018, 8). */
bool sent_reneged(const struct sent *s);

static inline uint32_t sent_outstanding(const struct sent *s)
{
    return s->next - s->una;
}

#endif
