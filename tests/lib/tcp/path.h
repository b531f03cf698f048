/*
 * A path with a bottleneck, a sender of endless data and a receiver, in virtual time: lib/tcp's
 * recovery and assembly, without the machine around them.
 */
#ifndef TESTS_LIB_TCP_PATH_H
#define TESTS_LIB_TCP_PATH_H

#include <stdlib.h>
#include <string.h>

#include "lib/tcp/assembly.h"
#include "lib/tcp/recovery.h"

#define PATH_MSS     1448u
#define PATH_PACKETS 100000u
#define PATH_DELAYED (40 * CLOCK_MS)

struct path_options {
    const char *name;
    uint64_t bytes;
    uint64_t rate;            /* bytes a second */
    uint64_t delay;           /* one way */
    uint64_t jitter;          /* added, evenly spread; packets overtake */
    uint64_t reorder_by;      /* added to those that are reordered */
    uint32_t loss;            /* of 100,000 data packets */
    uint32_t burst;           /* packets lost in a row */
    uint32_t loss_back;       /* of 100,000 acknowledgements */
    uint32_t reorder;         /* of 100,000 */
    uint32_t queue;           /* bytes */
    uint64_t spike_at, spike; /* then all is held up for so long */
    bool no_sack, no_timestamps;
    uint32_t super; /* segments of one hand-over */
    uint64_t seed;
};

struct path_result {
    uint64_t time;
    uint64_t goodput;  /* bytes a second */
    uint64_t needless; /* segments that arrived twice */
    struct recovery_counters counters;
    uint32_t window_peak;
    uint64_t dropped;
    bool done;
};

struct path_packet {
    uint64_t at;
    uint64_t number;
    seq_t start, end; /* data */
    seq_t ack;
    struct seq_range blocks[4];
    uint8_t count;
    uint64_t stamp; /* ms */
    uint64_t echo;
    bool is_ack;
};

struct path {
    struct path_options o;
    struct recovery r;
    struct assembly a;
    struct pool pool;
    struct recovery_counters counters;
    struct path_packet *heap;
    size_t count;
    uint64_t numbers;
    uint64_t now;
    uint64_t random;
    uint64_t link_free;
    uint32_t bursting;
    seq_t end; /* of the data */
    uint64_t delayed_at;
    uint64_t recent_stamp; /* TS.Recent, ms */
    uint32_t unacked;
    struct path_result result;
};

