/*
 * See net.h. Two queues: buffers that the device fills, and frames that it sends. A large frame
 * arrives in several buffers (5.1.6.3.1); they are handed on as they lie and given back to the device
 * when the handler returns.
 *
 * What is sent is told to the device once a turn of the loop, by its poll.
 */
#include "platform/virtio/net.h"

#include <string.h>

#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/poll.h"
#include "platform/virtio/device.h"
#include "runtime/list.h"
#include "runtime/log.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#define SOURCE      "virtio"
#define RECEIVE     0u /* queues */
#define SEND        1u
#define BUFFER      2048u
#define BUFFERS     QUEUE_SIZE_MAX
#define PIECES_MAX  40u /* buffers of one frame */
#define FRAMES_ONCE 256u
#define LINK_EVERY  (500 * CLOCK_MS)
#define CONFIG_LINK 6u
#define CONFIG_MTU  10u
#define MTU_DEFAULT 1500u
#define MTU_LEAST   1280u

#define F_CSUM       (UINT64_C(1) << 0)
#define F_GUEST_CSUM (UINT64_C(1) << 1)
#define F_MTU        (UINT64_C(1) << 3)
#define F_MAC        (UINT64_C(1) << 5)
#define F_GUEST_TSO4 (UINT64_C(1) << 7)
#define F_GUEST_TSO6 (UINT64_C(1) << 8)
#define F_GUEST_ECN  (UINT64_C(1) << 9)
#define F_HOST_TSO4  (UINT64_C(1) << 11)
#define F_HOST_TSO6  (UINT64_C(1) << 12)
#define F_HOST_ECN   (UINT64_C(1) << 13)
#define F_MRG_RXBUF  (UINT64_C(1) << 15)
#define F_STATUS     (UINT64_C(1) << 16)
#define WANTED                                                                           \
    (F_CSUM | F_GUEST_CSUM | F_MTU | F_MAC | F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_ECN | \
     F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_ECN | F_MRG_RXBUF | F_STATUS | VIRTIO_F_EVENT_IDX)

#define NEEDS_CSUM 1u /* flags of the header */
#define DATA_VALID 2u
#define GSO_TCPV4  1u
#define GSO_TCPV6  4u
#define GSO_ECN    0x80u

struct head {
    uint8_t flags, gso_type;
    uint16_t head_size, segment_size, checksum_start, checksum_offset;
    uint16_t buffers;
};

struct send_slot {
    struct head head;
    uint8_t bytes[NET_HEAD_MAX];
};

struct card {
    struct net net;
    struct virtio *device;
    struct poll poll;
    struct queue receive, send;
    struct virtio_net_counters counters;
    uint8_t *buffers;
    uint16_t buffer_of[QUEUE_SIZE_MAX]; /* by number of the receive queue */
    struct send_slot *slots;
    uint16_t slot_of[QUEUE_SIZE_MAX]; /* by number of the send queue */
    uint64_t frame_of[QUEUE_SIZE_MAX];
    uint16_t free_slots[QUEUE_SIZE_MAX];
    size_t free_count;
    bool done[QUEUE_SIZE_MAX]; /* by number of the frame, modulo: those after `completed` */
    uint64_t completed, link_at;
    bool up, blocked, told_broken;
};

static struct card *card_of(const struct net *n)
{
    return CONTAINER(n, struct card, net);
}

/* Memory of the heap, or of the image itself (what is baked in is sent from there). */
static uint64_t physical(const void *at)
{
    uint64_t of_image = (uint64_t)at - machine.image_at;
    return of_image < machine.image_size ? machine.image + of_image : machine_physical(at);
}

/* --- receiving --- */

static void offer(struct card *c, uint16_t buffer)
{
    uint16_t number;
    struct queue_part part = {physical(c->buffers + (size_t)buffer * BUFFER), BUFFER};
    if (queue_add(&c->receive, &part, 0, 1, &number))
        c->buffer_of[number] = buffer;
}

struct pieces {
    struct slice parts[PIECES_MAX];
    uint16_t buffers[PIECES_MAX];
    size_t count;
};

