/* See info.h. */
#include "lib/tcp/internal.h"

static const char *const state_names[TCP_STATES] = {
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
};

static const char *const counter_names[TCP_COUNTERS] = {
    [TCP_RECEIVED] = "received",
    [TCP_RECEIVED_SEGMENTS] = "received_segments",
    [TCP_SENT] = "sent",
    [TCP_SENT_SEGMENTS] = "sent_segments",
    [TCP_SENT_ACKS] = "sent_acks",
    [TCP_SENT_RESETS] = "sent_resets",
    [TCP_ACCEPTED] = "accepted",
    [TCP_CONNECTED] = "connected",
    [TCP_CONNECTS_FAILED] = "connects_failed",
    [TCP_SIMULTANEOUS] = "simultaneous",
    [TCP_ENDED] = "ended",
    [TCP_RESET_BY_PEER] = "reset_by_peer",
    [TCP_RESET_BY_US] = "reset_by_us",
    [TCP_TIMED_OUT] = "timed_out",
    [TCP_SYNS] = "syns",
    [TCP_SYNS_AGAIN] = "syns_again",
    [TCP_SYN_ACKS_AGAIN] = "syn_acks_again",
    [TCP_HALF_OPEN_TIMED_OUT] = "half_open_timed_out",
    [TCP_COOKIES_SENT] = "cookies_sent",
    [TCP_COOKIES_ACCEPTED] = "cookies_accepted",
    [TCP_COOKIES_WRONG] = "cookies_wrong",
    [TCP_TIME_WAITS] = "time_waits",
    [TCP_TIME_WAITS_RECYCLED] = "time_waits_recycled",
    [TCP_TIME_WAITS_SHED] = "time_waits_shed",
    [TCP_DROP_MALFORMED] = "drop_malformed",
    [TCP_DROP_OPTIONS] = "drop_options",
    [TCP_DROP_TO_MANY] = "drop_to_many",
    [TCP_DROP_NO_PORT] = "drop_no_port",
    [TCP_DROP_CONNECTIONS] = "drop_connections",
    [TCP_DROP_MEMORY_SYN] = "drop_memory_syn",
    [TCP_DROP_MEMORY] = "drop_memory",
    [TCP_DROP_ISLANDS] = "drop_islands",
    [TCP_DROP_OLD] = "drop_old",
    [TCP_DROP_WINDOW] = "drop_window",
    [TCP_DROP_TRIMMED] = "drop_trimmed",
    [TCP_DROP_STAMP] = "drop_stamp",
    [TCP_DROP_ACK] = "drop_ack",
    [TCP_DROP_SYN] = "drop_syn",
    [TCP_DROP_RESET] = "drop_reset",
    [TCP_DROP_AFTER_FIN] = "drop_after_fin",
    [TCP_DROP_CLOSED] = "drop_closed",
    [TCP_DROP_HALF_OPEN] = "drop_half_open",
    [TCP_DROP_TIME_WAIT] = "drop_time_wait",
    [TCP_CHALLENGES] = "challenges",
    [TCP_CHALLENGES_LIMITED] = "challenges_limited",
    [TCP_RESETS_LIMITED] = "resets_limited",
    [TCP_ACKS_LIMITED] = "acks_limited",
    [TCP_COMPLAINTS] = "complaints",
    [TCP_COMPLAINTS_STRANGE] = "complaints_strange",
    [TCP_SHRUNK] = "paths_shrunk",
    [TCP_GROWN] = "paths_grown",
    [TCP_ZERO_PROBES] = "zero_probes",
    [TCP_KEEP_PROBES] = "keep_probes",
    [TCP_ORPHANS_SHED] = "orphans_shed",
    [TCP_ORPHANS_TIMED_OUT] = "orphans_timed_out",
    [TCP_WRITES_REFUSED] = "writes_refused",
    [TCP_CONNECTS_REFUSED] = "connects_refused",
    [TCP_CARD_FULL] = "card_full",
    [TCP_UNSENDABLE] = "unsendable",
};

const char *tcp_state_name(enum tcp_state s)
{
    return s < TCP_STATES ? state_names[s] : "?";
}

const char *tcp_counter_name(enum tcp_counter which)
{
    return which < TCP_COUNTERS && counter_names[which] ? counter_names[which] : "?";
}

uint64_t tcp_counter(const struct tcp *t, enum tcp_counter which)
{
    return which < TCP_COUNTERS ? t->counters[which] : 0;
}

const struct recovery_counters *tcp_recovery_counters(const struct tcp *t)
{
    return &t->recovery_counters;
}

uint64_t tcp_transitions(const struct tcp *t, enum tcp_state from, enum tcp_state to)
{
    return from < TCP_STATES && to < TCP_STATES ? t->transitions[from][to] : 0;
}

struct tcp_usage tcp_usage(const struct tcp *t)
{
    return (struct tcp_usage){
        .connections = t->connections.used,
        .half_open = t->halves.used,
        .time_wait = t->waits.alive,
        .orphans = t->orphans,
        .listeners = t->listener_count,
        .memory = tcp_memory_used(t),
    };
}

size_t tcp_connection_size(void)
{
    return sizeof(struct tcp_connection);
}

/* What the sending side knows. */
static void fill_sender(const struct tcp_connection *c, struct tcp_info *into)
{
    const struct recovery *r = &c->recovery;
    into->phase = r->phase;
    into->backoff = r->rtt.backoff;
    into->timeout = rtt_timeout(&r->rtt);
    into->smoothed = r->rtt.smoothed;
    into->variation = r->rtt.variation;
    into->minimum = rtt_minimum(&r->rtt);
    into->window = cubic_window(&r->cubic);
    into->threshold = r->cubic.s.threshold;
    into->in_flight = r->sent.in_flight;
    into->outstanding = sent_outstanding(&r->sent);
    into->sacked = r->sent.sacked;
    into->lost = r->sent.lost;
    into->resent = r->resent;
    into->acknowledged = c->out.begin;
    into->unsent = tcp_unsent(c);
    into->send_mss = c->mss;
    into->path_mtu = c->probe.size;
    into->peer_window = c->peer_window;
}

void tcp_info(const struct flow *f, struct tcp_info *into)
{
    const struct tcp_connection *c = CONTAINER(f, const struct tcp_connection, flow);
    *into = (struct tcp_info){
        .state = c->state,
        .stamps = c->stamps,
        .sack = c->recovery.sack,
        .scaled = c->scaled,
        .ecn = c->ecn,
        .send_scale = c->peer_scale,
        .receive_scale = c->scale,
        .probes = c->probes,
        .receive_rtt = c->tune.rtt,
        .receive_mss = c->receive_mss,
        .advertised_mss = c->offered_mss,
        .received = c->received,
        .receive_window = c->edge - tcp_receive_next(c),
        .ready = assembly_ready_bytes(&c->assembly),
        .assembly = (uint32_t)assembly_bytes(&c->assembly),
    };
    fill_sender(c, into);
}
