/*
 * A network card or a block device, led by bytes, as a hostile device: it takes and uses buffers well or
 * badly, writes anywhere into its rings, changes its configuration, fails. Whatever it does, what is delivered
 * lies in buffers that were lent, and no frame or request completes twice.
 *
 *     first what the device does without, and which it is; then one byte says what, the next ones with what
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/block_owner.h"
#include "platform/virtio/block.h"
#include "platform/virtio/net.h"
#include "runtime/log.h"
#include "runtime/reader.h"
#include "signatures/memory.h"
#include "tests/platform/virtio/puppet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECEIVE 0
#define SEND    1
#define ALL     UINT64_C(0x3001bbab) /* all features that the driver knows */

#define BLOCK_ALL UINT64_C(0x30000222)

static uint64_t touched; /* by reading all that is delivered */

/* Where the device has overwritten what the driver tells it: it cannot know any more what was lent. */
static bool forgotten[2];

static void on_frame(void *owner, const struct net_arrival *a)
{
    (void)owner;
    size_t len = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < a->parts[i].len; k++, len++)
            touched += a->parts[i].ptr[k];
    if (!a->count || !len || len > NET_FRAME_MAX ||
        (a->count > 1 && a->parts[0].len < NET_HEAD_MAX) || a->segment_size > len)
        abort();
}

static void on_room(void *owner)
{
    (void)owner;
}

static void on_link(void *owner, bool up)
{
    (void)owner;
    (void)up;
}

static void send(struct net *n, struct reader *r)
{
    static const uint8_t lent[4096];
    struct slice parts[NET_PARTS_MAX];
    struct net_frame f = {.parts = parts, .count = 1u + read_u8(r) % NET_PARTS_MAX};
    for (size_t i = 0; i < f.count; i++)
        parts[i] = slice_of(lent, i ? 4096 : 54);
    net_send(n, &f);
}

/* A chain is taken, and used: as it should be, or not. */
static void use(uint16_t queue, struct reader *r, bool well)
{
    struct puppet_chain c = {.count = 0};
    if (!forgotten[queue] && !puppet_take(queue, &c))
        return;
    uint32_t written = 0;
    for (size_t i = 0; i < c.count; i++) {
        if (!c.parts[i].writable)
            continue;
        uint32_t n = read_le16(r) % (c.parts[i].size + 1);
        struct slice bytes = read_bytes(r, n < r->rest.len ? n : r->rest.len);
        if (bytes.len)
            memcpy(c.parts[i].at, bytes.ptr, bytes.len);
        written += n;
    }
    if (well)
        puppet_use(queue, c.number, written);
    else
        puppet_use(queue, read_le16(r), read_le32(r));
}

/* Any byte of the rings, of which the device may write all. */
static void scribble(uint16_t queue, struct reader *r)
{
    const struct puppet_queue *q = &puppet.queues[queue];
    if (!q->size)
        return;
    struct queue_layout l = queue_layout(q->size);
    size_t at = read_le16(r) % l.bytes;
    ((uint8_t *)q->descriptors)[at] = read_u8(r);
    forgotten[queue] |= at < l.used;
}

/* --- either --- */

/* One of the two is NULL. */
static void act(struct net *n, struct block *b, uint8_t what, struct reader *r)
{
    switch (what % 8) {
    case 0:
        puppet_run(what & 8);
        break;
    case 1:
        if (n)
            send(n, r);
        else
            ask_block(b, r);
        break;
    case 2:
    case 3:
        use(what & 1 ? RECEIVE : SEND, r, !(what & 0x80));
        break;
    case 4:
        use(RECEIVE, r, true);
        break;
    case 5:
        scribble(what & 8 ? RECEIVE : SEND, r);
        break;
    case 6:
        puppet.config[read_u8(r) % sizeof puppet.config] = read_u8(r);
        puppet.config_interrupt = true;
        break;
    default:
        puppet.status = read_u8(r);
        puppet.config_interrupt = true;
        break;
    }
}

static void drive_net(uint64_t offered, struct reader *r)
{
    static const struct net_events events = {on_frame, on_room, on_link};
    puppet_begin(VIRTIO_NET, offered);
    struct net *n = virtio_net_open(0);
    if (n)
        net_own(n, &events, NULL);
    for (uint64_t last = 0; n && !r->bad && r->rest.len;) {
        act(n, NULL, read_u8(r), r);
        uint64_t completed = net_completed(n);
        if (completed < last || completed > n->sent)
            abort();
        last = completed;
    }
    if (n)
        puppet_run(true);
    memory_free(n);
}

static void drive_block(uint64_t offered, struct reader *r)
{
    puppet_begin(VIRTIO_BLOCK, offered);
    memset(under_way, 0, sizeof under_way);
    puppet.config[0] = 100; /* sectors */
    struct block *b = virtio_block_open(0);
    while (b && !r->bad && r->rest.len) {
        act(NULL, b, read_u8(r), r);
        check_block(b);
    }
    if (b)
        puppet_run(true);
    memory_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    log_configure(SLICE("quiet"));
    memset(forgotten, 0, sizeof forgotten);
    uint32_t without = read_le32(&r);
    if (without >> 31)
        drive_block(BLOCK_ALL & ~(uint64_t)without, &r);
    else
        drive_net(ALL & ~(uint64_t)without, &r);
    puppet_end();
    return 0;
}