/* The next buffer of a frame. False: the device has not said that it is done. */
static bool take_piece(struct card *c, struct pieces *p)
{
    uint16_t number;
    uint32_t written;
    if (!queue_take(&c->receive, &number, &written))
        return false;
    uint16_t buffer = c->buffer_of[number];
    p->parts[p->count] = slice_of(c->buffers + (size_t)buffer * BUFFER, written);
    p->buffers[p->count++] = buffer;
    return true;
}

static void deliver(struct card *c, struct pieces *p, const struct head *h)
{
    p->parts[0] = slice_drop(p->parts[0], sizeof *h);
    const struct net_arrival a = {
        .parts = p->parts,
        .count = p->count,
        .checksum = h->flags & (NEEDS_CSUM | DATA_VALID) ? NET_CHECKSUM_GOOD : NET_CHECKSUM_UNKNOWN,
        .segment_size = h->gso_type & ~GSO_ECN ? h->segment_size : 0,
    };
    c->counters.received++;
    if (c->net.events)
        c->net.events->on_frame(c->net.owner, &a);
    else
        c->counters.dropped_unowned++;
}

static bool receive_one(struct card *c)
{
    struct pieces p = {.count = 0};
    struct head h = {0};
    if (!take_piece(c, &p))
        return false;
    bool good = p.parts[0].len > sizeof h;
    if (good)
        memcpy(&h, p.parts[0].ptr, sizeof h);
    unsigned more = good && h.buffers > 1 ? h.buffers - 1u : 0;
    for (; more && p.count < PIECES_MAX && take_piece(c, &p); more--)
        ;
    if (good && !more)
        deliver(c, &p, &h);
    else
        c->counters.dropped_malformed++;
    for (size_t i = 0; i < p.count; i++)
        offer(c, p.buffers[i]);
    return true;
}

/* --- sending --- */

static void fill_head(struct head *h, const struct net_frame *f)
{
    *h = (struct head){0};
    if (f->checksum_start) {
        h->flags = NEEDS_CSUM;
        h->checksum_start = f->checksum_start;
        h->checksum_offset = f->checksum_offset;
    }
    if (f->segment_size) {
        h->gso_type = (uint8_t)((f->v6 ? GSO_TCPV6 : GSO_TCPV4) | (f->ecn ? GSO_ECN : 0));
        h->segment_size = f->segment_size;
        h->head_size = f->head_size;
    }
}

static enum err send(struct net *n, const struct net_frame *f)
{
    struct card *c = card_of(n);
    struct queue_part parts[NET_PARTS_MAX];
    uint16_t number;
    if (f->count > NET_PARTS_MAX || f->parts[0].len > NET_HEAD_MAX)
        return ERR_LIMIT;
    if (!c->up)
        return ERR_UNREACHABLE;
    if (!c->free_count || queue_room(&c->send) < f->count) {
        c->counters.refused_full++;
        c->blocked = true;
        return ERR_AGAIN;
    }
    uint16_t slot = c->free_slots[c->free_count - 1];
    struct send_slot *s = &c->slots[slot];
    fill_head(&s->head, f);
    memcpy(s->bytes, f->parts[0].ptr, f->parts[0].len);
    parts[0] = (struct queue_part){physical(s), (uint32_t)(sizeof s->head + f->parts[0].len)};
    for (size_t i = 1; i < f->count; i++)
        parts[i] = (struct queue_part){physical(f->parts[i].ptr), (uint32_t)f->parts[i].len};
    if (!queue_add(&c->send, parts, f->count, 0, &number))
        return ERR_IO;
    c->free_count--;
    c->slot_of[number] = slot;
    c->frame_of[number] = n->sent + 1;
    c->counters.sent++;
    return OK;
}

static bool collect(struct card *c)
{
    uint16_t number;
    uint32_t written;
    bool any = false;
    while (queue_take(&c->send, &number, &written)) {
        c->free_slots[c->free_count++] = c->slot_of[number];
        c->done[c->frame_of[number] % QUEUE_SIZE_MAX] = true;
        any = true;
    }
    while (c->done[(c->completed + 1) % QUEUE_SIZE_MAX]) {
        c->completed++;
        c->done[c->completed % QUEUE_SIZE_MAX] = false;
    }
    return any;
}

static uint64_t completed(struct net *n)
{
    collect(card_of(n));
    return card_of(n)->completed;
}

static bool link(const struct net *n)
{
    return card_of(n)->up;
}

/* --- the loop --- */

