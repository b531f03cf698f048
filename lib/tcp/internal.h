/*
 * What the files of TCP share; private to this room.
 *
 *     input.c  -- segments are checked -->  handshake.c   not yet established
 *                                           ack.c         what the peer acknowledges
 *                                           receive.c     what it sends
 *     work.c   -- what is to be done --->   output.c      what we send
 *     timers.c -- what time demands
 *     flow.c   what owners ask for          connection.c  life and death
 *     listen.c, half.c  listeners and half-open connections
 *     packet.c  one packet                  reply.c       answers without a connection
 *
 * What an owner asks for is only noted, and the connection is put on the agenda. tcp_flush works that
 * off: it hands on what waits, sends, sets the timer; connections are freed there and nowhere else.
 * So a handler may do whatever it likes with its flow.
 */
#ifndef LIB_TCP_INTERNAL_H
#define LIB_TCP_INTERNAL_H

#include "lib/tcp/assembly.h"
#include "lib/tcp/info.h"
#include "lib/tcp/isn.h"
#include "lib/tcp/limit.h"
#include "lib/tcp/ports.h"
#include "lib/tcp/probe.h"
#include "lib/tcp/queue.h"
#include "lib/tcp/recovery.h"
#include "lib/tcp/segment.h"
#include "lib/tcp/table.h"
#include "lib/tcp/timewait.h"
#include "lib/tcp/tune.h"
#include "lib/tcp/wheel.h"

#define TCP_MSS_DEFAULT_V4    536u /* of a peer that names none (RFC 9293, 3.7.1) */
#define TCP_MSS_DEFAULT_V6    1220u
#define TCP_MSS_MIN           88u /* less is not believed: headers would cost more than data */
#define TCP_PACKET_MAX        65535u
#define TCP_PARTS_MAX         72u /* of the payload of one arrival */
#define TCP_DELAYED_ACK       (40 * CLOCK_MS)
#define TCP_BATCH_MAX         8u  /* segments of one turn of the loop for one acknowledgement */
#define TCP_APART_MAX         3u  /* segments after a gap that are acknowledged each by itself */
#define TCP_QUICK_ACKS        64u /* full ones, at the start and after a gap, acknowledged each */
#define TCP_RETRY_FIRST       (1 * CLOCK_SEC)  /* of a SYN (RFC 6298, 2.1); doubles */
#define TCP_SYN_ACK_TRIES     5u               /* then a half-open connection is given up */
#define TCP_PERSIST_MAX       (60 * CLOCK_SEC) /* between two probes of a zero window */
#define TCP_PERSIST_MIN       (200 * CLOCK_MS)
#define TCP_RESETS_RATE       250u             /* a second, of the instance */
#define TCP_CHALLENGES_RATE   1000u            /* the same */
#define TCP_ANSWER_GAP        (500 * CLOCK_MS) /* between two answers to what is out of the window */
#define TCP_STAMP_LIFE        (24u * 24 * 3600 * 1000) /* ms: older is not compared (RFC 7323, 5.5) */
#define TCP_REST              (1 * CLOCK_SEC)          /* idle: then memory is given back */
#define TCP_EARLY_WHEN_SCARCE 65536u /* bytes of early data that a connection may keep then */
#define TCP_LIMBO_POLL        (10 * CLOCK_MS) /* while the card holds what was acknowledged */

/* Deadlines of a connection, beside those of recovery.h. */
enum tcp_due {
    DUE_ACK,      /* the delayed acknowledgement */
    DUE_WINDOW,   /* the peer's window is too small: probe it */
    DUE_KEEP,     /* keep-alive */
    DUE_PATIENCE, /* SYN-SENT, SYN-RECEIVED: try again. FIN-WAIT-2: the end of our patience */
    DUE_CORK,
    DUE_REST, /* idle for long enough to give memory back */
    TCP_DUES
};

