/*
 * See net.h. The card outlives its backends: rings and channels are those of one, pages and the stack
 * above stay. What a backend still holds when it goes is never used again.
 */
#include "platform/xen/net.h"

#include <string.h>

#include "platform/pvh/poll.h"
#include "platform/xen/bus.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "platform/xen/net_ring.h"
#include "platform/xen/shared.h"
#include "runtime/log.h"
#include "signatures/memory.h"

#define SOURCE      "xen"
#define FRAMES_ONCE 256u
#define MTU_DEFAULT 1500u
#define MTU_LEAST   1280u
#define MTU_MOST    (NET_SEND_MAX - 14u)

enum { FRONT_MAC, FRONT_MTU };
static const char *const front_keys[] = {"mac", "mtu", NULL};

enum { BACK_COPY, BACK_SG, BACK_V4, BACK_V6, BACK_CHECKSUM_V6, BACK_SPLIT, BACK_QUEUES };
static const char *const back_keys[] = {"feature-rx-copy",           "feature-sg",
                                        "feature-gso-tcpv4",         "feature-gso-tcpv6",
                                        "feature-ipv6-csum-offload", "feature-split-event-channels",
                                        "multi-queue-max-queues",    NULL};

struct shared_page {
    uint8_t *page;
    uint32_t number; /* of its grant */
};

struct card {
    struct net net;
    struct front front;
    struct poll poll;
    struct net_receive receive;
    struct net_transmit send;
    struct net_ring_counters counters;
    struct net_arrived arrived;
    struct shared_page receive_ring, send_ring;
    uint32_t receive_channel, send_channel; /* the same, where the backend has one only */
    uint32_t abandoned;
    bool blocked, told_up;
    bool draining; /* somebody waits until all is sent */
};

static struct card *card_of(const struct net *n)
{
    return CONTAINER(n, struct card, net);
}

static struct card *of_front(struct front *f)
{
    return CONTAINER(f, struct card, front);
}

/* --- pages --- */

static bool renew_all(struct card *c)
{
    uint32_t *lost = &c->abandoned;
    bool good = shared_renew(&c->receive_ring.page, &c->receive_ring.number, lost) &&
                shared_renew(&c->send_ring.page, &c->send_ring.number, lost);
    for (unsigned i = 0; i < NET_RING_PAGES && good; i++)
        good = shared_renew(&c->receive.pages[i], &c->receive.numbers[i], lost) &&
               shared_renew(&c->send.pages[i], &c->send.numbers[i], lost);
    return good;
}

/* As far as they can be taken back: the rest is found out when there is another backend. */
static void end_all(struct card *c)
{
    struct grants *g = guest_grants();
    (void)grant_end(g, c->receive_ring.number);
    (void)grant_end(g, c->send_ring.number);
    for (unsigned i = 0; i < NET_RING_PAGES; i++) {
        (void)grant_end(g, c->receive.numbers[i]);
        (void)grant_end(g, c->send.numbers[i]);
    }
}

static void free_pages(struct card *c)
{
    shared_free(c->receive_ring.page, c->receive_ring.number);
    shared_free(c->send_ring.page, c->send_ring.number);
    for (unsigned i = 0; i < NET_RING_PAGES; i++) {
        shared_free(c->receive.pages[i], c->receive.numbers[i]);
        shared_free(c->send.pages[i], c->send.numbers[i]);
    }
}

/* --- the device comes and goes --- */

static uint64_t back_has(struct front *f, unsigned key)
{
    return front_number(f, f->back_values[key], UINT32_MAX, 0);
}

static void tell_backend(struct card *c)
{
    struct front *f = &c->front;
    front_tell(f, "tx-ring-ref", c->send_ring.number);
    front_tell(f, "rx-ring-ref", c->receive_ring.number);
    if (c->send_channel == c->receive_channel)
        front_tell(f, "event-channel", c->send_channel);
    else {
        front_tell(f, "event-channel-tx", c->send_channel);
        front_tell(f, "event-channel-rx", c->receive_channel);
    }
    if (back_has(f, BACK_QUEUES))
        front_tell(f, "multi-queue-num-queues", 1);
    front_tell(f, "request-rx-copy", 1);
    front_tell(f, "feature-rx-notify", 1);
    front_tell(f, "feature-sg", 1);
    front_tell(f, "feature-gso-tcpv4", 1);
    front_tell(f, "feature-gso-tcpv6", 1);
    front_tell(f, "feature-ipv6-csum-offload", 1);
}