static inline uint64_t path_random(struct path *p)
{
    uint64_t x = p->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    p->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

static inline bool path_chance(struct path *p, uint32_t of_100000)
{
    return path_random(p) % 100000 < of_100000;
}

static inline bool path_earlier(const struct path_packet *a, const struct path_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static inline void path_push(struct path *p, struct path_packet q)
{
    if (p->count == PATH_PACKETS)
        abort();
    q.number = p->numbers++;
    size_t i = p->count++;
    for (; i > 0 && path_earlier(&q, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = q;
}

static inline struct path_packet path_pop(struct path *p)
{
    struct path_packet first = p->heap[0], last = p->heap[--p->count];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c + 1 < p->count && path_earlier(&p->heap[c + 1], &p->heap[c]))
            c++;
        if (c >= p->count || !path_earlier(&p->heap[c], &last))
            break;
        p->heap[i] = p->heap[c];
        i = c;
    }
    p->heap[i] = last;
    return first;
}

/* Into the link: waits for its turn, or is dropped. */
static inline void path_transmit(struct path *p, struct path_packet q)
{
    uint64_t size = q.is_ack ? 66 : q.end - q.start + 66, start = p->now;
    if (!q.is_ack) {
        if (p->link_free > start)
            start = p->link_free;
        if ((start - p->now) * p->o.rate / CLOCK_SEC > p->o.queue) {
            p->result.dropped++;
            return;
        }
        p->link_free = start + size * CLOCK_SEC / p->o.rate;
        start = p->link_free;
    }
    if (!q.is_ack && p->bursting > 0) {
        p->bursting--;
        return;
    }
    if (path_chance(p, q.is_ack ? p->o.loss_back : p->o.loss)) {
        if (!q.is_ack && p->o.burst)
            p->bursting = p->o.burst - 1;
        return;
    }
    q.at = start + p->o.delay;
    if (p->o.jitter)
        q.at += path_random(p) % p->o.jitter;
    if (!q.is_ack && path_chance(p, p->o.reorder))
        q.at += p->o.reorder_by;
    if (p->o.spike && q.at >= p->o.spike_at && q.at < p->o.spike_at + p->o.spike)
        q.at = p->o.spike_at + p->o.spike;
    path_push(p, q);
}

static inline void path_send_range(struct path *p, struct seq_range r)
{
    for (seq_t at = r.start; seq_before(at, r.end);) {
        seq_t end = seq_min(at + PATH_MSS, r.end);
        path_transmit(p, (struct path_packet){.start = at, .end = end, .stamp = p->now / CLOCK_MS});
        at = end;
    }
}

static inline bool path_send_new(struct path *p, uint32_t room)
{
    uint32_t super = p->o.super ? p->o.super : 45, left = p->end - p->r.sent.next;
    if (room < PATH_MSS && left > room)
        return false;
    uint32_t n = room < PATH_MSS ? 1 : room / PATH_MSS < super ? room / PATH_MSS : super;
    uint32_t length = n * PATH_MSS < left ? n * PATH_MSS : left;
    struct seq_range r = {p->r.sent.next, p->r.sent.next + length};
    recovery_sent(&p->r, length, PATH_MSS, p->now);
    path_send_range(p, r);
    return true;
}

static inline void path_output(struct path *p)
{
    for (;;) {
        uint32_t room = recovery_room(&p->r, p->now);
        struct seq_range r;
        if (room == 0 || !recovery_ready(&p->r))
            return;
        if (recovery_next(&p->r, room, &r)) {
            recovery_resent(&p->r, r, p->now);
            path_send_range(p, r);
        } else if (!seq_before(p->r.sent.next, p->end) || !path_send_new(p, room)) {
            return;
        }
    }
}

static inline void path_ack(struct path *p)
{
    struct path_packet q = {.is_ack = true, .ack = p->a.next, .stamp = p->now / CLOCK_MS};
    q.count = (uint8_t)assembly_blocks(&p->a, q.blocks, p->o.no_timestamps ? 4 : 3);
    if (p->o.no_sack)
        q.count = 0;
    q.echo = p->recent_stamp;
    p->unacked = 0;
    p->delayed_at = UINT64_MAX;
    path_transmit(p, q);
}

static inline void path_receive(struct path *p, const struct path_packet *q)
{
    static const uint8_t zeros[65536];
    struct slice part = {zeros, q->end - q->start};
    bool gaps = assembly_gaps(&p->a), advanced;
    seq_t next = p->a.next;
    if (seq_at_most(q->end, next))
        p->result.needless++;
    if (seq_at_most(q->start, next) && q->stamp >= p->recent_stamp)
        p->recent_stamp = q->stamp;
    if (assembly_put(&p->a, q->start, &part, 1))
        return;
    advanced = p->a.next != next;
    while (assembly_ready_bytes(&p->a) > 0)
        assembly_take(&p->a, (uint32_t)assembly_ready(&p->a).len);
    p->unacked += q->end - q->start;
    if (!advanced || gaps || p->unacked >= 2 * PATH_MSS || p->a.next == p->end)
        path_ack(p);
    else if (p->delayed_at == UINT64_MAX)
        p->delayed_at = p->now + PATH_DELAYED;
}

static inline void path_acknowledge(struct path *p, const struct path_packet *q)
{
    struct recovery_input in = {0};
    struct sent_news news;
    if (seq_before(q->ack, p->r.sent.una))
        return;
    in.report.ack = q->ack;
    in.report.count = q->count;
    memcpy(in.report.blocks, q->blocks, sizeof in.report.blocks);
    in.report.echo_end = UINT64_MAX;
    if (!p->o.no_timestamps) {
        in.report.echo_end = (q->echo + 1) * CLOCK_MS;
        in.echo_rtt = p->now - q->echo * CLOCK_MS;
    }
    in.duplicate = q->ack == p->r.sent.una && sent_outstanding(&p->r.sent) > 0;
    in.fresh = seq_before(p->r.sent.next, p->end);
    recovery_acknowledged(&p->r, &in, p->now, &news);
    if (cubic_window(&p->r.cubic) > p->result.window_peak)
        p->result.window_peak = cubic_window(&p->r.cubic);
}

static inline void path_expire(struct path *p)
{
    struct seq_range r;
    if (recovery_expired(&p->r, p->now) != RECOVERY_PROBE)
        return;
    if (seq_before(p->r.sent.next, p->end)) {
        path_send_new(p, PATH_MSS);
        recovery_probed(&p->r, false, p->now);
    } else if (recovery_probe(&p->r, &r)) {
        recovery_resent(&p->r, r, p->now);
        path_send_range(p, r);
        recovery_probed(&p->r, true, p->now);
    }
}

static inline void path_step(struct path *p)
{
    uint64_t timer = recovery_deadline(&p->r);
    uint64_t packet = p->count ? p->heap[0].at : UINT64_MAX;
    if (p->delayed_at <= packet && p->delayed_at <= timer) {
        p->now = p->delayed_at;
        path_ack(p);
    } else if (packet <= timer) {
        struct path_packet q = path_pop(p);
        p->now = q.at;
        if (q.is_ack)
            path_acknowledge(p, &q);
        else
            path_receive(p, &q);
    } else {
        p->now = timer;
        path_expire(p);
    }
    path_output(p);
}

static inline struct path_result path_run(const struct path_options *o)
{
    struct path *p = calloc(1, sizeof *p);
    struct recovery_options options = {.mss = PATH_MSS, .sack = !o->no_sack};
    p->o = *o;
    p->heap = calloc(PATH_PACKETS, sizeof *p->heap);
    p->random = o->seed * 2654435761u + 88172645463325252u;
    p->now = 1000 * CLOCK_SEC;
    p->delayed_at = UINT64_MAX;
    if (o->spike_at)
        p->o.spike_at += p->now;
    seq_t first = (seq_t)path_random(p);
    p->end = first + (seq_t)o->bytes;
    pool_init(&p->pool, "chunks", ASSEMBLY_CHUNK, 1 << 16);
    assembly_init(&p->a, first, &p->pool);
    recovery_init(&p->r, &options, first, &p->counters);
    recovery_established(&p->r, 2 * o->delay, false, p->now);
    uint64_t start = p->now;
    path_output(p);
    while (p->r.sent.una != p->end && p->now - start < 3600 * CLOCK_SEC)
        path_step(p);
    p->result.done = p->r.sent.una == p->end;
    p->result.time = p->now - start;
    p->result.goodput = (uint64_t)((double)o->bytes * CLOCK_SEC / (double)p->result.time);
    p->result.counters = p->counters;
    struct path_result result = p->result;
    recovery_deinit(&p->r);
    assembly_deinit(&p->a);
    pool_deinit(&p->pool);
    free(p->heap);
    free(p);
    return result;
}

#endif