struct tcp_connection {
    struct tcp_entry entry; /* first: found by it */
    struct flow flow;
    struct tcp *tcp;
    struct tcp_connection *next_work; /* on the agenda */
    struct tcp_timer timer;           /* runs to the earliest deadline, or to an earlier time */
    uint64_t due[TCP_DUES];           /* UINT64_MAX: not */
    uint64_t progress_at;     /* una moved, or something was sent while nothing was outstanding */
    uint64_t heard_at;        /* an acceptable segment arrived */
    struct recovery recovery; /* holds SND.UNA and SND.NXT */
    struct assembly assembly; /* holds RCV.NXT, but for a FIN */
    struct tune tune;
    struct probe probe;
    struct tcp_queue out; /* its beginning is SND.UNA */
    union {
        connect_fn *answer; /* while `connecting`; flow.owner is whom to tell */
        uint64_t received;  /* bytes that the owner has taken */
    };
    uint32_t peer_window, peer_window_max; /* SND.WND */
    seq_t window_seq, window_ack;          /* SND.WL1, SND.WL2 */
    seq_t edge;                            /* end of the window that we have promised */
    seq_t last_ack;                        /* in the last segment that we sent */
    seq_t peer_end;                        /* number of the peer's FIN, where it is known */
    uint32_t stamp_offset;
    uint32_t stamp;     /* TS.Recent */
    uint32_t stamp_at;  /* ms: when it was set */
    uint32_t answer_at; /* ms: of the last answer to what was out of the window */
    uint32_t discarded; /* bytes that came after flow_close */
    uint32_t user_timeout, keep_idle, keep_interval; /* ms; 0: the default, off */
    uint16_t mss;                                    /* payload of a full segment */
    uint16_t peer_mss;                               /* as it said, or the default */
    uint16_t offered_mss;                            /* as we said */
    uint16_t receive_mss;                            /* largest segment received */
    uint8_t state;
    uint8_t scale, peer_scale; /* shifts */
    uint8_t probes;            /* sent and not answered: keep-alive, zero window */
    uint8_t tries;             /* of SYNs, or of probes of one zero window */
    uint8_t keep_probes;
    uint8_t quick;      /* segments still to be acknowledged one by one */
    uint8_t batch;      /* segments since our last one that ask for an acknowledgement */
    uint8_t apart;      /* acknowledged each by itself since RCV.NXT moved */
    uint8_t ended;      /* enum err: the stream is over, and why */
    uint8_t soft;       /* enum err: what ICMP said last */
    bool scheduled : 1; /* on the agenda */
    bool in_table : 1;
    bool connecting : 1; /* by tcp_connect, which was not answered yet */
    bool closed : 1;     /* by the owner: no handler is called */
    bool aborted : 1;
    bool finished : 1; /* by the owner: no more is written */
    bool told : 1;     /* on_end */
    bool paused : 1;
    bool wants_room : 1;
    bool eof_told : 1;
    bool stamps : 1, scaled : 1, ecn : 1;
    bool ecn_echo : 1; /* say ECE until the peer says CWR */
    bool fin_sent : 1;
    bool fin_received : 1; /* all before it was, too */
    bool fin_known : 1;    /* peer_end is set */
    bool ack_now : 1, ack_later : 1;
    bool corked : 1, nagle : 1;
    bool push_small : 1; /* the override timer has fired: do not wait for a full segment */
    bool probe_window : 1, probe_keep : 1, probe_loss : 1; /* send one */
    bool orphan : 1;                                       /* counted as one */
    bool lost_address : 1;                                 /* it is no longer ours */
};

/* A half-open connection: a SYN came, and was answered (SYN-RECEIVED). */
struct tcp_half {
    struct tcp_entry entry;
    struct list link; /* of its listener */
    struct tcp_listener *listener;
    struct tcp_timer timer;
    uint64_t sent_at;
    seq_t first, peer_first; /* ISS, IRS */
    uint32_t stamp;          /* the peer's */
    uint16_t window, mss, offered_mss;
    uint8_t scale; /* the peer's, + 1; 0: no scaling */
    uint8_t tries;
    bool stamps, sack, ecn;
};

struct tcp_listener {
    struct tcp_listener *next; /* of the same bucket */
    struct tcp *tcp;
    struct endpoint local;
    accept_fn *accept;
    void *owner;
    struct list halves;
};

#define TCP_LISTENER_BUCKETS 64u

