/*
 * Recovery: the sender's control loop of one connection. It is told what was sent and what was
 * acknowledged, and says how much may be sent, what is to be sent again, and when to act if nothing
 * is heard. It composes sent.h, rtt.h, rack.h, prr.h, cubic.h and hystart.h. No bytes pass through
 * here, only ranges of sequence numbers.
 *
 * How the owner drives it:
 *
 *     an acknowledgement         recovery_acknowledged, then output
 *     output                     while recovery_room > 0 and recovery_ready: recovery_next gives a
 *                                range -> send it, recovery_resent; else new data -> recovery_sent
 *     recovery_deadline passes   recovery_expired; do what it answers, then output
 *
 * Reductions that prove needless are taken back: by echoed timestamps (Eifel, RFC 3522 and 4015),
 * by D-SACKs for all that was sent again (RFC 3708), by the first answers after a timeout (F-RTO,
 * RFC 5682).
 */
#ifndef LIB_TCP_RECOVERY_H
#define LIB_TCP_RECOVERY_H

#include "lib/tcp/cubic.h"
#include "lib/tcp/hystart.h"
#include "lib/tcp/prr.h"
#include "lib/tcp/rack.h"

#define RECOVERY_DUPLICATES 3u /* acknowledgements that mean a loss where there is no SACK */

enum recovery_phase {
    RECOVERY_OPEN,    /* nothing is wrong */
    RECOVERY_REDUCED, /* a mark of congestion (RFC 3168): the window is shrinking */
    RECOVERY_LOST,    /* fast recovery: losses were found, they are repaired */
    RECOVERY_TIMED    /* a timeout: all was taken for lost, slow start */
};

/* Shared by all connections of an instance. */
struct recovery_counters {
    uint64_t recoveries;        /* fast recoveries begun */
    uint64_t timeouts;          /* retransmission timeouts */
    uint64_t probes;            /* tail loss probes */
    uint64_t probe_repairs;     /* losses that a probe repaired */
    uint64_t retransmitted;     /* segments sent again */
    uint64_t undone_echo;       /* reductions taken back: by timestamps */
    uint64_t undone_duplicates; /* ... by D-SACKs */
    uint64_t undone_original;   /* ... by F-RTO */
    uint64_t reneged;           /* receivers that took back what they had reported */
    uint64_t duplicates;        /* D-SACKs heard */
    uint64_t marks;             /* reductions for ECN */
    uint64_t full;              /* times when sending had to wait for sent.h's limits, or memory */
};

struct recovery_options {
    uint32_t mss; /* payload bytes of a full segment, options taken off; 1..65535 */
    bool sack;
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
    uint64_t reorder_at; /* when RACK is to look again; UINT64_MAX: not */
    uint64_t probe_at;   /* tail loss probe; UINT64_MAX: not */
    uint64_t timeout_at; /* retransmission timeout; UINT64_MAX: nothing is in flight */
    uint64_t sent_at;    /* when anything was sent last */
    uint64_t trouble_at; /* when the first was sent again since the reduction; 0: none */
    seq_t low;           /* una when the reduction was made */
    seq_t high;          /* the phase ends when this is acknowledged: RecoveryPoint */
    seq_t limited_end;   /* until this is acknowledged, `limited` and `peak` hold */
    uint32_t peak;       /* most in flight, where the window was not used up */
    uint32_t again;      /* segments sent again since the reduction, less those proved needless */
    uint32_t resent;     /* segments sent again, in all */
    uint32_t duplicates; /* without SACK: duplicate acknowledgements in a row */
    struct seq_range path_probe; /* see recovery_path_probe; empty: none */
    uint8_t phase;
    uint8_t frto;     /* where in RFC 5682, 2.1 we are: 0 not in it, 1 first answer, 2 new data */
    uint8_t timeouts; /* in a row, without progress */
    bool sack;
    bool ecn;
    bool limited;  /* the window, not the owner, bounds what is sent */
    bool undoable; /* the last reduction may still prove needless */
    bool say_reduced;
    bool path_probe_lost;
};