static void look_at_link(struct card *c)
{
    uint64_t now = clock_monotonic();
    if (!(c->device->features & F_STATUS) || now < c->link_at)
        return;
    c->link_at = now + LINK_EVERY;
    bool up = c->device->ops->config(c->device, CONFIG_LINK) & 1;
    if (up == c->up)
        return;
    c->up = up;
    if (c->net.events)
        c->net.events->on_link(c->net.owner, up);
}

static void look_at_queues(struct card *c)
{
    if (c->told_broken || !(c->receive.broken || c->send.broken))
        return;
    c->told_broken = true;
    c->counters.broken++;
    c->up = false;
    log_error(SOURCE, "the network card breaks the rules of its queues: it is not used any more");
    if (c->net.events)
        c->net.events->on_link(c->net.owner, false);
}

static void tell(struct card *c)
{
    if (queue_tell(&c->send))
        c->device->ops->notify(c->device, SEND);
    if (queue_tell(&c->receive))
        c->device->ops->notify(c->device, RECEIVE);
}

static bool run(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    unsigned frames = 0;
    tell(c);
    c->device->ops->acknowledge(c->device);
    bool any = collect(c);
    if (c->blocked && c->free_count > QUEUE_SIZE_MAX / 4) {
        c->blocked = false;
        if (c->net.events)
            c->net.events->on_room(c->net.owner);
    }
    while (frames < FRAMES_ONCE && receive_one(c))
        frames++;
    tell(c);
    look_at_queues(c);
    look_at_link(c);
    return any || frames;
}

/* Of frames that were sent we want to hear only when somebody waits for room. */
static bool await(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    return queue_await(&c->receive) || (c->blocked && queue_await(&c->send));
}

/* --- opening --- */

static void describe(struct card *c)
{
    uint64_t f = c->device->features;
    struct net_features *to = &c->net.features;
    for (size_t i = 0; i < NET_MAC_SIZE; i++)
        to->mac[i] = f & F_MAC ? c->device->ops->config(c->device, i) : (uint8_t)(i ? i : 2);
    to->mtu = MTU_DEFAULT;
    if (f & F_MTU) {
        unsigned mtu = c->device->ops->config(c->device, CONFIG_MTU) |
                       (unsigned)c->device->ops->config(c->device, CONFIG_MTU + 1) << 8;
        to->mtu = mtu >= MTU_LEAST ? (uint16_t)mtu : MTU_DEFAULT;
    }
    to->offloads =
        (f & F_CSUM ? NET_SENDS_CHECKSUMS : 0) | (f & F_HOST_TSO4 ? NET_SEGMENTS_V4 : 0) |
        (f & F_HOST_TSO6 ? NET_SEGMENTS_V6 : 0) | (f & F_HOST_ECN ? NET_SEGMENTS_ECN : 0);
}

static bool open_queues(struct card *c)
{
    size_t buffers = (size_t)BUFFERS * BUFFER, slots = QUEUE_SIZE_MAX * sizeof *c->slots;
    c->buffers = memory_pages(buffers / PAGE_SIZE);
    c->slots = memory_pages((slots + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!c->buffers || !c->slots || !virtio_queue(c->device, RECEIVE, BUFFERS, &c->receive) ||
        !virtio_queue(c->device, SEND, QUEUE_SIZE_MAX, &c->send))
        return false;
    for (uint16_t i = 0; i < c->receive.size; i++)
        offer(c, i);
    for (uint16_t i = 0; i < QUEUE_SIZE_MAX; i++)
        c->free_slots[c->free_count++] = i;
    return true;
}

struct net *virtio_net_open(uint32_t number)
{
    static const struct net_ops ops = {send, completed, link};
    struct virtio *device = virtio_take(VIRTIO_NET, number);
    struct card *c = device ? memory_zalloc(sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->device = device;
    c->net.ops = &ops;
    c->up = true;
    if (!virtio_begin(device, WANTED) || !open_queues(c)) {
        memory_free(c);
        return NULL;
    }
    describe(c);
    virtio_ready(device);
    look_at_link(c);
    c->poll = (struct poll){.run = run, .await = await};
    poll_add(&c->poll);
    return &c->net;
}

struct virtio_net_counters virtio_net_counters(const struct net *n)
{
    return card_of(n)->counters;
}
