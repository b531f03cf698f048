/*
 * Recovery: the sender's control loop of one connection. It is told what was sent and what was
 * acknowledged, and says how much may be sent, what is to be sent again, and when to act if nothing
 * is heard. It composes sent.h, rtt.h, rack.h, prr.h, cubic.h and hystart.h; nothing else knows
 * them. No bytes pass through here, only ranges of sequence numbers.
 *
 * How the owner drives it:
 *
 *     new data goes out          recovery_room, then recovery_sent
 *     an acknowledgement         recovery_acknowledged, then output
 *     output                     while recovery_room > 0: recovery_next gives a range -> send it,
 *                                recovery_resent; else new data
 *     recovery_deadline passes   recovery_expired, and do what it answers, then output
 *
 * Undoing of needless reductions: by echoed timestamps (Eifel, RFC 3522 and 4015), by D-SACKs for
 * everything that was sent again (RFC 3708), by the first answers after a timeout (F-RTO, RFC 5682).
 */
#ifndef LIB_TCP_RECOVERY_H
#define LIB_TCP_RECOVERY_H

#include "lib/tcp/cubic.h"
#include "lib/tcp/hystart.h"
#include "lib/tcp/prr.h"
#include "lib/tcp/rack.h"

#define RECOVERY_DUPLICATES 3u /* acknowledgements that mean a loss where there is no SACK */

enum recovery_phase {
    RECOVERY_OPEN,    /* nothing wrong */
    RECOVERY_REDUCED, /* a mark of congestion (RFC 3168): the window is shrinking */
    RECOVERY_LOST,    /* fast recovery: losses were found, they are repaired */
    RECOVERY_TIMED    /* a timeout: all was taken for lost, slow start */
};

/* Shared by all connections of an instance; each says how often. */
struct recovery_counters {
    uint64_t recoveries;        /* fast recoveries begun */
    uint64_t timeouts;          /* retransmission timeouts */
    uint64_t probes;            /* tail loss probes */
    uint64_t probe_repairs;     /* losses that a probe repaired */
    uint64_t retransmitted;     /* segments sent again */
    uint64_t undone_echo;       /* reductions taken back by timestamps */
    uint64_t undone_duplicates; /* by D-SACKs */
    uint64_t undone_first;      /* by F-RTO */
    uint64_t reneged;           /* receivers that took back what they had reported */
    uint64_t duplicates;        /* D-SACKs heard */
    uint64_t marks;             /* reductions for ECN */
    uint64_t full;              /* sendings refused for sent.h's limits */
};

struct recovery_options {
    uint32_t mss; /* payload bytes of a full segment, options taken off */
    bool sack;
    bool timestamps;
    bool ecn;
};

struct recovery {
    struct sent sent;
    struct rtt rtt;
    struct rack rack;
    struct prr prr;
    struct cubic cubic;
    struct hystart hystart;
    struct recovery_counters *counters;
    uint64_t reorder_at;  /* when RACK is to look again; UINT64_MAX: not */
    uint64_t probe_at;    /* tail loss probe; UINT64_MAX: not */
    uint64_t timeout_at;  /* retransmission timeout; UINT64_MAX: nothing is in flight */
    uint64_t sent_at;     /* when anything was sent last */
    uint64_t trouble_at;  /* first retransmission of this recovery; 0: none */
    seq_t high;           /* the phase ends when this is acknowledged: RecoveryPoint */
    seq_t limited_end;    /* round in which the use of the window is noted */
    seq_t mark_end;       /* no second reduction for ECN before this is acknowledged */
    uint32_t flight_peak; /* most in flight in this round */
    uint32_t again;       /* segments sent again since the reduction, less those proved needless */
    uint32_t duplicates;  /* without SACK: duplicate acknowledgements in a row */
    uint32_t resent;      /* segments sent again, in all */
    struct seq_range path_probe; /* see recovery_path_probe; empty: none */
    uint8_t phase;
    uint8_t frto;     /* step of RFC 5682; 0: not in it */
    uint8_t timeouts; /* in a row */
    bool sack, timestamps, ecn;
    bool limited; /* the window was used up in this round */
    bool undoable;
    bool reduced_mark; /* say CWR with the next new data */
    bool path_probe_lost;
};

