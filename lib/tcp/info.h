/*
 * What can be seen of TCP from outside: states, the condition of one connection, and how often
 * anything happened. For status pages, tests, and packetdrill's TCP_INFO.
 */
#ifndef LIB_TCP_INFO_H
#define LIB_TCP_INFO_H

#include "lib/tcp/recovery.h"
#include "lib/tcp/tcp.h"

/* RFC 9293, 3.3.2. */
enum tcp_state {
    TCP_CLOSED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
    TCP_STATES
};

const char *tcp_state_name(enum tcp_state s); /* "SYN-SENT" */

struct tcp_info {
    enum tcp_state state;
    enum recovery_phase phase;
    bool stamps, sack, scaled, ecn; /* agreed on */
    uint8_t send_scale, receive_scale;
    uint8_t backoff;   /* doublings of the retransmission timeout */
    uint8_t probes;    /* unanswered: of a zero window, or of keep-alive */
    uint64_t timeout;  /* ns; so are the next four */
    uint64_t smoothed; /* round trip */
    uint64_t variation;
    uint64_t minimum;
    uint64_t receive_rtt;    /* as the receiver sees it; 0: not known */
    uint32_t send_mss;       /* payload bytes of a full segment, with the options that all have */
    uint32_t receive_mss;    /* the largest that the peer has sent */
    uint32_t advertised_mss; /* as in our SYN */
    uint32_t path_mtu;
    uint32_t window;      /* congestion window, bytes */
    uint32_t threshold;   /* slow start threshold, bytes */
    uint32_t peer_window; /* bytes */
    uint32_t in_flight;   /* bytes, as are the next three */
    uint32_t outstanding; /* sent and not acknowledged */
    uint32_t sacked;
    uint32_t lost;
    uint32_t resent;         /* segments, in all */
    uint64_t acknowledged;   /* bytes of ours that the peer has taken */
    uint64_t received;       /* bytes of the peer's that came in order */
    uint64_t unsent;         /* bytes that wait to be sent */
    uint32_t receive_window; /* bytes that we offer */
    uint32_t ready,
        assembly; /* bytes that wait for the owner; memory of those and of what is early */
};

/* Of a flow that lib/tcp handed out. */
void tcp_info(const struct flow *f, struct tcp_info *into);

/* What is counted: all that passed, and each reason for which something was dropped or refused. */
enum tcp_counter {
    TCP_RECEIVED,          /* packets; a merged one counts once */
    TCP_RECEIVED_SEGMENTS, /* what they were merged of */
    TCP_SENT,              /* packets; one that the card cuts counts once */
    TCP_SENT_SEGMENTS,     /* what it makes of them */
    TCP_SENT_ACKS,         /* without data */
    TCP_SENT_RESETS,

    TCP_ACCEPTED,  /* connections made by others */
    TCP_CONNECTED, /* and by us */
    TCP_CONNECTS_FAILED,
    TCP_SIMULTANEOUS, /* both ends opened at once (RFC 9293, 3.5) */
    TCP_ENDED,        /* in good order */
    TCP_RESET_BY_PEER,
    TCP_RESET_BY_US,
    TCP_TIMED_OUT, /* nothing acknowledged for the user timeout, or keep-alive */

    TCP_SYNS,
    TCP_SYNS_AGAIN, /* of half-open connections */
    TCP_SYN_ACKS_AGAIN,
    TCP_HALF_OPEN_TIMED_OUT,
    TCP_COOKIES_SENT,
    TCP_COOKIES_ACCEPTED,
    TCP_COOKIES_WRONG,
    TCP_TIME_WAITS,
    TCP_TIME_WAITS_RECYCLED, /* for a new connection between the same endpoints (RFC 6191) */
    TCP_TIME_WAITS_SHED,     /* the oldest, for the limit */

    TCP_DROP_MALFORMED, /* shorter than it says, or flags that make no sense */
    TCP_DROP_OPTIONS,
    TCP_DROP_TO_MANY,     /* to a broadcast or multicast address */
    TCP_DROP_NO_PORT,     /* nobody listens there, nothing is known of it */
    TCP_DROP_CONNECTIONS, /* a SYN beyond the limit of connections */
    TCP_DROP_MEMORY_SYN,  /* a SYN while all memory for buffers is in use */
    TCP_DROP_MEMORY,      /* no memory for what arrived */
    TCP_DROP_ISLANDS,     /* more gaps than one connection may have */
    TCP_DROP_OLD,         /* nothing new in it: sent needlessly, or a copy */
    TCP_DROP_WINDOW,      /* outside of the window */
    TCP_DROP_TRIMMED,     /* in part outside of the window */
    TCP_DROP_STAMP,       /* an old timestamp (PAWS, RFC 7323, 5) */
    TCP_DROP_ACK,         /* acknowledges what was never sent (RFC 5961, 5) */
    TCP_DROP_SYN,         /* on a connection that exists (RFC 5961, 4) */
    TCP_DROP_RESET,       /* not at the one number that counts (RFC 5961, 3) */
    TCP_DROP_AFTER_FIN,   /* data behind the end of the stream */
    TCP_DROP_CLOSED,      /* data that came after the owner had closed; it is acknowledged */
    TCP_DROP_HALF_OPEN,   /* not what a handshake waits for */
    TCP_DROP_TIME_WAIT,

    TCP_CHALLENGES,
    TCP_CHALLENGES_LIMITED, /* beyond the rate */
    TCP_RESETS_LIMITED,
    TCP_ACKS_LIMITED,       /* answers to what is outside of the window, beyond the rate */
    TCP_COMPLAINTS,         /* ICMP messages about connections of ours */
    TCP_COMPLAINTS_STRANGE, /* about numbers that are not in flight (RFC 5927, 4), or nothing known */
    TCP_SHRUNK,             /* paths that were found to take less */
    TCP_GROWN,              /* paths that were found to take more (RFC 4821) */
    TCP_ZERO_PROBES,
    TCP_KEEP_PROBES,
    TCP_ORPHANS_SHED,      /* closed connections beyond their number */
    TCP_ORPHANS_TIMED_OUT, /* that made no progress */
    TCP_WRITES_REFUSED,    /* for all memory is in use */
    TCP_CONNECTS_REFUSED,  /* for a limit, or memory */
    TCP_CARD_FULL,         /* times that the card was */
    TCP_UNSENDABLE,        /* packets that IP refused: no way, or too large */

    TCP_COUNTERS
};

/* Short text in the manner of a metric: "drop_old". Never NULL. */
const char *tcp_counter_name(enum tcp_counter which);
uint64_t tcp_counter(const struct tcp *t, enum tcp_counter which);
const struct recovery_counters *tcp_recovery_counters(const struct tcp *t);

/* How often connections went from one state to another. */
uint64_t tcp_transitions(const struct tcp *t, enum tcp_state from, enum tcp_state to);

/* What is in use now. */
struct tcp_usage {
    uint32_t connections, half_open, time_wait, orphans, listeners;
    uint64_t memory; /* of buffers, bytes; bounded by tcp_limits.memory */
};
struct tcp_usage tcp_usage(const struct tcp *t);

/* Bytes of memory of a connection that is idle. */
size_t tcp_connection_size(void);

#endif