/* first: the number after our SYN. No memory is taken before something is sent. */
void recovery_init(struct recovery *r, const struct recovery_options *o, seq_t first,
                   struct recovery_counters *counters);
void recovery_deinit(struct recovery *r); /* also one that was zeroed only */

/* The handshake is done: rtt, its first measurement (0: there is none). again: our SYN had to be
 * sent more than once or twice, so that the window begins with one segment (RFC 5681, 3.1). */
void recovery_established(struct recovery *r, uint64_t rtt, bool again, uint64_t now);

/* Gives memory back that an idle connection does not need. */
void recovery_idle(struct recovery *r);

/* Segments are shorter or longer from now on. */
void recovery_set_mss(struct recovery *r, uint32_t mss);

/* --- output --- */

/* How many bytes may go out now, new or again, as far as congestion is concerned. Less than a
 * segment is good for the short end of the data only. */
uint32_t recovery_room(struct recovery *r, uint64_t now);

/* Whether new data can be noted as sent; false while sent.h's limits are met or memory is short. */
bool recovery_ready(struct recovery *r);

/* The lowest range that is lost and to be sent again, at most `max` bytes but one segment at least
 * (of the size that it was sent in; the owner may cut it smaller). It may end with the number of a
 * FIN. False: nothing is to be sent again now. */
bool recovery_next(struct recovery *r, uint32_t max, struct seq_range *range);

/* That range, or whole segments from its start, was handed to the card. */
void recovery_resent(struct recovery *r, struct seq_range range, uint64_t now);

/* `length` numbers of new data (a FIN counts one) were handed to the card in segments of `unit`, at
 * most SENT_UNITS_MAX of them; recovery_ready was true. */
void recovery_sent(struct recovery *r, uint32_t length, uint16_t unit, uint64_t now);

/* Whether the next segment with new data says CWR (RFC 3168, 6.1.2); asking clears it. */
bool recovery_says_reduced(struct recovery *r);

/* --- input --- */

struct recovery_input {
    struct sent_report report; /* all but rtt_minimum */
    uint64_t echo_rtt;         /* measured by an echoed timestamp (RFC 7323, 4.1); 0: none */
    bool duplicate;  /* as RFC 5681, 2, has it: no data, window as before, something outstanding */
    bool congestion; /* ECE is set, on a connection that does ECN */
    bool fresh;      /* new data waits that the peer's window takes */
};

/* An acceptable acknowledgement: una <= ack <= next. */
void recovery_acknowledged(struct recovery *r, const struct recovery_input *in, uint64_t now,
                           struct sent_news *news);

/* --- time --- */

enum recovery_action {
    RECOVERY_WAIT,   /* nothing yet */
    RECOVERY_OUTPUT, /* something was found lost: output as usual */
    /* One segment goes out at once, whatever recovery_room says: a new one where there is one
     * that the peer's window takes (recovery_sent), else that of recovery_probe
     * (recovery_resent). Then recovery_probed. */
    RECOVERY_PROBE,
    RECOVERY_TIMEOUT /* the retransmission timeout passed, r->timeouts in a row: output as usual */
};

/* When recovery_expired is to be called; UINT64_MAX: no need. */
uint64_t recovery_deadline(const struct recovery *r);
enum recovery_action recovery_expired(struct recovery *r, uint64_t now);

/* The segment to send once more as a probe. False: there is none. */
bool recovery_probe(const struct recovery *r, struct seq_range *range);
/* The probe was noted; again: with recovery_resent. */
void recovery_probed(struct recovery *r, bool again, uint64_t now);

/* --- path MTU (probe.h) --- */

/* The range, one segment just sent, probes for a larger path MTU: its loss alone is no sign of
 * congestion (RFC 4821, 7.5). It is sent again as any other. */
void recovery_path_probe(struct recovery *r, struct seq_range range);
/* It was lost; true once. */
bool recovery_path_probe_lost(struct recovery *r);

/* Segments in flight longer than the present mss do not pass (RFC 1191): they are lost, without
 * congestion. Call after recovery_set_mss, then output. */
void recovery_too_big(struct recovery *r);

#endif
