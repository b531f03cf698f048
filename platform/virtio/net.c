/* See net.h: how a card begins, what it tells, and how it is begun anew. Two queues: buffers that the device
 * fills, and frames that it sends. */
#include "platform/virtio/net_internal.h"

#include <string.h>

#include "platform/pvh/memory.h"
#include "runtime/log.h"
#include "signatures/entropy.h"
#include "signatures/memory.h"

#define SOURCE      "virtio"
#define FRAMES_ONCE 256u
#define CONFIG_LINK 6u
#define CONFIG_MTU  10u
#define MTU_DEFAULT 1500u
#define MTU_LARGEST (NET_FRAME_MAX - 14u - 14u)
#define MTU_LEAST   1280u
#define MTU_MOST    (BUFFER - 64u) /* of frames that come in one buffer */

#define GUEST_TSO (F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_ECN)
#define HOST_TSO  (F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_ECN)
#define WANTED                                                                               \
    (F_CSUM | F_GUEST_CSUM | F_MTU | F_MAC | GUEST_TSO | HOST_TSO | F_MRG_RXBUF | F_STATUS | \
     VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static uint64_t completed(struct net *n)
{
    net_collect(card_of(n));
    return card_of(n)->completed;
}

static bool drained(struct net *n)
{
    struct card *c = card_of(n);
    c->draining = completed(n) < n->sent;
    return !c->draining;
}

static bool link(const struct net *n)
{
    return card_of(n)->up;
}

static void status(const struct net *n, struct buf *into)
{
    const struct card *c = card_of(n);
    const struct virtio_net_counters *k = &c->counters;
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"received", k->received},
        {"sent", k->sent},
        {"drop_malformed", k->dropped_malformed},
        {"drop_unowned", k->dropped_unowned},
        {"refused_full", k->refused_full},
        {"broken", k->broken},
        {"restarts", k->restarts},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_printf(into, "virtio-net %s: %llu\n", all[i].name, (unsigned long long)all[i].value);
}

/* --- beginning, and beginning anew --- */

/* Segments go in and out only where checksums do, and come in only in several buffers (5.1.3.1). */
static uint64_t wanted(struct virtio *v)
{
    uint64_t offered = v->ops->features(v), all = WANTED;
    if (!(offered & F_CSUM))
        all &= ~HOST_TSO;
    if (!(offered & F_GUEST_CSUM) || !(offered & F_MRG_RXBUF))
        all &= ~GUEST_TSO;
    return all;
}

/* The longest frame in as many pieces as it may have, either way: what does not fit would wait for ever. */
static bool long_enough(struct card *c)
{
    bool merges = c->device->features & (F_GUEST_TSO4 | F_GUEST_TSO6);
    size_t longest = merges ? sizeof(struct head) + NET_FRAME_MAX : BUFFER;
    if (queue_fits(&c->send, NET_PARTS_MAX) && (size_t)c->receive.size * BUFFER >= longest)
        return true;
    log_error(SOURCE, "a network card has too short queues: it is not used");
    (void)virtio_reset(c->device);
    return false;
}

static bool begin(struct card *c, uint64_t features)
{
    struct virtio *v = c->device;
    if (!virtio_begin(v, features) || !virtio_queue(v, RECEIVE, QUEUE_SIZE_MAX, 1, &c->receive) ||
        !virtio_queue(v, SEND, QUEUE_SIZE_MAX, NET_PARTS_MAX, &c->send) || !long_enough(c))
        return false;
    for (uint16_t i = 0; i < c->receive.size; i++)
        net_offer(c, i);
    c->free_count = 0;
    for (uint16_t i = 0; i < QUEUE_SIZE_MAX; i++)
        c->free_slots[c->free_count++] = i;
    virtio_ready(v);
    virtio_tell(v, RECEIVE, &c->receive);
    return true;
}

/* It was reset: no frame is under way any more. */
static void forget_frames(struct card *c)
{
    memset(c->done, 0, sizeof c->done);
    c->completed = c->net.sent;
}

static void set_link(struct card *c, bool up)
{
    if (up == c->up)
        return;
    c->up = up;
    if (c->net.events)
        c->net.events->on_link(c->net.owner, up);
}

static bool link_now(struct card *c)
{
    return !(c->device->features & F_STATUS) || (virtio_config(c->device, CONFIG_LINK, 2) & 1);
}

static void give_up(struct card *c, const char *why)
{
    c->dead = true;
    log_error(SOURCE, "the network card %s: it is not used any more", why);
    if (virtio_reset(c->device))
        forget_frames(c);
    set_link(c, false);
}

/* All that it had agreed to it has to agree to again: the stack counts on it. */
static void restart(struct card *c)
{
    uint64_t features = c->device->features;
    if (!virtio_restart(c->device)) {
        give_up(c, "needs a reset too often");
        return;
    }
    c->counters.restarts++;
    log_warning(SOURCE, "the network card needs a reset: it is begun anew");
    forget_frames(c);
    if (!begin(c, features) || c->device->features != features)
        give_up(c, "is not what it was before its reset");
}