struct tcp {
    struct tcp_below below;
    void *arg;
    struct tcp_limits limits;
    uint32_t offloads;
    uint32_t orphans, listener_count;
    uint64_t now; /* of the present call */
    struct tcp_table table;
    struct pool connections, halves, assembly;
    struct tcp_chunks chunks;
    struct tcp_waits waits;
    struct tcp_secrets secrets;
    struct tcp_ports ports;
    struct tcp_limit resets, challenges;
    uint64_t cookies_until; /* none that we made is good later */
    struct tcp_connection *agenda, **agenda_end;
    bool awake;   /* told that there is work */
    bool working; /* in tcp_flush */
    bool blocked; /* the card is full */
    struct tcp_listener *listeners[TCP_LISTENER_BUCKETS];
    uint64_t counters[TCP_COUNTERS];
    uint64_t transitions[TCP_STATES][TCP_STATES];
    struct recovery_counters recovery_counters;
    struct tcp_wheel wheel;
};

/* --- small questions --- */

static inline struct tcp_connection *tcp_connection_of(const struct flow *f)
{
    return (struct tcp_connection *)(uintptr_t)((const char *)f -
                                                offsetof(struct tcp_connection, flow));
}

static inline void tcp_count(struct tcp *t, enum tcp_counter which)
{
    t->counters[which]++;
}

static inline seq_t tcp_una(const struct tcp_connection *c)
{
    return c->recovery.sent.una;
}

static inline seq_t tcp_next(const struct tcp_connection *c)
{
    return c->recovery.sent.next;
}

/* RCV.NXT. */
static inline seq_t tcp_receive_next(const struct tcp_connection *c)
{
    return c->assembly.next + c->fin_received;
}

/* Bytes that were never sent. */
static inline size_t tcp_unsent(const struct tcp_connection *c)
{
    size_t sent = tcp_next(c) - tcp_una(c);
    return c->fin_sent ? 0 : tcp_queue_bytes(&c->out) - sent;
}

/* The next acknowledgement reports a duplicate. */
static inline bool tcp_reports(const struct tcp_connection *c)
{
    return c->recovery.sack && seq_length(c->assembly.duplicate) > 0;
}

static inline uint32_t tcp_ms(uint64_t now)
{
    return (uint32_t)(now / CLOCK_MS);
}

static inline uint64_t tcp_user_timeout_of(const struct tcp_connection *c)
{
    uint64_t own = c->user_timeout ? c->user_timeout * CLOCK_MS : TCP_USER_TIMEOUT_NS;
    return c->closed && own > TCP_CLOSE_NS ? TCP_CLOSE_NS : own;
}

/* More than an idle connection needs. */
static inline bool tcp_holds_memory(const struct tcp_connection *c)
{
    return c->recovery.sent.room || c->recovery.sent.resent_room || c->assembly.chunk_room ||
           c->assembly.island_room;
}

static inline bool tcp_synchronized(const struct tcp_connection *c)
{
    return c->state >= TCP_ESTABLISHED;
}

/* --- flow.c --- */

extern const struct flow_ops tcp_flow_ops;

/* --- tcp.c --- */

uint32_t tcp_random(struct tcp *t);
uint64_t tcp_memory_used(const struct tcp *t);
bool tcp_scarce(const struct tcp *t); /* three quarters of the memory are in use */
bool tcp_spent(const struct tcp *t);  /* all of it */

/* --- connection.c --- */

/* What a handshake has settled. */
struct tcp_settled {
    seq_t first, peer_first; /* ISS, IRS */
    uint16_t mss;            /* the peer's, 0: not said */
    uint16_t offered_mss;
    uint8_t scale; /* the peer's shift + 1, 0: no scaling */
    bool stamps, sack, ecn;
    uint32_t stamp;
};

/* A connection in the table in state CLOSED, without a flow's owner, or NULL. */
struct tcp_connection *tcp_connection_new(struct tcp *t, const struct tcp_tuple *tuple);
/* Everything that depends on what was settled. */
void tcp_connection_settle(struct tcp_connection *c, const struct tcp_settled *s);
void tcp_set_state(struct tcp_connection *c, enum tcp_state state);
/* The stream is over; tells the owner. Nothing is sent. */
void tcp_end(struct tcp_connection *c, enum err why);
/* The same, and a reset tells the peer. */
void tcp_cut(struct tcp_connection *c, enum err why);
/* Both sides have ended: from now on a tcp_wait stands for it. */
void tcp_enter_time_wait(struct tcp_connection *c);
/* Both sides have ended, and all that was sent has arrived. What its owner did not take yet (it has
 * finished, and not closed) still waits for it. */
