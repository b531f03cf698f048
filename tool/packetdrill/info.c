/*
 * TCP_INFO: the condition of a connection as Linux tells it (in segments and microseconds), made of
 * what lib/tcp tells (in bytes and nanoseconds).
 */
#include <errno.h>

#include "lib/tcp/info.h"
#include "tool/packetdrill/door.h"

/* As in linux/tcp.h, which cannot be had beside lib/tcp/info.h: both call it tcp_info. */
struct linux_info {
    uint8_t state, phase, retransmits, probes, backoff, options;
    uint8_t scales; /* the sender's in the low half */
    uint8_t flags;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space;
    uint32_t total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
};

enum { LINUX_STAMPS = 1, LINUX_SACK = 2, LINUX_SCALED = 4, LINUX_ECN = 8 };

static uint8_t linux_state(const struct socket *s, enum tcp_state state)
{
    static const uint8_t names[TCP_STATES] = {
        [TCP_CLOSED] = 7,      [TCP_LISTEN] = 10,    [TCP_SYN_SENT] = 2,   [TCP_SYN_RECEIVED] = 3,
        [TCP_ESTABLISHED] = 1, [TCP_FIN_WAIT_1] = 4, [TCP_FIN_WAIT_2] = 5, [TCP_CLOSE_WAIT] = 8,
        [TCP_CLOSING] = 11,    [TCP_LAST_ACK] = 9,   [TCP_TIME_WAIT] = 6};
    if (s->kind == SOCKET_LISTENS)
        return names[TCP_LISTEN];
    if (s->kind == SOCKET_CONNECTS)
        return names[TCP_SYN_SENT];
    return s->flow ? names[state] : names[TCP_CLOSED];
}

static uint8_t linux_phase(const struct tcp_info *i)
{
    static const uint8_t names[] = {
        [RECOVERY_OPEN] = 0, [RECOVERY_REDUCED] = 2, [RECOVERY_LOST] = 3, [RECOVERY_TIMED] = 4};
    return i->phase == RECOVERY_OPEN && i->sacked ? 1 : names[i->phase];
}

static uint32_t segments(uint64_t bytes, uint32_t mss)
{
    return mss ? (uint32_t)((bytes + mss - 1) / mss) : 0;
}

static uint32_t us(uint64_t ns)
{
    return ns == UINT64_MAX ? UINT32_MAX : (uint32_t)(ns / CLOCK_US);
}

static uint8_t options_of(const struct tcp_info *i)
{
    return (uint8_t)((i->stamps ? LINUX_STAMPS : 0) | (i->sack ? LINUX_SACK : 0) |
                     (i->scaled ? LINUX_SCALED : 0) | (i->ecn ? LINUX_ECN : 0));
}

static struct linux_info translate(const struct socket *s, const struct tcp_info *i)
{
    uint32_t mss = i->send_mss;
    return (struct linux_info){
        .state = linux_state(s, i->state),
        .phase = linux_phase(i),
        .retransmits = i->backoff,
        .backoff = i->backoff,
        .probes = i->probes,
        .options = options_of(i),
        .scales = (uint8_t)((i->send_scale & 15) | (i->receive_scale & 15) << 4),
        .rto = us(i->timeout),
        .snd_mss = mss,
        .rcv_mss = i->receive_mss,
        .unacked = segments(i->outstanding, mss),
        .sacked = segments(i->sacked, mss),
        .lost = segments(i->lost, mss),
        .pmtu = i->path_mtu,
        .rtt = us(i->smoothed),
        .rttvar = us(i->variation),
        .min_rtt = us(i->minimum),
        .rcv_rtt = us(i->receive_rtt),
        .snd_ssthresh = i->threshold >= INT32_MAX ? INT32_MAX : segments(i->threshold, mss),
        .snd_cwnd = mss ? i->window / mss : 0,
        .advmss = i->advertised_mss,
        .total_retrans = i->resent,
        .bytes_acked = i->acknowledged,
        .bytes_received = i->received,
        .notsent_bytes = (uint32_t)i->unsent,
        .rcv_space = i->receive_window,
        .snd_wnd = i->peer_window,
        .reordering = 3,
    };
}

static struct tcp_info ask(const struct socket *s)
{
    struct tcp_info i = {.state = TCP_CLOSED};
    if (s->flow)
        tcp_info(s->flow, &i);
    return i;
}

int info_fill(const struct socket *s, void *value, socklen_t *length)
{
    struct tcp_info i = ask(s);
    struct linux_info l = translate(s, &i);
    socklen_t size = *length < sizeof l ? *length : (socklen_t)sizeof l;
    memcpy(value, &l, size);
    *length = size;
    return 0;
}

uint32_t info_mss(const struct socket *s)
{
    return s->flow ? ask(s).send_mss : 536;
}

uint32_t info_path_mtu(const struct socket *s)
{
    return ask(s).path_mtu;
}

uint32_t info_readable(const struct socket *s)
{
    return ask(s).ready;
}

uint64_t info_unsent(const struct socket *s)
{
    return ask(s).unsent;
}