/* --- the loop --- */

/* True: there was one. */
static bool look_at_change(struct card *c)
{
    if (!virtio_take_change(c->device))
        return false;
    if (virtio_needs_reset(c->device))
        restart(c);
    if (!c->dead)
        set_link(c, link_now(c));
    return true;
}

/* True: they are broken. */
static bool look_at_queues(struct card *c)
{
    if (!c->receive.broken && !c->send.broken)
        return false;
    c->counters.broken++;
    give_up(c, "breaks the rules of its queues");
    return true;
}

static void tell(struct card *c)
{
    virtio_tell(c->device, SEND, &c->send);
    virtio_tell(c->device, RECEIVE, &c->receive);
}

static void give_room(struct card *c)
{
    if (!c->blocked || c->free_count <= QUEUE_SIZE_MAX / 4)
        return;
    c->blocked = false;
    if (c->net.events)
        c->net.events->on_room(c->net.owner);
}

static bool run(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    unsigned frames = 0;
    if (c->dead)
        return false;
    tell(c);
    bool any = net_collect(c);
    while (frames < FRAMES_ONCE && net_receive_one(c))
        frames++;
    any |= look_at_change(c);
    if (c->dead || look_at_queues(c))
        return true;
    give_room(c);
    tell(c);
    return any || frames;
}

/* Of frames that were sent we want to hear only when somebody waits for room, or for the last of them. */
static bool await(struct poll *p)
{
    struct card *c = CONTAINER(p, struct card, poll);
    return !c->dead &&
           (queue_await(&c->receive) || ((c->blocked || c->draining) && queue_await(&c->send)));
}

/* --- opening --- */

/* An address that is nobody's is made one of our own (IEEE 802, 8.4: locally administered). */
static void read_address(struct card *c, uint8_t mac[NET_MAC_SIZE])
{
    static const uint8_t none[NET_MAC_SIZE];
    for (size_t i = 0; i < NET_MAC_SIZE; i++)
        mac[i] = (uint8_t)virtio_config(c->device, i, 1);
    if ((c->device->features & F_MAC) && !(mac[0] & 1) && memcmp(mac, none, sizeof none) != 0)
        return;
    entropy_fill(mac, NET_MAC_SIZE);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

static uint16_t read_mtu(struct card *c)
{
    uint64_t f = c->device->features;
    uint32_t mtu = f & F_MTU ? virtio_config(c->device, CONFIG_MTU, 2) : MTU_DEFAULT;
    bool fits = mtu >= MTU_LEAST && (mtu <= MTU_MOST || (f & F_MRG_RXBUF));
    return fits && mtu <= MTU_LARGEST ? (uint16_t)mtu : MTU_DEFAULT;
}

static void describe(struct card *c)
{
    uint64_t f = c->device->features;
    struct net_features *to = &c->net.features;
    read_address(c, to->mac);
    to->mtu = read_mtu(c);
    to->offloads =
        (f & F_CSUM ? NET_SENDS_CHECKSUMS : 0) | (f & F_HOST_TSO4 ? NET_SEGMENTS_V4 : 0) |
        (f & F_HOST_TSO6 ? NET_SEGMENTS_V6 : 0) | (f & F_HOST_ECN ? NET_SEGMENTS_ECN : 0);
}

static bool open_memory(struct card *c)
{
    size_t buffers = (size_t)BUFFERS * BUFFER, slots = QUEUE_SIZE_MAX * sizeof *c->slots;
    c->buffers = memory_pages(buffers / PAGE_SIZE);
    c->slots = memory_pages((slots + PAGE_SIZE - 1) / PAGE_SIZE);
    return c->buffers && c->slots;
}

struct net *virtio_net_open(uint32_t number)
{
    static const struct net_ops ops = {.send = net_send_frame,
                                       .completed = completed,
                                       .drained = drained,
                                       .link = link,
                                       .status = status};
    struct virtio *device = virtio_take(VIRTIO_NET, number);
    struct card *c = device ? memory_zalloc(sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->device = device;
    c->net.ops = &ops;
    if (!open_memory(c) || !begin(c, wanted(device))) {
        memory_free(c);
        return NULL;
    }
    describe(c);
    c->up = link_now(c);
    c->poll = (struct poll){.run = run, .await = await};
    poll_add(&c->poll);
    if (virtio_count(VIRTIO_NET) > 1)
        log_info(SOURCE, "network card %u is used, of %u: --network says which", number,
                 virtio_count(VIRTIO_NET));
    return &c->net;
}

struct virtio_net_counters virtio_net_counters(const struct net *n)
{
    return card_of(n)->counters;
}