/* Only what the backend does for both versions of IP counts. */
static uint32_t offloads(struct front *f)
{
    bool checksums = back_has(f, BACK_CHECKSUM_V6), scatter = back_has(f, BACK_SG);
    return (checksums ? NET_SENDS_CHECKSUMS : 0) |
           (checksums && scatter && back_has(f, BACK_V4) ? NET_SEGMENTS_V4 : 0) |
           (checksums && scatter && back_has(f, BACK_V6) ? NET_SEGMENTS_V6 : 0);
}

static bool refuse(struct card *c, const char *why)
{
    log_error(SOURCE, "vif %u: %s", (unsigned)c->front.number, why);
    return false;
}

static bool open_channels(struct card *c)
{
    struct front *f = &c->front;
    c->receive_channel = event_open(f->domain);
    c->send_channel = back_has(f, BACK_SPLIT) ? event_open(f->domain) : c->receive_channel;
    return c->receive_channel != EVENT_NONE && c->send_channel != EVENT_NONE;
}

static bool connect(struct front *f)
{
    struct card *c = of_front(f);
    if (!back_has(f, BACK_COPY))
        return refuse(c, "its backend does not copy (feature-rx-copy)");
    if (c->abandoned > SHARED_ABANDONED_MAX)
        return refuse(c, "its backends kept too many pages");
    if (!renew_all(c))
        return refuse(c, "no memory, or no grants, for its rings");
    if (!open_channels(c))
        return refuse(c, "no event channels");
    struct grants *g = guest_grants();
    net_receive_open(&c->receive, g, f->domain, c->receive_ring.page);
    net_transmit_open(&c->send, g, f->domain, c->send_ring.page, back_has(f, BACK_SG));
    grant_give(g, c->receive_ring.number, f->domain, guest_frame(c->receive_ring.page), true);
    grant_give(g, c->send_ring.number, f->domain, guest_frame(c->send_ring.page), true);
    (void)ring_push(&c->receive.ring);
    tell_backend(c);
    return true;
}

static void tell_link(struct card *c, bool up)
{
    if (c->told_up == up)
        return;
    c->told_up = up;
    log_info(SOURCE, "vif %u: the link is %s", (unsigned)c->front.number, up ? "up" : "down");
    if (c->net.events)
        c->net.events->on_link(c->net.owner, up);
}

static void connected(struct front *f)
{
    struct card *c = of_front(f);
    c->net.features.offloads = offloads(f);
    event_notify(c->receive_channel);
    tell_link(c, true);
}

static void disconnect(struct front *f)
{
    struct card *c = of_front(f);
    event_close(c->receive_channel);
    if (c->send_channel != c->receive_channel)
        event_close(c->send_channel);
    c->receive_channel = c->send_channel = EVENT_NONE;
    c->receive.ring.broken = c->send.ring.broken = true;
    end_all(c);
    tell_link(c, false);
}

static const struct front_kind kind = {.class = "vif",
                                       .front_keys = front_keys,
                                       .back_keys = back_keys,
                                       .published = XenbusStateConnected,
                                       .connect = connect,
                                       .connected = connected,
                                       .disconnect = disconnect};

/* --- signatures/net.h --- */

static enum err send(struct net *n, const struct net_frame *f)
{
    struct card *c = card_of(n);
    if (f->count > NET_PARTS_MAX || f->parts[0].len > NET_HEAD_MAX)
        return ERR_LIMIT;
    if (!c->front.up)
        return ERR_UNREACHABLE;
    enum err e = net_transmit_send(&c->send, f, &c->counters);
    c->blocked |= e == ERR_AGAIN;
    return e;
}

static uint64_t completed(struct net *n)
{
    return n->sent; /* all is copied */
}

/* The backend has them all: it is told of frames at the end of a turn, and may be gone with the domain. */
static bool drained(struct net *n)
{
    struct card *c = card_of(n);
    c->draining = c->front.up && c->send.free_count < NET_RING_PAGES;
    return !c->draining;
}

static bool link(const struct net *n)
{
    return card_of(n)->front.up;
}

static void status(const struct net *n, struct buf *into)
{
    const struct card *c = card_of(n);
    const struct net_ring_counters *k = &c->counters;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"received", k->received},
        {"sent", k->sent},
        {"drop_malformed", k->dropped_malformed},
        {"drop_failed", k->dropped_failed},
        {"drop_held", k->dropped_held},
        {"refused_full", k->refused_full},
        {"connects", c->front.counters.connects},
        {"disconnects", c->front.counters.disconnects},
        {"backend_late", c->front.counters.late},
        {"store_malformed", c->front.counters.malformed},
        {"pages_abandoned", c->abandoned},
        {"grants_used", guest_grants()->used},
        {"grants_refused", guest_grants()->refused},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_printf(into, "xen-net %s: %llu\n", all[i].name, (unsigned long long)all[i].value);
}