/* first: the number after the SYN. No memory is taken before something is sent. */
void recovery_init(struct recovery *r, const struct recovery_options *o, seq_t first,
                   struct recovery_counters *counters);
void recovery_deinit(struct recovery *r); /* also one that was zeroed only */

/* Gives memory back that an idle connection does not need. */
void recovery_idle(struct recovery *r);

/* The path takes other segments from now on. */
void recovery_set_mss(struct recovery *r, uint32_t mss);

/* --- output --- */

/* How many bytes may go out now, new or again, as far as congestion is concerned. Less than mss where
 * it is not 0: a whole segment may go. */
uint32_t recovery_room(struct recovery *r, uint64_t now);

/* The range to be sent next of those that are lost, at most `max` bytes but one segment at least; its
 * segments are of one size. False: nothing is to be sent again. The range may hold the number of a FIN
 * (or SYN) at its end. */
bool recovery_next(struct recovery *r, uint32_t max, struct seq_range *range);

/* That range, or the start of it (whole segments), was handed to the card. */
void recovery_resent(struct recovery *r, struct seq_range range, uint64_t now);

/* Whether anything can be noted as sent: false where sent.h's limits are met or memory is short. Ask
 * before each hand-over, of new data or old. */
bool recovery_ready(struct recovery *r);

/* `length` numbers of new data in segments of `unit` were handed to the card: at most SENT_UNITS_MAX
 * of them. */
void recovery_sent(struct recovery *r, uint32_t length, uint32_t unit, uint64_t now);

/* Whether the next segment with new data says CWR (RFC 3168, 6.1.2); asking clears it. */
bool recovery_says_reduced(struct recovery *r);

/* --- input --- */

struct recovery_input {
    struct sent_report report; /* rtt_minimum need not be set */
    uint64_t echo_rtt;         /* measured by an echoed timestamp (RFC 7323, 4.1); 0: none */
    bool duplicate;  /* as RFC 5681, 2, defines it: no data, window as it was, data outstanding */
    bool congestion; /* ECE is set (on a connection that does ECN) */
};

/* An acceptable acknowledgement: una <= ack <= next. */
void recovery_acknowledged(struct recovery *r, const struct recovery_input *in, uint64_t now,
                           struct sent_news *news);

/* A SYN of the handshake was answered: the first sample. again: it had been sent more than once, so
 * that there is no sample, and the window begins with one segment (RFC 6298, 5.7; RFC 5681, 3.1). */
void recovery_established(struct recovery *r, uint64_t rtt, bool again, uint64_t now);

/* --- time --- */

enum recovery_action {
    RECOVERY_WAIT,   /* nothing yet */
    RECOVERY_OUTPUT, /* something is lost: send as usual */
    RECOVERY_PROBE, /* send one segment at once, whatever recovery_room says: a new one where there is
                      * one that the peer's window takes, else recovery_probe's; then recovery_probed */
    RECOVERY_TIMEOUT /* the retransmission timeout has passed (r->timeouts in a row): send as usual */
};

/* When recovery_expired is to be called; UINT64_MAX: no need. */
uint64_t recovery_deadline(const struct recovery *r);
enum recovery_action recovery_expired(struct recovery *r, uint64_t now);

/* The segment to send again as a probe; noted with recovery_resent. */
bool recovery_probe(const struct recovery *r, struct seq_range *range);
/* After the probe was noted (recovery_sent or recovery_resent); again: the latter. */
void recovery_probed(struct recovery *r, bool again, uint64_t now);

/* The range is a probe for a larger path MTU (probe.h): its loss alone is no sign of congestion
 * (RFC 4821, 7.5). It is sent again as any other; recovery_path_probe_lost tells, once. */
void recovery_path_probe(struct recovery *r, struct seq_range range);
bool recovery_path_probe_lost(struct recovery *r);

/* The path was found to take less (ICMP, RFC 1191; the probe of probe.h): segments in flight that are
 * longer than mss are lost, without congestion. Call after recovery_set_mss. */
void recovery_too_big(struct recovery *r);

#endif