void tcp_over(struct tcp_connection *c);
void tcp_free(struct tcp_connection *c);
/* The size of packets has changed. */
void tcp_set_mss(struct tcp_connection *c);
/* Payload of a full segment in packets of that size. */
uint32_t tcp_payload_of(const struct tcp_connection *c, uint32_t packet);
uint32_t tcp_headers(const struct tcp_tuple *tuple); /* of IP and TCP, without options */

/* --- listen.c, half.c --- */

struct tcp_listener *tcp_listener_find(const struct tcp *t, const struct tcp_tuple *tuple);
bool tcp_port_listens(const struct tcp *t, uint16_t port);
uint16_t tcp_offer_mss(struct tcp *t, const struct tcp_tuple *tuple);

void tcp_half_open(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tuple,
                   const struct tcp_segment *s, const struct ip_arrival *a, seq_t first);
void tcp_half_close(struct tcp *t, struct tcp_half *h); /* in silence */
void tcp_half_expire(struct tcp *t, struct tcp_half *h);
/* A segment for it: the connection that it made, or NULL. */
struct tcp_connection *tcp_half_input(struct tcp *t, struct tcp_half *h,
                                      const struct tcp_segment *s);
struct tcp_connection *tcp_cookie_input(struct tcp *t, struct tcp_listener *l,
                                        const struct tcp_tuple *tuple, const struct tcp_segment *s);

/* --- input: all return false where the segment is done with --- */

/* Parts of a payload. */
struct tcp_payload {
    struct slice parts[TCP_PARTS_MAX];
    size_t count;
    seq_t start;
    uint32_t length;
    uint16_t unit; /* of the segments that it was merged of */
    bool marked;   /* congestion was experienced */
};

void tcp_connection_input(struct tcp_connection *c, const struct tcp_segment *s,
                          struct tcp_payload *p);
void tcp_syn_sent_input(struct tcp_connection *c, const struct tcp_segment *s);
bool tcp_syn_received_input(struct tcp_connection *c, const struct tcp_segment *s);
void tcp_wait_input(struct tcp *t, struct tcp_wait *w, const struct tcp_segment *s,
                    const struct ip_arrival *a);
bool tcp_ack_input(struct tcp_connection *c, const struct tcp_segment *s);
void tcp_receive(struct tcp_connection *c, const struct tcp_segment *s, struct tcp_payload *p);
/* Hands on what waits. */
void tcp_deliver(struct tcp_connection *c);
void tcp_established(struct tcp_connection *c);
/* The window to offer now, in bytes; moves the edge. */
uint32_t tcp_receive_window(struct tcp_connection *c);
bool tcp_window_has_grown(const struct tcp_connection *c);

/* --- work.c, timers.c, output.c --- */

void tcp_schedule(struct tcp_connection *c);
void tcp_attend(struct tcp_connection *c);
void tcp_set_timer(struct tcp_connection *c);
void tcp_timer_fired(struct tcp *t, struct tcp_timer *timer);
void tcp_output(struct tcp_connection *c);

/* --- icmp.c --- */

void tcp_path_shrinks(struct tcp_connection *c, uint32_t mtu);

/* --- packet.c --- */

struct tcp_load {
    const struct slice *parts;
    size_t count, length;
    uint16_t unit; /* 0: one segment */
    bool capable;  /* of ECN: ECT(0) */
};

/* Sends a segment; load may be NULL. */
enum err tcp_emit(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s,
                  const struct tcp_load *load);
/* A segment of a connection: acknowledges, offers the window, carries timestamps and SACK. */
enum err tcp_send(struct tcp_connection *c, uint8_t flags, seq_t seq, const struct tcp_load *load);
enum err tcp_send_syn(struct tcp_connection *c);

/* --- reply.c --- */

/* Answers a segment that belongs to nothing. */
void tcp_reply_reset(struct tcp *t, const struct tcp_tuple *tuple, const struct tcp_segment *s);
/* RFC 5961, 7: whether one more may be sent. */
bool tcp_may_challenge(struct tcp *t);
/* Asks the peer of a connection whether it means it. */
void tcp_challenge(struct tcp_connection *c);

#endif