/* --- the loop --- */

static void deliver(struct card *c, const struct net_arrived *a)
{
    const struct net_arrival arrival = {.parts = a->parts,
                                        .count = a->count,
                                        .checksum = a->checksum,
                                        .segment_size = a->segment_size};
    c->counters.received++;
    if (c->net.events)
        c->net.events->on_frame(c->net.owner, &arrival);
}

static unsigned receive(struct card *c)
{
    unsigned frames = 0;
    while (frames < FRAMES_ONCE && net_receive_take(&c->receive, &c->arrived, &c->counters)) {
        if (c->arrived.good)
            deliver(c, &c->arrived);
        net_receive_done(&c->receive, &c->arrived);
        frames++;
    }
    return frames;
}

static void tell(struct card *c)
{
    if (ring_push(&c->send.ring))
        event_notify(c->send_channel);
    if (ring_push(&c->receive.ring))
        event_notify(c->receive_channel);
}

static bool run(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    if (!c->front.up)
        return false;
    tell(c);
    bool any = net_transmit_collect(&c->send, &c->counters);
    if (c->blocked && c->send.free_count > NET_RING_PAGES / 4) {
        c->blocked = false;
        if (c->net.events)
            c->net.events->on_room(c->net.owner);
    }
    unsigned frames = receive(c);
    tell(c);
    if (c->receive.ring.broken || c->send.ring.broken) {
        front_fail(&c->front, "the backend breaks the rules of its rings");
        any = true;
    }
    return any || frames;
}

/* Of frames that were sent we want to hear only when somebody waits for room, or for the last of them. */
static bool await(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    return c->front.up && (ring_await(&c->receive.ring) ||
                           ((c->blocked || c->draining) && ring_await(&c->send.ring)));
}

/* --- opening --- */

static bool read_mac(const char *text, uint8_t mac[NET_MAC_SIZE])
{
    struct slice rest = slice_text(text), byte;
    uint64_t value;
    for (size_t i = 0; i < NET_MAC_SIZE; i++) {
        bool more = slice_cut(rest, ':', &byte, &rest);
        if (more != (i + 1 < NET_MAC_SIZE) || byte.len != 2 || !slice_hex(byte, 255, &value))
            return false;
        mac[i] = (uint8_t)value;
    }
    return !(mac[0] & 1);
}

static bool describe(struct card *c)
{
    struct front *f = &c->front;
    uint64_t mtu = front_number(f, f->front_values[FRONT_MTU], MTU_MOST, MTU_DEFAULT);
    c->net.features.mtu = (uint16_t)(mtu < MTU_LEAST ? MTU_DEFAULT : mtu);
    return read_mac(f->front_values[FRONT_MAC], c->net.features.mac) ||
           refuse(c, "the store has no address for it (mac): it is not used");
}

static bool settled(void *arg)
{
    const struct front *f = arg;
    return f->up || (f->looked && !f->present);
}

static void init(struct card *c)
{
    static const struct net_ops ops = {
        .send = send, .completed = completed, .drained = drained, .link = link, .status = status};
    c->net.ops = &ops;
    c->receive_ring.number = c->send_ring.number = GRANT_NONE;
    for (unsigned i = 0; i < NET_RING_PAGES; i++)
        c->receive.numbers[i] = c->send.numbers[i] = GRANT_NONE;
    c->receive.ring.broken = c->send.ring.broken = true;
}

struct net *xen_net_open(uint32_t number)
{
    struct store *s = bus_store();
    struct card *c = s ? memory_zalloc(sizeof *c) : NULL;
    if (!c)
        return NULL;
    init(c);
    front_open(&c->front, &kind, s, number, clock_monotonic);
    if (!bus_add(&c->front)) {
        front_close(&c->front);
        memory_free(c);
        return NULL;
    }
    if (!bus_wait(settled, &c->front, clock_monotonic() + FRONT_DEADLINE))
        log_warning(SOURCE, "vif %u: its backend is not there yet", (unsigned)number);
    if ((c->front.looked && !c->front.present) || !describe(c)) {
        bus_remove(&c->front);
        free_pages(c);
        memory_free(c);
        return NULL;
    }
    c->poll = (struct poll){.run = run, .await = await};
    poll_add(&c->poll);
    return &c->net;
}
